#!/usr/bin/env python3
"""What the desk booking example must give for a folder of CSV files, computed without pghost.

    python3 bookings.py DATA --as-of '2024-06-30 00:00:00' [--rows DIR]
        [--include-demo-users] [--include-demo-bookings] [--include-no-created-at]

Prints JSON: per table the number of records, the rows of the raw and of the clean table (count and
sha256 of the text of PostgreSQL's COPY TO STDOUT, in a stated order) and every reject; and the two
analytics results. --rows writes those texts to DIR/<table>.txt, to see where a difference is.

An independent reading of the cleaning rules, of Python's standard library only. Not fast.
"""

import argparse
import collections
import csv
import datetime
import glob
import hashlib
import io
import json
import os
import re
import sys

BOM = b"\xef\xbb\xbf"

# ---------------------------------------------------------------- reading

Record = collections.namedtuple("Record", "line offset length fields error")

QUOTED = re.compile(rb'"((?:[^"]|"")*+)"' if sys.version_info >= (3, 11) else rb'"([^"]*(?:""[^"]*)*)"(?!")')
PLAIN = re.compile(rb'[^",\r\n]*')


def read_field(data, at):
    """One field at `at`: (value or None, where it ends) or (error, None)."""
    if data[at : at + 1] == b'"':
        match = QUOTED.match(data, at)
        if not match:
            return "unterminated_quote", None
        return match.group(1).replace(b'""', b'"'), match.end()
    match = PLAIN.match(data, at)
    return match.group() or None, match.end()


def line_end_at(data, at):
    """Length of the line end at `at`: 0 where there is none, None at the end of the data."""
    if at >= len(data):
        return None
    if data[at : at + 1] == b"\n":
        return 1
    return 2 if data[at : at + 2] == b"\r\n" else 0


def read_fields(data, start):
    """The fields of the record at `start`: (fields, end, start of next) or (error, None, None)."""
    fields, at = [], start
    while True:
        value, end = read_field(data, at)
        if end is None:
            return value, None, None
        fields.append(value)
        ending = line_end_at(data, end)
        if ending is None:
            return fields, end, end
        if ending:
            return fields, end, end + ending
        if data[end : end + 1] == b"\r":
            return "carriage_return", None, None
        if data[end : end + 1] != b",":
            return "stray_quote", None, None
        at = end + 1


def physical_line(data, start):
    """(end, start of the next line) of the physical line at `start`."""
    newline = data.find(b"\n", start)
    if newline < 0:
        return len(data), len(data)
    end = newline - 1 if data[start:newline].endswith(b"\r") else newline
    return end, newline + 1


def same_as_csv_module(record_bytes, fields):
    """Python's own reader must see the same cells in a good record."""
    rows = list(csv.reader(io.StringIO(record_bytes.decode(), newline=""), strict=True))
    return rows == [[field or "" for field in fields]]


def read_records(data, width=None):
    """All records, the header too; `width`: fields a record must have (None: as the first)."""
    at = len(BOM) if data.startswith(BOM) else 0
    line = 1
    while at < len(data):
        end, following = physical_line(data, at)
        if end == at:  # a blank line is no record
            at, line = following, line + 1
            continue
        fields, record_end, record_following = read_fields(data, at)
        error = None
        if record_end is None:  # one physical line is given up, reading goes on at the next
            error, fields = fields, []
        else:
            end, following = record_end, record_following
            error, fields = check_record(data[at:end], fields, width)
        width = width or len(fields)
        yield Record(line, at, end - at, fields, error)
        line += data.count(b"\n", at, following)
        at = following


def check_record(record_bytes, fields, width):
    if b"\0" in record_bytes:
        return "nul_byte", []
    try:
        fields = [None if field is None else field.decode() for field in fields]
    except UnicodeDecodeError:
        return "invalid_utf8", []
    if width and len(fields) != width:
        return ("too_few_fields" if len(fields) < width else "too_many_fields"), []
    assert same_as_csv_module(record_bytes, fields), record_bytes
    return None, fields


# ---------------------------------------------------------------- cleaning

class Refused(Exception):
    """The text is not a value of the column's type."""


def clean_text(text):
    if text is None:
        return None
    text = text.strip(" \t")
    if len(text) >= 2 and text[0] == '"' and text[-1] == '"':
        text = text[1:-1].strip(" \t")
    return None if text == "" or text.upper() == "NULL" else text


def bigint(text):
    if not re.fullmatch(r"[+-]?[0-9]+", text) or not -(2**63) <= int(text) < 2**63:
        raise Refused
    return int(text)


def boolean(text):
    if text.lower() in ("true", "t", "yes", "1"):
        return True
    if text.lower() in ("false", "f", "no", "0"):
        return False
    raise Refused


TIMESTAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?", re.ASCII)


def timestamp(text):
    match = TIMESTAMP.fullmatch(text)
    if not match:
        raise Refused
    numbers = [int(part or 0) for part in match.groups()[:6]]
    try:
        return datetime.datetime(*numbers, int((match.group(7) or "").ljust(6, "0")))
    except ValueError as problem:
        raise Refused from problem


Column = collections.namedtuple("Column", "name type required")


def column(name, kind, required=False):
    return Column(name, kind, required)


TABLES = {
    "company": {
        "files": "company.csv",
        "key": "company_id",
        "columns": [column("company_id", bigint, True), column("company_name", str, True)],
    },
    "users": {
        "files": "users.csv",
        "key": "rn",
        "columns": [
            column("rn", bigint, True),
            column("created_at", timestamp),
            column("company_id", bigint),
            column("status", str),
            column("demo_user", boolean, True),
        ],
    },
    "booking": {
        "files": "booking*.csv",
        "key": "booking_id",
        "order": ("booking_start_time", "booking_end_time"),
        "columns": [
            column("user_id", bigint, True),
            column("booking_id", bigint, True),
            column("created_at", timestamp),
            column("status", str),
            column("checkin_status", str),
            column("booking_start_time", timestamp, True),
            column("booking_end_time", timestamp),
            column("is_demo", boolean, True),
        ],
    },
}


def clean_record(table, texts):
    """(row by name, problems); problems are all (column, rule) that are broken."""
    row, problems = {}, []
    for name, kind, required in table["columns"]:
        text = clean_text(texts[name])
        row[name] = None
        if text is None:
            if required:
                problems.append((name, "required"))
            continue
        try:
            row[name] = kind(text)
        except Refused:
            problems.append((name, "type"))
    if not problems and "order" in table:
        first, last = (row[name] for name in table["order"])
        if last is not None and last < first:
            problems.append((None, "compare"))
    return row, problems


class Loaded:
    """One table: what went into it and what did not."""

    def __init__(self):
        self.records = 0
        self.raw = []  # (file, line, texts by name)
        self.rows = {}  # key -> row, in order of appearance
        self.rejects = []


def map_header(name, header, table):
    names = [(field or "").strip().lower() for field in header]
    missing = [c.name for c in table["columns"] if c.name not in names]
    if missing:
        sys.exit(f"{name}: missing column '{missing[0]}'")
    return {c.name: names.index(c.name) for c in table["columns"]}


def load_file(loaded, table, path):
    name = os.path.basename(path)
    with open(path, "rb") as file:
        records = read_records(file.read())
    where = map_header(name, next(records).fields, table)
    for record in records:
        loaded.records += 1
        problems = [(None, record.error)]
        if not record.error:
            texts = {column_name: record.fields[index] for column_name, index in where.items()}
            loaded.raw.append((name, record.line, texts))
            row, problems = clean_record(table, texts)
            key = row[table["key"]]
            if not problems and key in loaded.rows:
                problems = [(table["key"], "duplicate")]
            if not problems:
                loaded.rows[key] = row
                continue
        loaded.rejects.append(
            {
                "file": name,
                "line": record.line,
                "offset": record.offset,
                "length": record.length,
                "problems": [{"column": c, "rule": r} for c, r in problems],
            }
        )


def load_table(folder, table):
    loaded = Loaded()
    paths = sorted(glob.glob(os.path.join(glob.escape(folder), table["files"])), key=os.fsencode)
    if not paths:
        sys.exit(f"no file '{table['files']}' in '{folder}'")
    for path in paths:
        load_file(loaded, table, path)
    return loaded


# ---------------------------------------------------------------- analytics

def months_before(moment, months):
    """As PostgreSQL subtracts an interval of months: the day is cut to the month's last one."""
    index = moment.year * 12 + moment.month - 1 - months
    year, month = index // 12, index % 12 + 1
    next_month = datetime.date(year + month // 12, month % 12 + 1, 1)
    last_day = (next_month - datetime.timedelta(days=1)).day
    return moment.replace(year=year, month=month, day=min(moment.day, last_day))


def counted_bookings(tables, options):
    """(booking, user) of those that both analytics look at."""
    users = tables["users"].rows
    for booking in tables["booking"].rows.values():
        user = users.get(booking["user_id"])
        if user is None:
            continue
        if user["demo_user"] and not options.include_demo_users:
            continue
        if booking["is_demo"] and not options.include_demo_bookings:
            continue
        if booking["created_at"] is None and not options.include_no_created_at:
            continue
        yield booking, user


def monthly_headcount(tables, options):
    since = months_before(options.as_of, 6)
    months = collections.defaultdict(set)
    for booking, user in counted_bookings(tables, options):
        if since < booking["booking_start_time"] <= options.as_of:
            created = booking["created_at"]
            months[created and created.date().replace(day=1)].add(user["rn"])
    ordered = sorted(months.items(), key=lambda item: (item[0] is None, item[0] or 0))
    return [(month, len(users)) for month, users in ordered]


def slow_first_booking(tables, options):
    first = {}
    for booking, user in counted_bookings(tables, options):
        start = booking["booking_start_time"]
        first[user["rn"]] = min(start, first.get(user["rn"], start))
    companies = collections.Counter()
    for rn, start in first.items():
        user = tables["users"].rows[rn]
        company = tables["company"].rows.get(user["company_id"])
        if company and user["created_at"] and start > user["created_at"] + datetime.timedelta(days=30):
            companies[company["company_name"]] += 1
    return sorted(companies.items(), key=lambda item: item[0].encode())


# ---------------------------------------------------------------- text as COPY TO STDOUT writes it

ESCAPES = {"\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}


def copy_field(value):
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, datetime.datetime):
        text = value.strftime("%Y-%m-%d %H:%M:%S")
        return text + (f".{value.microsecond:06d}".rstrip("0") if value.microsecond else "")
    return "".join(ESCAPES.get(c, c) for c in str(value))


def copy_text(rows):
    return "".join("\t".join(copy_field(value) for value in row) + "\n" for row in rows)


def digest(name, rows, options):
    text = copy_text(rows).encode()
    if options.rows:
        with open(os.path.join(options.rows, name + ".txt"), "wb") as file:
            file.write(text)
    return {"rows": len(rows), "sha256": hashlib.sha256(text).hexdigest()}


def table_report(name, loaded, options):
    names = [c.name for c in TABLES[name]["columns"]]
    key = TABLES[name]["key"]
    ordered = sorted(loaded.rows.values(), key=lambda row: row[key])
    clean = [[row[n] for n in names] for row in ordered]
    raw = [[file, line] + [texts[n] for n in names] for file, line, texts in loaded.raw]
    by_rule = collections.Counter(reject["problems"][0]["rule"] for reject in loaded.rejects)
    return {
        "records": loaded.records,
        "clean": dict(digest(name, clean, options), columns=names, order_by=key),
        "raw": digest(name + "_raw", raw, options),
        "rejects": loaded.rejects,
        "rejects_by_rule": dict(sorted(by_rule.items())),
    }


def report(folder, options):
    tables = {name: load_table(folder, table) for name, table in TABLES.items()}
    users = tables["users"].rows
    headcount = monthly_headcount(tables, options)
    slow = slow_first_booking(tables, options)
    return {
        "tables": {name: table_report(name, loaded, options) for name, loaded in tables.items()},
        "unknown_users": sum(b["user_id"] not in users for b in tables["booking"].rows.values()),
        "analytics": {
            "monthly_headcount": dict(digest("monthly_headcount", headcount, options), text=copy_text(headcount)),
            "slow_first_booking": dict(digest("slow_first_booking", slow, options), text=copy_text(slow)),
        },
    }


def parse_options(words):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data")
    parser.add_argument("--as-of", required=True, type=timestamp)
    parser.add_argument("--rows")
    parser.add_argument("--include-demo-users", action="store_true")
    parser.add_argument("--include-demo-bookings", action="store_true")
    parser.add_argument("--include-no-created-at", action="store_true")
    return parser.parse_args(words)


def main():
    options = parse_options(sys.argv[1:])
    json.dump(report(options.data, options), sys.stdout)
    print()


if __name__ == "__main__":
    main()
