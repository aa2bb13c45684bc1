"""Random tables in random dialects, and whether what was sniffed reads them.

    sniff_tables.py write SEED COUNT FOLDER    writes N.csv and N.json (the table, and how it was written)
    sniff_tables.py check FOLDER               reads N.csv as N.sniff.json says, and holds it against N.json

Written and read by Python's csv module, but for delimiters of several characters, which it has not.
`check` prints a JSON object: how many were read right, how many were not but were said to be unsure, which
were wrong, and how many csv.Sniffer reads.
"""
import csv
import io
import json
import os
import random
import sys
import uuid

csv.field_size_limit(10**8)

WORDS = ("desk window floor team Berlin Paris Rome München Łódź red green blue north south left right open closed "
         "alpha beta gamma delta invoice order customer").split()
NAMES = ("id name city status amount price created_at email code first_name last_name country total note flag "
         "user_id score ratio start_time end_time comment zip street qty unit").split()
SENTENCES = ["the quick brown fox", "said \"no\", then left", "it's fine", "a; b; c", "one, two, three", "5\" pipe",
             "line one\nline two", "tab\there", "C:\\temp\\new", "50% off | today", "why: because", "x = y"]


def number(rng):
    return str(rng.randrange(10 ** rng.randrange(1, 9)))


def date(rng):
    return "%04d-%02d-%02d" % (rng.randrange(1990, 2030), rng.randrange(1, 13), rng.randrange(1, 29))


def moment(rng):
    return "%s %02d:%02d:%02d" % (date(rng), rng.randrange(24), rng.randrange(60), rng.randrange(60))


KINDS = {
    "int": number,
    "decimal": lambda rng: "%.2f" % rng.uniform(-1000, 100000),
    "date": date,
    "timestamp": moment,
    "word": lambda rng: rng.choice(WORDS),
    "words": lambda rng: " ".join(rng.choice(WORDS) for _ in range(rng.randrange(1, 5))),
    "sentence": lambda rng: rng.choice(SENTENCES),
    "bool": lambda rng: rng.choice(["true", "false"]),
    "uuid": lambda rng: str(uuid.UUID(int=rng.getrandbits(128))),
    "email": lambda rng: "%s@%s.org" % (rng.choice(WORDS[:2]), rng.choice(["example", "test"])),
}


def random_dialect(rng):
    several = rng.random() < 0.1
    dialect = {
        "delimiter": rng.choice(["||", "::", "~|~"] if several else [",", ",", ",", ";", ";", "\t", "\t", "|", "^", "~", ":",
                                                                    " "]),
        "quote": "" if several else rng.choice(['"', '"', '"', "'"]),
        "escape": "" if several or rng.random() < 0.85 else "\\",
        "quoting": rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
        "line_end": rng.choice(["\n", "\n", "\r\n", "\r\n", "\r"]),
        "header": rng.random() < 0.8,
        "preamble": [],
        "encoding": rng.choice(["utf-8"] * 8 + ["utf-8-sig", "utf-16"]),
    }
    if rng.random() < 0.2 and dialect["delimiter"] != " ":  # its words would be fields, too
        dialect["preamble"] = ["Export of %s" % rng.choice(WORDS), "created by the system", ""][:rng.randrange(1, 4)]
    return dialect


def random_table(rng, dialect):
    columns = rng.randrange(2, 9) if rng.random() < 0.95 or dialect["preamble"] or not dialect["quote"] else 1
    kinds = [rng.choice(list(KINDS)) for _ in range(columns)]
    rows = [[KINDS[kind](rng) if columns == 1 or rng.random() > 0.05 else "" for kind in kinds]
            for _ in range(rng.randrange(2, 60))]
    if dialect["line_end"] == "\r":  # a line end of another kind inside of quotes is another test's
        rows = [[cell.replace("\n", "\r") for cell in row] for row in rows]
    if not dialect["quote"]:
        for row in rows:
            for i, cell in enumerate(row):
                row[i] = "".join(c for c in cell if c not in "\n\r\"'|:~")
    if dialect["header"]:
        rows.insert(0, rng.sample(NAMES, columns))
    return rows


def write_rows(dialect, rows):
    if not dialect["quote"]:
        return "".join(dialect["delimiter"].join(row) + dialect["line_end"] for row in rows)
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=dialect["delimiter"], quotechar=dialect["quote"], quoting=dialect["quoting"],
                        doublequote=not dialect["escape"], escapechar=dialect["escape"] or None,
                        lineterminator=dialect["line_end"])
    writer.writerows(rows)
    return out.getvalue()


def write(seed, count, folder):
    rng = random.Random(seed)
    for i in range(1, count + 1):
        dialect = random_dialect(rng)
        rows = random_table(rng, dialect)
        text = "".join(line + dialect["line_end"] for line in dialect["preamble"]) + write_rows(dialect, rows)
        with open("%s/%d.csv" % (folder, i), "w", encoding=dialect["encoding"], newline="") as file:
            file.write(text)
        with open("%s/%d.json" % (folder, i), "w") as file:
            json.dump({"dialect": dialect, "rows": rows}, file)


def without_lines(text, count, line_end):
    for _ in range(count):
        at = text.find(line_end)
        text = text[at + len(line_end):] if at >= 0 else ""
    return text


def read(text, options):
    line_end = "\r" if options.get("line_end") == "cr" else "\n"
    text = without_lines(text, options.get("skip", 0), line_end)
    delimiter, quote = options.get("delimiter", ","), options.get("quote", '"')
    if len(delimiter) > 1:
        rows = [line.split(delimiter) for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1]]
    else:
        escape = options.get("escape") or None
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote or None,
                               quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE, escapechar=escape,
                               doublequote=not escape, skipinitialspace=options.get("skip_blanks", False)))
    rows = [row for row in rows if row]
    return rows[:len(rows) - options.get("footer", 0)] if options.get("footer") else rows


def by_sniffer(text, rows):
    """Whether csv.Sniffer reads the table; lines above it do not count against it."""
    try:
        found = csv.Sniffer().sniff(text)
        return list(csv.reader(io.StringIO(text, newline=""), found))[-len(rows):] == rows
    except (csv.Error, ValueError, TypeError):
        return False


def header_rows(options):
    header = options.get("header", True)
    return int(header) if not isinstance(header, bool) else 1 if header else 0


def judge(case, sniffed, text):
    """ "right", "header" (the cells are right), "wrong" """
    options = sniffed["options"] if isinstance(sniffed["options"], dict) else {}
    try:
        rows = read(text, options)
    except csv.Error as problem:
        return "wrong", str(problem)
    if rows != case["rows"]:
        return "wrong", "%r / %r" % (rows[:2], case["rows"][:2])
    if header_rows(options) != (1 if case["dialect"]["header"] else 0):
        return "header", "%r" % (case["rows"][:2],)
    return "right", ""


def unsure(what, sniffed):
    if sniffed["refused"]:  # by a load with --auto
        return True
    if what == "header":
        return sniffed["dialect"]["header"]["confidence"] < 0.75
    return sniffed["dialect"]["delimiter"]["confidence"] < 0.7 or any(
        "two ways" in warning for warning in sniffed.get("warnings") or [])


def check(folder):
    report = {"cases": 0, "right": 0, "unsure": 0, "sniffer": 0, "wrong": []}
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".sniff.json"):
            continue
        base = "%s/%s" % (folder, name[:-len(".sniff.json")])
        sniffed = json.load(open(base + ".sniff.json"))
        case = json.load(open(base + ".json"))
        text = open(base + ".csv", encoding=case["dialect"]["encoding"], newline="").read()
        what, detail = judge(case, sniffed, text)
        report["cases"] += 1
        report["sniffer"] += by_sniffer(text, case["rows"])
        if what == "right":
            report["right"] += 1
        elif unsure(what, sniffed):
            report["unsure"] += 1
        else:
            report["wrong"].append("%s: %s: %s" % (base, what, detail[:300]))
    print(json.dumps(report))


if sys.argv[1] == "write":
    write(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
else:
    check(sys.argv[2])
