#!/usr/bin/env python3
"""Writes tables and prints, of each, which pairs of columns named like keys are unique: all of them are compared.

    pairs_oracle.py DIR SEED
"""

import csv
import itertools
import json
import os
import random
import sys


def unique_pairs(header, rows):
    columns = [i for i, name in enumerate(header) if name.endswith(("_id", "_no")) or name == "day"]
    return [(header[a], header[b]) for a, b in itertools.combinations(columns, 2)
            if len({(row[a], row[b]) for row in rows}) == len(rows)]


def make(chance):
    lines = [[order, line, f"P-{chance.randint(1, 9)}", chance.randint(1, 4)]
             for order in range(1, 61) for line in range(1, chance.randint(3, 7))]
    chance.shuffle(lines)
    yield "lines", ["order_id", "line_no", "product", "pieces"], lines

    visits = [[chance.choice("xyz"), f"{shop:03d}-S", f"2024-01-{day:02d}"] for shop in range(12) for day in range(1, 29)]
    yield "visits", ["weather", "shop_id", "day"], visits

    broken = [list(row) for row in visits]
    a, b = chance.sample(range(len(broken)), 2)
    broken[a][1:] = broken[b][1:]
    yield "broken", ["sky", "shop_id", "day"], broken


def main(folder, seed):
    found = {}
    for name, header, rows in make(random.Random(seed)):
        with open(os.path.join(folder, name + ".csv"), "w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)
        found[name] = unique_pairs(header, rows)
    print(json.dumps(found))


main(sys.argv[1], int(sys.argv[2]))
