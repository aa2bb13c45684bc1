"""Checks the records that `csv_driver random` wrote, without using any of pghost's code.

Well-formed texts are read with Python's csv module; all texts with the rules of
bindings/csv/reader.h written down once more, character by character.

    csv_oracle.py CASES      prints "<cases> cases, <n> by the csv module", exits 1 at a difference
"""
import csv
import io
import json
import sys

OK, TOO_FEW, TOO_MANY, STRAY, UNTERMINATED, CR, NUL, UTF8, TOO_LONG, LF, _, REPEATED_HEADER = range(12)
DEFAULT_MAX_RECORD = 16 * 1024 * 1024


class Broken(Exception):
    """A record that cannot be read: its first physical line is rejected, reading goes on at the next."""

    def __init__(self, error):
        super().__init__(error)
        self.error = error


class Rules:
    def __init__(self, text, case):
        self.text = text
        self.delimiter, self.quote = case["delimiter"], case["quote"]
        self.columns, self.max_record = case["columns"], case["max_record"]
        self.end = 13 if case["cr"] else 10
        self.crs = case["crs"]  # how many CRs before a LF belong to the line end
        self.foreign = LF if case["cr"] else CR

    def line(self, at):
        """(end of the content, start of the next line) of the physical line that holds `at`."""
        stop = self.text.find(self.end, at)
        if stop < 0:
            return len(self.text), len(self.text)
        content = stop
        while stop - content < self.crs and content > at and self.text[content - 1] == 13:
            content -= 1
        return content, stop + 1

    def peek(self, at):
        return self.text[at] if at < len(self.text) else None

    def ends_line(self, at):
        """A line end outside quotes at `at`? Raises when it is one of the other kind."""
        byte = self.peek(at)
        if byte not in (10, 13):
            return byte is None
        crs = at
        while self.peek(crs) == 13:
            crs += 1
        if byte == self.end or (0 < crs - at <= self.crs and self.peek(crs) == 10):
            return True
        raise Broken(self.foreign)

    def quoted(self, start, at):
        """The quoted field whose content starts at `at`: (value, behind its closing quote)."""
        value = bytearray()
        while True:
            byte = self.peek(at)
            if byte is None:
                raise Broken(UNTERMINATED)
            if byte == self.quote and self.peek(at + 1) != self.quote:
                return bytes(value), at + 1
            if byte == self.end:
                following = at + 1
                if following < len(self.text) and self.line(following)[0] - start > self.max_record:
                    raise Broken(UNTERMINATED)
            value.append(byte)
            at += 2 if byte == self.quote else 1

    def record(self, start):
        """(fields, offset of the end of its content)."""
        fields, at = [], start
        while True:
            if self.peek(at) == self.quote:
                value, at = self.quoted(start, at + 1)
                fields.append(value)
            else:
                begin = at
                while self.peek(at) not in (None, self.delimiter, 10, 13):
                    if self.text[at] == self.quote:
                        raise Broken(STRAY)
                    at += 1
                fields.append(self.text[begin:at] or None)
            if self.peek(at) == self.delimiter:
                at += 1
            elif self.ends_line(at):
                return fields, at
            else:
                raise Broken(STRAY)

    def judge(self, content, fields):
        if 0 in content:
            return NUL
        try:
            content.decode("utf-8")
        except UnicodeDecodeError:
            return UTF8
        if not self.columns or len(fields) == self.columns:
            return OK
        return TOO_FEW if len(fields) < self.columns else TOO_MANY

    def read(self, at):
        number = 1
        while at < len(self.text):
            start, (content_end, following) = at, self.line(at)
            if content_end == at:
                if self.columns == 1:
                    yield [number, at, 0, OK, [None]]
            elif content_end - at > self.max_record:
                yield [number, at, content_end - at, TOO_LONG, []]
            else:
                try:
                    fields, content_end = self.record(at)
                    error = self.judge(self.text[at:content_end], fields)
                except Broken as broken:
                    fields, error = [], broken.error
                    content_end = self.line(at)[0]
                yield [number, at, content_end - at, error, fields]
                following = self.line(max(content_end, at))[1]
                if content_end < len(self.text) and self.text[content_end] in (10, 13):
                    following = self.text.index(self.end, content_end) + 1
            at = following
            number += self.text.count(self.end, start, at)


def as_bytes(field):
    return None if field is None else field.encode("latin-1")


def check_rules(case, text, records):
    start = 3 if text.startswith(b"\xef\xbb\xbf") else 0
    header = next(Rules(text, dict(case, columns=0)).read(start))
    rest = [record for record in Rules(text, case).read(start) if record[1] > header[1]]
    for record in rest:
        repeated = [cell or b"" for cell in record[4]] == [cell or b"" for cell in header[4]]
        if record[3] == OK and repeated and len(header[4]) > 1:
            record[3] = REPEATED_HEADER
    return rest == records, rest


def check_csv_module(case, text, records):
    if text.startswith(b"\xef\xbb\xbf"):
        text = text[3:]
    reader = csv.reader(
        io.StringIO(text.decode("latin-1"), newline=""),
        delimiter=chr(case["delimiter"]), quotechar=chr(case["quote"]), strict=True,
    )
    rows = [row or [""] for row in reader if row or case["columns"] == 1][1:]
    rows = [[cell.encode("latin-1") for cell in row] for row in rows]
    got = [[cell or b"" for cell in record[4]] for record in records]
    return rows == got and all(record[3] == OK for record in records), rows


def read_cases(path):
    with open(path, encoding="ascii") as file:
        for block in file.read().split("\n\n"):
            lines = block.split("\n")
            if not lines[0]:
                continue
            case = json.loads(lines[0])
            records = [json.loads(line) for line in lines[1:] if line]
            yield case, [[*head, [as_bytes(field) for field in fields]] for *head, fields in records]


def main():
    cases = by_module = 0
    for case, records in read_cases(sys.argv[1]):
        text = case["text"].encode("latin-1")
        checks = [check_rules]
        if case["good"] and case["max_record"] == DEFAULT_MAX_RECORD:
            checks.append(check_csv_module)
            by_module += 1
        for check in checks:
            same, expected = check(case, text, records)
            if not same:
                print(f"{check.__name__}: {case}\nexpected {expected}\ngot      {records}")
                return 1
        cases += 1
    print(f"{cases} cases, {by_module} by the csv module")
    return 0


sys.exit(main())
