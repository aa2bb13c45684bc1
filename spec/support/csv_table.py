"""A large CSV file, and what Python's csv module reads in it.

    csv_table.py SEED RECORDS FILE ROWS    writes FILE and, in COPY's text format, ROWS: the line that a record
                                           starts on, and its fields
"""
import csv
import random
import sys

WORDS = ["", "a", "NULL", "\\N", " x ", "12", "é€😀", "it's", 'say "hi"', "a,b", "two\nlines", "cr\r\nlf", ",\n,\"", "\"\n", "#",
         "x" * 300]
COLUMNS = 4


def write_cell(rng, cell):
    quoted = any(char in cell for char in ',"\r\n') or rng.random() < 0.2
    return '"' + cell.replace('"', '""') + '"' if quoted else cell


def write_file(rng, count, path):
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write("a,b,c,d\n")
        for number in range(count):
            cells = [str(number)] + [rng.choice(WORDS) for _ in range(COLUMNS - 1)]
            file.write(",".join(write_cell(rng, cell) for cell in cells) + rng.choice(["\n", "\r\n"]))


def copy_text(value):
    for char, escape in (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        value = value.replace(char, escape)
    return value


def main():
    seed, count, path, rows = sys.argv[1:]
    write_file(random.Random(int(seed)), int(count), path)
    with open(path, encoding="utf-8", newline="") as file, open(rows, "w", encoding="utf-8", newline="") as out:
        reader = csv.reader(file, strict=True)
        next(reader)
        line = reader.line_num + 1
        for row in reader:
            out.write("\t".join(copy_text(cell) for cell in [str(line), *row]) + "\n")
            line = reader.line_num + 1


main()
