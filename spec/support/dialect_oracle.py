"""Random tables in random dialects, written without any of pghost's code.

    dialect_oracle.py SEED COUNT     a line of JSON a case: options, text (hex), rows

Where Python's csv module can express the dialect, it must read the text as the same rows.
"""
import csv
import io
import json
import random
import sys

WORDS = ["", "a", " b", "x y", "12", "3,5", "é", "it's", 'say "hi"', "back\\slash", "two\nlines", "a;b|c", "::", "#no", "\t"]


def make_dialect(rng):
    options = {"delimiter": rng.choice([",", ";", "\t", "|", "::", "§", "<->"])}
    options["quote"] = rng.choice(['"', "'", ""])
    if options["quote"] == "" or rng.random() < 0.4:
        options["escape"] = "\\"
    if rng.random() < 0.3:
        options["skip_blanks"] = True
    if rng.random() < 0.3:
        options["comment"] = rng.choice(["#", "//"])
    if rng.random() < 0.3:
        options["skip"] = rng.randint(1, 3)
    if rng.random() < 0.3:
        options["footer"] = rng.randint(1, 3)
    return options


def escaped(text, options, specials):
    mark = options.get("escape")
    return "".join(mark + char if char in specials else char for char in text)


def write_cell(rng, cell, options):
    quote, mark, delimiter = options["quote"], options.get("escape", ""), options["delimiter"]
    if not quote:
        return escaped(cell, options, set(delimiter + mark + "\r\n" + (" " if options.get("skip_blanks") else "")))
    risky = any(char in cell for char in delimiter + quote + mark + "\r\n") or cell.startswith(" ")
    risky = risky or cell.startswith(options.get("comment", quote))
    if not risky and (cell == "" or rng.random() < 0.8):
        return cell
    if mark and rng.random() < 0.5:
        return quote + escaped(cell, options, {quote, mark}) + quote
    return quote + escaped(cell, options, {mark} if mark else set()).replace(quote, quote * 2) + quote


def usable(word, options):
    # A first cell must not start a comment where nothing can be quoted; nor is a line of blanks a record.
    return options["quote"] or not word.startswith(options.get("comment", "\0"))


def write_text(rng, options, rows, end):
    gap = " " if options.get("skip_blanks") and rng.random() < 0.7 else ""
    lines = []
    for row in rows:
        if options.get("comment") and rng.random() < 0.3:
            lines.append(options["comment"] + ' no "record')
        cells = [write_cell(rng, cell, options) for cell in row]
        lines.append((options["delimiter"] + gap).join(cells))
    before = ["a title, of \"sorts"] * options.get("skip", 0)
    after = ["total: 1;2"] * options.get("footer", 0)
    text = end.join(before + lines + after)
    return text + (end if rng.random() < 0.7 else "")


def check_csv_module(text, options, rows, end):
    if len(options["delimiter"]) > 1 or {"comment", "skip", "footer"} & set(options):
        return False
    if not options["quote"] and any("\n" in cell for row in rows for cell in row):
        return False  # it ends a record behind an escaped line feed with a CR before it
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=options["delimiter"], quotechar=options["quote"] or None,
        quoting=csv.QUOTE_MINIMAL if options["quote"] else csv.QUOTE_NONE, escapechar=options.get("escape"),
        skipinitialspace=options.get("skip_blanks", False), strict=True)
    got = [row for row in reader if row]
    if got != rows:
        sys.exit(f"the csv module reads {got}, not {rows}: {options} {text!r}")
    return True


def main():
    rng = random.Random(int(sys.argv[1]))
    by_module = 0
    for _ in range(int(sys.argv[2])):
        options, end = make_dialect(rng), rng.choice(["\n", "\r\n"])
        columns = rng.randint(2, 4)
        words = [word for word in WORDS if usable(word, options)]
        rows = [[f"c{i}" for i in range(columns)]]
        rows += [[rng.choice(words) for _ in range(columns)] for _ in range(rng.randint(1, 6))]
        text = write_text(rng, options, rows, end)
        by_module += check_csv_module(text, options, rows, end)
        print(json.dumps({"options": options, "text": text.encode().hex(), "rows": rows[1:]}))
    print(json.dumps({"by_module": by_module}))


main()
