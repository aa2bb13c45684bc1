"""The small changes: of a source to another that a compiler takes, but no test should."""

import os
import re

# What is written, what becomes of it; strings and comments are blank by then.
C = [
    (r"(?<![<>=!-])<(?![<=])", "<="), (r"<=(?!=)", "<"), (r"(?<![->])>(?![>=])", ">="), (r"(?<!>)>=", ">"),
    (r"==", "!="), (r"!=", "=="), (r"&&", "||"), (r"\|\|", "&&"), (r"(?<= )\+(?= )", "-"), (r"(?<= )-(?= )", "+"),
    (r"\+\+", "--"), (r"\+=", "-="), (r"!(?=[a-z(])", ""), (r"\btrue\b", "false"), (r"\bfalse\b", "true"),
    (r"(?<![\w.])0(?![\w.])", "1"), (r"(?<![\w.])1(?![\w.])", "2"), (r"\bbreak;", "continue;"),
    (r"(?<=\bif )\((.*)\)(?= ?\{?$)", r"(!(\1))"),
]
LUA = [
    (r"(?<![<>=~])<(?![<=c])", "<="), (r"<=", "<"), (r"(?<![>\-])>(?![>=])", ">="), (r">=", ">"), (r"==", "~="),
    (r"~=", "=="), (r"\band\b", "or"), (r"\bor\b", "and"), (r"(?<= )\+(?= )", "-"), (r"(?<= )-(?= )", "+"),
    (r"\bnot ", ""), (r"\btrue\b", "false"), (r"\bfalse\b", "true"), (r"(?<![\w.])0(?![\w.])", "1"),
    (r"(?<![\w.])1(?![\w.])", "2"), (r"(?<=\bif )(.+)(?= then$)", r"not (\1)"),
]
# A call or an assignment alone on its line. A drop of `local x = y` would only break the names.
STATEMENT = {".c": r"^\s+(?!return|break|continue|goto)[\w>.*\[\]-]+( [+|&-]?= .*|\(.*\)|\+\+);$",
             ".lua": r"^\s+(?!return|local|function|error\()[\w.:\[\]]+( = (?!function).*[^{(,]|\(.*\))$"}
LOGGING = r"\blog[.:(]|\bsay\(|progress|print_|\btracef?\("
FOLDERS = ("bindings", "host", "scripts/pghost")


def blank(match):
    return re.sub(r"[^\n]", " ", match[0])


def code_of(name, text):
    """The text with strings and comments blanked, each at its place."""
    if name.endswith(".c"):
        return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'|^#(?:\\\n|[^\n])*', blank, text,
                      flags=re.S | re.M)
    return re.sub(r'--\[\[.*?\]\]|--[^\n]*|\[(=*)\[.*?\]\1\]|"(?:\\.|[^"\\\n])*"|<(?:const|close)>', blank, text, flags=re.S)


def files(root):
    """Sources, each once for each 50 lines."""
    found = []
    for folder in FOLDERS:
        for path, _, names in os.walk(os.path.join(root, folder)):
            for name in names:
                if name.endswith((".c", ".lua")):
                    source = os.path.relpath(os.path.join(path, name), root)
                    with open(os.path.join(root, source), encoding="utf-8") as file:
                        found += [source] * (1 + file.read().count("\n") // 50)
    return sorted(found)


def candidates(name, code):
    """Each (start, end, replacement) of a change."""
    found = []
    kind = os.path.splitext(name)[1]
    start = 0
    for line in code.split("\n"):
        if line.strip() and not re.search(LOGGING, line):
            for pattern, new in C if kind == ".c" else LUA:
                for match in re.finditer(pattern, line):
                    found.append((start + match.start(), start + match.end(), match.expand(new)))
            if re.search(STATEMENT[kind], line):
                indent = len(line) - len(line.lstrip())
                found.append((start + indent, start + len(line), ";" if kind == ".c" else ""))
        start += len(line) + 1
    return found


def choose(dice, root, names):
    """A random change: the file, its line, the whole new text, and the change in words."""
    while True:
        name = dice.choice(names)
        with open(os.path.join(root, name), encoding="utf-8") as file:
            text = file.read()
        found = candidates(name, code_of(name, text))
        if not found:
            continue
        start, end, new = dice.choice(found)
        if new.startswith(("(!(", "not (")):  # a condition: with the strings that it has
            new = ("(!(%s))" if name.endswith(".c") else "not (%s)") % text[start:end]
        line = text.count("\n", 0, start) + 1
        words = text.split("\n")[line - 1].strip()
        what = f"'{text[start:end]}' is '{new}' in '{words}'"
        return name, line, text[:start] + new + text[end:], what
