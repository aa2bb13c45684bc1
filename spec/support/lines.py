"""Writes a random CSV file whose lines it counts by kind while it writes them: lines.py SEED FILE.

Prints {"options": for csv.open, "lines": by kind, "records": how many}. Uses none of pghost's code.
"""
import gzip
import io
import json
import random
import sys
import zipfile

seed, path = int(sys.argv[1]), sys.argv[2]
rng = random.Random(seed)
end = rng.choice(["\n", "\r\n", "\r"])
counts = {}
out = []


def put(kind, line, lines=1):
    counts[kind] = counts.get(kind, 0) + lines
    out.append(line)


def field():
    kind = rng.random()
    if kind < 0.6:
        return str(rng.randrange(10 ** rng.randrange(1, 8)))
    if kind < 0.75:
        return '"' + end.join("x" * rng.randrange(30) for _ in range(rng.randrange(1, 4))) + '"'
    return rng.choice(["", "é", '"say ""hi"""', '"# no comment"', "plain words"])


def lines_of(record):
    return record.count("\n" if end != "\r" else "\r") + 1


def rest(most):
    for _ in range(rng.randrange(most)):
        if rng.random() < 0.5:
            put("comments", "# " + "c" * rng.randrange(90) + '"' * rng.randrange(2))
        else:
            put("blank", "")


options = {"comment": "#"}
if rng.random() < 0.5:
    options["skip"] = rng.randrange(1, 4)
    for i in range(options["skip"]):
        put("preamble", "Report %d" % i)
rest(3)
put("header", "id,n,x")
records = 0
for i in range(rng.choice([0, 5, 200, 6000])):
    if rng.random() < 0.05:
        rest(4)
    kind = rng.random()
    if kind < 0.01:
        put("records", '7,"open' + "y" * rng.randrange(5) + '"z,3')  # a reject
    elif kind < 0.02:
        put("records", "1,2")
    else:
        record = ",".join(["r%d" % i, field(), field()])
        put("records", record, lines_of(record))
    records += 1
if rng.random() < 0.3 and records:
    options["second_table"] = "stop"
    if rng.random() < 0.5:
        put("blank", "")
        put("second_table", "a,b")
    else:
        put("second_table", "id,n,other,more")
    records += 1
    for i in range(rng.randrange(3000)):
        put("second_table", "u,v" if rng.random() < 0.9 else "")
    put("second_table", "last,1")
elif rng.random() < 0.5:
    options["footer"] = rng.randrange(1, 4)
    for i in range(options["footer"]):
        put("footer", "Total,%d" % i)
if out[-1] == "":
    put("comments", "# end") if "footer" not in options and "second_table" not in options else put("records", "")
# A table ends two records early at most: "1,2" is one of another width only after a blank line.
if options.get("second_table"):
    table = [i for i, line in enumerate(out) if line == "1,2"]
    for i in table:
        out[i] = "1,2,3"
text = end.join(out) + (end if rng.random() < 0.6 else "")
options.update({"repeated_header": "load"} if rng.random() < 0.2 else {})
encoding = rng.choice(["utf-8", "utf-8-sig", "utf-16"])
data = text.encode(encoding)
how = rng.choice(["plain", "gzip", "zip"])
if how == "gzip":
    data = gzip.compress(data)
elif how == "zip":
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.csv", data)
    data = packed.getvalue()
with open(path, "wb") as file:
    file.write(data)
print(json.dumps({"options": options, "lines": counts, "records": records}))
