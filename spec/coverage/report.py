"""Prints what a build for coverage has executed: report.py FOLDER (of the build), in the root of the sources.

C: the counters of gcov. Lua: the lines that have an instruction, from the listing of luac, and the bytes of
FOLDER/lines (see spec/c/lines_hit.c)."""

import collections
import json
import os
import re
import subprocess
import sys

ROOT = os.getcwd()


class File:
    def __init__(self):
        self.lines = collections.defaultdict(int)  # line: how often
        self.branches = collections.defaultdict(int)  # (line, index): how often

    def missed_lines(self):
        return sorted(line for line, count in self.lines.items() if count == 0)

    def missed_branches(self):
        lines = collections.Counter(line for (line, _), count in self.branches.items() if count == 0)
        return sorted((line, count) for line, count in lines.items() if self.lines[line] > 0)


def gcov(objects):
    """One document of JSON for each object file."""
    out = subprocess.run(["gcov", "--json-format", "--stdout", "--branch-probabilities", *objects],
                         capture_output=True, check=True).stdout
    return [json.loads(line) for line in out.splitlines() if line.strip()]


def read_c(folder):
    objects = [os.path.join(path, name) for path, _, names in os.walk(folder) for name in names
               if name.endswith(".gcno") and "spec" not in path.split(os.sep)]
    files = collections.defaultdict(File)
    for document in gcov(sorted(objects)):
        for one in document["files"]:
            path = os.path.relpath(one["file"], ROOT)  # the build maps its folder to "."
            if path.startswith(("bindings/", "host/")):
                add_object(files[path], one)
    return files


def add_object(file, one):
    """An inline function of a header is in many objects, and once in each."""
    for line in one["lines"]:
        number = line["line_number"]
        file.lines[number] += line["count"]
        for i, branch in enumerate(line["branches"]):
            file.branches[number, i] += branch["count"]


def lines_of_lua(path):
    """Lines with an instruction; not those of `end` alone, whose only one is the return that others made needless."""
    listing = subprocess.run(["luac5.4", "-l", "-p", path], capture_output=True, check=True, text=True).stdout
    found = {int(match[1]) for match in re.finditer(r"^\t\d+\t\[(\d+)\]\t(?!VARARGPREP)", listing, re.M)}
    with open(path, encoding="utf-8") as source:
        text = source.read().split("\n")
    return {line for line in found if not re.fullmatch(r"\s*(end|else|[]})]|\)\(\))*[\s,;)}\]]*", text[line - 1])}


def read_lua(folder):
    files = {}
    for path, _, names in os.walk("scripts/pghost"):
        for name in names:
            if name.endswith(".lua"):
                source = os.path.join(path, name)
                files[source] = file = File()
                hit = os.path.join(folder, "lines", os.path.relpath(source, "scripts").replace("/", "+"))
                data = open(hit, "rb").read() if os.path.exists(hit) else b""
                for line in lines_of_lua(source):
                    file.lines[line] = data[line] if line < len(data) else 0
    return files


def percent(hit, all_):
    return f"{100 * hit / all_:6.1f} % of {all_:6}" if all_ else " " * 17


def print_sums(files, depth):
    sums = collections.defaultdict(lambda: [0, 0, 0, 0])
    for path, file in files.items():
        folder = "/".join(path.split("/")[:-1][:depth])
        for key in (folder, "all"):
            one = sums[key]
            one[0] += sum(1 for count in file.lines.values() if count)
            one[1] += len(file.lines)
            one[2] += sum(1 for count in file.branches.values() if count)
            one[3] += len(file.branches)
    for key in sorted(sums, key=lambda key: (key == "all", key)):
        hit, all_, taken, branches = sums[key]
        print(f"{key:28} lines {percent(hit, all_)}  {'branches ' + percent(taken, branches) if branches else ''}".rstrip())


def write_missed(path, files):
    with open(path, "w", encoding="utf-8") as out:
        for name in sorted(files):
            source = open(name, encoding="utf-8").read().split("\n")
            for line in files[name].missed_lines():
                out.write(f"{name}:{line}: {source[line - 1].strip()}\n")
            for line, count in files[name].missed_branches():
                out.write(f"{name}:{line}: {count} branches: {source[line - 1].strip()}\n")


def main():
    folder = sys.argv[1]
    c, lua = read_c(folder), read_lua(folder)
    print("C")
    print_sums(c, 2)
    print("Lua")
    print_sums(lua, 3)
    write_missed(os.path.join(folder, "missed.txt"), {**c, **lua})
    print(f"each line and branch that was missed: {folder}/missed.txt")


main()
