"""Files as people have them, by families and by chance, and the tables that a person sees in them.

    mutated_files.py SEED COUNT FOLDER [FAMILY]    writes FAMILY_N.csv and FAMILY_N.json: header (or null), rows

Each family has one difficulty in many variants. Records that are damaged are not in `rows`: `damaged` says that there are
some, and then a load is to refuse the file or reject them.
"""
import csv
import io
import json
import random
import sys

WORDS = ("desk window floor team Berlin Paris Rome München Łódź red green blue north south left right open closed alpha "
         "beta gamma delta invoice order customer copper silver maple cedar river stone").split()
NAMES = "id name city status amount price created code country total note flag user_id score qty unit zip street".split()
PEOPLE = "Anna Koch,Bob May,Cid Low,Dan Fox,Eva Rot,Fay Wu,Gus Ohm,Ida Lux,Jan Tor,Kim Ode".split(",")


def number(rng):
    return str(rng.randrange(1, 10 ** rng.randrange(1, 7)))


def decimal(rng):
    return "%.2f" % rng.uniform(0, 5000)


def date(rng):
    return "%04d-%02d-%02d" % (rng.randrange(1990, 2030), rng.randrange(1, 13), rng.randrange(1, 29))


def word(rng):
    return rng.choice(WORDS)


def words(rng):
    return " ".join(rng.choice(WORDS) for _ in range(rng.randrange(2, 5)))


def person(rng):
    return rng.choice(PEOPLE)


def clock(rng):
    return "%02d:%02d" % (rng.randrange(24), rng.randrange(60))


PLAIN = [number, decimal, date, word, words, person, clock]


def table(rng, kinds=None, least=3, most=40, named=True):
    kinds = kinds or [rng.choice(PLAIN) for _ in range(rng.randrange(2, 8))]
    rows = [[kind(rng) for kind in kinds] for _ in range(rng.randrange(least, most))]
    return (rng.sample(NAMES, len(kinds)) if named else None), rows


def written(header, rows, delimiter=",", quote='"', quoting=csv.QUOTE_MINIMAL, end="\n"):
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, quotechar=quote, quoting=quoting, lineterminator=end)
    writer.writerows(([header] if header else []) + rows)
    return out.getvalue()


def case(text, header, rows, damaged=False):
    return {"text": text, "header": header, "rows": rows, "damaged": damaged}


def delimiter(rng):
    sign = rng.choice([",", ";", "\t", "|", ";", "\t"])
    other = rng.choice([s for s in ",;|: /-" if s != sign])
    header, rows = table(rng, named=rng.random() < 0.8)
    for row in rows:
        for i, cell in enumerate(row):
            if rng.random() < 0.3 and cell[0].isalpha():
                row[i] = cell + other + rng.choice(WORDS)
    return case(written(header, rows, sign), header, rows)


def quoting(rng):
    quote = rng.choice(['"', '"', "'"])
    header, rows = table(rng)
    extra = ["it's fine", 'said "no"', "two\nlines", "one, two", "5\" pipe", "a;b", "", " lead", "O'Brien", "rock 'n' roll"]
    for row in rows:
        for i, cell in enumerate(row):
            if rng.random() < 0.2 and cell[0].isalpha():
                row[i] = rng.choice(extra)
    how = rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
    return case(written(header, rows, rng.choice([",", ";", "\t"]), quote, how, rng.choice(["\n", "\r\n"])), header, rows)


def preamble(rng):
    sign = rng.choice([",", ";", "\t"])
    header, rows = table(rng, [number] + [rng.choice(PLAIN) for _ in range(rng.randrange(1, 7))])
    width = len(header)
    lines = ["Report of %s" % word(rng), "Created: %s" % date(rng), "Customer%s%s" % (sign, person(rng)),
             "Export %s, %s" % (words(rng), date(rng)), "%s %s" % (word(rng).title(), rng.randrange(1990, 2030)),
             "Sales by region" + sign * (width - 1), "Period:%s%s" % (sign, date(rng)), "# made by %s" % person(rng)]
    above = rng.sample(lines, rng.randrange(1, 4)) + ([""] if rng.random() < 0.6 else [])
    return case("".join(line + "\n" for line in above) + written(header, rows, sign), header, rows)


def footer(rng):
    sign = rng.choice([",", ";", "\t"])
    header, rows = table(rng, [rng.choice([number, word, person, date])] + [rng.choice([number, decimal, word, date])
                                                                         for _ in range(rng.randrange(1, 6))])
    width = len(header)
    lines = ["(%d rows)" % len(rows), "Source: %s" % words(rng), "* provisional figures", "Total" + sign * (width - 1) + (number(rng) if width == 2 else ""),
             "Total:" + sign + number(rng), "End of %s" % word(rng), "%d records" % len(rows),
             "Created on %s by %s" % (date(rng), person(rng))]
    notes = [line for line in lines if not line.startswith("Total")]
    below = [rng.choice(lines)] + rng.sample(notes, rng.randrange(0, 2))
    # A record may be called so, unless a blank line parts it from the others.
    if rng.random() < 0.6 or (below[0].startswith("Total") and width == 2 and not rows[0][0][0].isdigit()):
        below.insert(0, "")
    return case(written(header, rows, sign) + "".join(line + "\n" for line in below), header, rows, True)


def ragged(rng):
    sign = rng.choice([",", ";", "\t", "|"])
    header, rows = table(rng, least=5)
    lines = written(header, rows, sign).split("\n")[:-1]
    good = []
    share = rng.choice([0.1, 0.3, 0.6])
    for i, row in enumerate(rows, 1):
        roll = rng.random()
        if roll < share / 3:
            lines[i] = lines[i].rsplit(sign, 1)[0]
        elif roll < share * 2 / 3:
            lines[i] += sign + word(rng)
        elif roll < share:
            lines[i] += sign
        else:
            good.append(row)
    if rng.random() < 0.2:
        lines[0] += sign
        good = []
    return case("\n".join(lines) + "\n", header, good, True)


def one_column(rng):
    kind = rng.choice([number, decimal, date, word, words, person, clock, lambda r: words(r) + ", " + word(r),
                       lambda r: "%s-%s" % (word(r), number(r)), lambda r: "%s@%s.org" % (r.choice(WORDS[:3]), r.choice(
                           ["example", "test"])), lambda r: "%s; %s" % (person(r), word(r)),
                       lambda r: "%d %s Street" % (r.randrange(1, 200), word(r).title())])
    several = any(sign in kind(random.Random(1)) for sign in ",;")  # without a name above, these are two columns
    header, rows = table(rng, [kind], least=4, named=several or rng.random() < 0.8)
    plain = rng.random() < 0.5
    text = "".join(row[0] + "\n" for row in ([header] if header else []) + rows) if plain else written(header, rows)
    return case(text, header, rows)


def units(rng):
    kinds = [lambda r: "%d kg" % r.randrange(1, 500), lambda r: "%d %%" % r.randrange(100), lambda r: "%.1f m" % r.uniform(1, 9),
             lambda r: "%d°C" % r.randrange(-9, 40), lambda r: "%d km/h" % r.randrange(1, 300), lambda r: "%d-%d" % (
                 r.randrange(1, 9), r.randrange(10, 99)), lambda r: "%d,%d kg" % (r.randrange(1, 9), r.randrange(10))]
    header, rows = table(rng, [rng.choice(kinds + PLAIN[:4]) for _ in range(rng.randrange(1, 5))], named=rng.random() < 0.8)
    return case(written(header, rows, rng.choice([",", ";", "\t", "|"])), header, rows)


def currencies(rng):
    kinds = [lambda r: "EUR %.2f" % r.uniform(1, 99), lambda r: "$%s" % format(r.uniform(1, 9999), ",.2f"),
             lambda r: ("%.2f €" % r.uniform(1, 99)).replace(".", ","), lambda r: "£ %d,%02d" % (r.randrange(1, 9), r.randrange(
                 100)), lambda r: "%d.-" % r.randrange(1, 99), lambda r: format(r.randrange(1000, 999999), ",d"),
             lambda r: "-%d,%02d EUR" % (r.randrange(1, 9), r.randrange(100))]
    header, rows = table(rng, [rng.choice(kinds + PLAIN[:4]) for _ in range(rng.randrange(1, 5))], named=rng.random() < 0.8)
    return case(written(header, rows, rng.choice([",", ";", "\t", "|"])), header, rows)


def dates(rng):
    kinds = [lambda r: "%02d.%02d.%04d" % (r.randrange(1, 29), r.randrange(1, 13), r.randrange(1990, 2030)),
             lambda r: "%02d/%02d/%04d" % (r.randrange(1, 13), r.randrange(1, 29), r.randrange(1990, 2030)),
             lambda r: "%s %d, %d" % (r.choice(["Jan", "Feb", "May"]), r.randrange(1, 29), r.randrange(1990, 2030)),
             lambda r: "%s %s" % (date(r), clock(r)), lambda r: "%sT%s:00Z" % (date(r), clock(r)), clock, date,
             lambda r: "%s, %s" % (r.choice(["Mon", "Tue"]), date(r)), lambda r: "%d:%02d" % (r.randrange(9), r.randrange(60))]
    header, rows = table(rng, [rng.choice(kinds + [number, word]) for _ in range(rng.randrange(1, 5))], named=rng.random() < 0.8)
    return case(written(header, rows, rng.choice([",", ";", "\t", "|"])), header, rows)


def european(rng):
    def comma(r):
        return ("%.*f" % (r.randrange(1, 4), r.uniform(0, 999))).replace(".", ",")

    kinds = [comma, comma, lambda r: format(r.uniform(1000, 99999), ",.2f").translate(str.maketrans(",.", ".,")), number,
             word, date]
    header, rows = table(rng, [rng.choice(kinds) for _ in range(rng.randrange(1, 6))], named=rng.random() < 0.7)
    return case(written(header, rows, rng.choice([";", ";", "\t", "|", ","])), header, rows)


FAMILIES = {f.__name__: f for f in (delimiter, quoting, preamble, footer, ragged, one_column, units, currencies, dates, european)}


def main(seed, count, folder, only=None):
    for name, make in FAMILIES.items():
        rng = random.Random("%s %s" % (seed, name))
        for i in range(count if only in (None, name) else 0):
            made = make(rng)
            with open("%s/%s_%d.csv" % (folder, name, i), "w", encoding="utf-8", newline="") as file:
                file.write(made.pop("text"))
            with open("%s/%s_%d.json" % (folder, name, i), "w") as file:
                json.dump(made, file)


main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
