#!/usr/bin/env python3
"""What a project of CSV files must know of them, computed without pghost: Python's standard library alone.

    init_oracle.py sample DATA          of the desk bookings: values of booking.user_id, and those that are not in
                                        users.rn, and how many records of each table can be read
    init_oracle.py make DIR SEED        writes tables with keys and references, and prints which there are as JSON
"""

import csv
import json
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "oracle"))
import bookings  # noqa: E402


def values(path, wanted):
    with open(path, "rb") as file:
        records = list(bookings.read_records(file.read()))
    header = [name.strip().lower() for name in records[0].fields]
    at = header.index(wanted)
    for record in records[1:]:
        text = None if record.error else record.fields[at]
        text = text if text is None else text.strip(" \t\r\n\f\v")
        if text is not None and text not in ("NULL", "Null", "null"):
            yield text


def readable(folder, names):
    count = 0
    for name in names:
        with open(os.path.join(folder, name), "rb") as file:
            count += sum(not record.error for record in bookings.read_records(file.read())) - 1
    return count


def sample(folder):
    users = set(values(os.path.join(folder, "users.csv"), "rn"))
    names = [f"booking_{i}.csv" for i in (1, 2, 3)]
    found = [text for name in names for text in values(os.path.join(folder, name), "user_id")]
    return {"values": len(found), "missing": sum(text not in users for text in found),
            "readable": {"booking": readable(folder, names), "users": readable(folder, ["users.csv"]),
                         "company": readable(folder, ["company.csv"])}}


def write(folder, name, header, rows):
    with open(os.path.join(folder, name + ".csv"), "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def make(folder, seed):
    """Customers, products and orders; some orders of customers that there are not, some products that come twice."""
    chance = random.Random(seed)
    customers = [(100 + 7 * i, chance.choice("ABC") * 4 + f" {i}") for i in range(chance.randint(20, 60))]
    products = [(f"P-{i:04d}", chance.choice(["red", "blue"]), i) for i in range(chance.randint(20, 60))]
    twice = chance.random() < 0.5
    if twice:
        products.append((products[3][0], "green", 999))
    orders, strangers = [], chance.randint(0, 3)
    for i in range(200):
        customer = chance.choice(customers)[0] if i >= strangers else 5
        orders.append((1000 + i, customer, chance.choice(products)[0], chance.randint(1, 9)))
    chance.shuffle(orders)
    write(folder, "customers", ["customer_id", "label"], customers)
    write(folder, "products", ["product_code", "colour", "weight"], products)
    write(folder, "orders", ["order_id", "customer_id", "product_code", "pieces"], orders)
    keys = {}
    for name, rows in (("customers", customers), ("products", products), ("orders", orders)):
        keys[name] = len({row[0] for row in rows}) == len(rows)
    known = {row[0] for row in customers}
    return {"keys": keys, "strangers": sum(order[1] not in known for order in orders), "orders": len(orders)}


if __name__ == "__main__":
    print(json.dumps(sample(sys.argv[2]) if sys.argv[1] == "sample" else make(sys.argv[2], int(sys.argv[3]))))
