"""Tests of the oracle itself: small cases with results worked out by hand.

    python3 -m unittest discover spec/oracle
"""

import contextlib
import datetime
import io
import os
import tempfile
import unittest

import bookings

COMPANY = b"company_id,company_name\n1,Acme\n2,Zed\n"
USERS = b"rn,created_at,company_id,status,demo_user\n"
BOOKING = b"user_id,booking_id,created_at,status,checkin_status,booking_start_time,booking_end_time,is_demo\n"


def records(data):
    return [(r.line, r.offset, r.length, r.error or r.fields) for r in bookings.read_records(data)]


class Reading(unittest.TestCase):
    def test_null_and_empty_are_kept_apart(self):
        self.assertEqual(records(b'a,b\n,""\n'), [(1, 0, 3, ["a", "b"]), (2, 4, 3, [None, ""])])

    def test_blanks_are_data(self):
        self.assertEqual(records(b"a,b\n x\t, y \n")[1][3], [" x\t", " y "])

    def test_bom_crlf_and_no_final_line_end(self):
        self.assertEqual(
            records(b'\xef\xbb\xbf"a",b\r\n1,"2"'), [(1, 3, 5, ["a", "b"]), (2, 10, 5, ["1", "2"])]
        )

    def test_lines_are_physical(self):
        data = b'a,b\n1,"x\n\ny"\n\n2,z\n'
        self.assertEqual(
            records(data)[1:], [(2, 4, 8, ["1", "x\n\ny"]), (6, 14, 3, ["2", "z"])]
        )

    def test_doubled_quotes(self):
        self.assertEqual(records(b'a,b\n"""x""","a ""b"" c"\n')[1][3], ['"x"', 'a "b" c'])

    def test_ragged_records(self):
        data = b"a,b\n1\n1,2,3\n1,2\n"
        self.assertEqual(
            [r[3] for r in records(data)[1:]], ["too_few_fields", "too_many_fields", ["1", "2"]]
        )

    def test_stray_quotes_cost_one_physical_line(self):
        for bad in (b'x"y,1', b'"x"y,1', b' "x",1', b'"x" ,1'):
            data = b"a,b\n" + bad + b"\n3,4\n"
            self.assertEqual(
                records(data)[1:], [(2, 4, len(bad), "stray_quote"), (3, 5 + len(bad), 3, ["3", "4"])]
            )

    def test_an_unterminated_quote_swallows_nothing(self):
        data = b'a,b\n1,"x\n3,4\n5,6\n'
        self.assertEqual([r[3] for r in records(data)[1:]], ["unterminated_quote", ["3", "4"], ["5", "6"]])

    def test_an_unterminated_quote_before_a_quoted_field_swallows_nothing(self):
        data = b'a,b\n1,"x\n3,"4"\n5,6\n'
        self.assertEqual([r[3] for r in records(data)[1:]], ["stray_quote", ["3", "4"], ["5", "6"]])

    def test_bytes_that_are_no_text(self):
        data = b"a,b\n1,\xe9\n1,\0\n1,\xc3\xa9\n1,x\ry\n"
        self.assertEqual(
            [r[3] for r in records(data)[1:]], ["invalid_utf8", "nul_byte", ["1", "é"], "carriage_return"]
        )


class Cleaning(unittest.TestCase):
    def test_trim_one_pair_of_quotes_trim(self):
        cases = {
            " x ": "x",
            '"x"': "x",
            ' " x " ': "x",
            '""x""': '"x"',
            '"x': '"x',
            '"': '"',
            '""': None,
            '" "': None,
            "": None,
            " ": None,
            "NULL": None,
            '"null"': None,
            "nULl ": None,
            "NULLS": "NULLS",
        }
        for text, value in cases.items():
            self.assertEqual(bookings.clean_text(text), value, repr(text))
        self.assertIsNone(bookings.clean_text(None))

    def test_types(self):
        self.assertEqual(bookings.bigint("-009"), -9)
        self.assertEqual(bookings.bigint("9223372036854775807"), 2**63 - 1)
        self.assertTrue(bookings.boolean("YeS"))
        self.assertFalse(bookings.boolean("0"))
        moment = datetime.datetime(2024, 2, 29, 10, 5)
        self.assertEqual(bookings.timestamp("2024-02-29T10:05"), moment)
        self.assertEqual(bookings.timestamp("2024-02-29 10:05:00.5"), moment.replace(microsecond=500000))

    def test_refused(self):
        for kind, texts in (
            (bookings.bigint, ("", "1.0", "1e3", "٣", "9223372036854775808", "1 2", "0x1", "1_0")),
            (bookings.boolean, ("y", "n", "on", "2", "truee")),
            (
                bookings.timestamp,
                ("ABC", "2024-02-30 10:00:00", "2023-02-29 10:00", "2024-03-01", "2024-03-01 25:00",
                 "2024-03-01 10:60", "2024-03-01T10:00Z", "01/03/2024 10:00", "2024-3-1 10:00"),
            ),
        ):
            for text in texts:
                with self.assertRaises(bookings.Refused, msg=text):
                    kind(text)

    def test_copy_text(self):
        row = [None, True, "a\\b\tc\nd", datetime.datetime(2024, 1, 2, 3, 4, 5, 250000), 7]
        self.assertEqual(bookings.copy_text([row]), "\\N\tt\ta\\\\b\\tc\\nd\t2024-01-02 03:04:05.25\t7\n")


def run(files, *options):
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)
        parsed = bookings.parse_options([folder, "--as-of", "2024-08-31 12:00:00", *options])
        return bookings.report(folder, parsed)


class Whole(unittest.TestCase):
    FILES = {
        "company.csv": COMPANY,
        "users.csv": USERS
        + b"1,2024-01-01 00:00:00,1,active,no\n"
        + b"2,2024-01-01 00:00:00,2,active,no\n"
        + b"3,2024-01-01 00:00:00,2,active,yes\n"
        + b"4,2024-01-01 00:00:00,77,active,no\n"
        + b"5,,2,active,no\n",
        "booking_a.csv": BOOKING
        + b"1,10,2024-02-10 09:00:00,ok,,2024-02-29 12:00:00,,0\n"  # at the edge: out; slow
        + b"1,11,2024-03-10 09:00:00,ok,,2024-02-29 12:00:00.000001,,0\n"
        + b"2,12,2024-03-11 09:00:00,ok,,2024-01-31 00:00:00,,0\n"  # 30 days to the moment: not slow
        + b"2,13,2024-03-11 09:00:00,ok,,2024-08-31 12:00:00,,0\n"
        + b"3,14,2024-03-11 09:00:00,ok,,2024-08-01 12:00:00,,0\n"  # demo user
        + b"4,15,2024-03-11 09:00:00,ok,,2024-08-01 12:00:00,,0\n"
        + b"9,16,2024-03-11 09:00:00,ok,,2024-08-01 12:00:00,,0\n",  # unknown user
        "booking_b.csv": BOOKING
        + b"1,17,2024-03-11 09:00:00,ok,,2024-08-01 12:00:00,2024-08-01 11:59:59.999999,0\n"
        + b"1,17,,ok,,2024-01-02 12:00:00,,0\n"  # its key was only rejected before; no created_at
        + b"1,10,2024-05-11 09:00:00,ok,,2024-08-01 12:00:00,,0\n"  # duplicate over files
        + b"2,18,2024-05-11 09:00:00,ok,,2024-01-03 12:00:00,,1\n"  # demo booking
        + b"x,,2024-05-11 09:00:00,ok,,2024-01-03 12:00:00,,1\n",
    }

    def test_tables_and_rejects(self):
        report = run(self.FILES)
        booking = report["tables"]["booking"]
        self.assertEqual(booking["records"], 12)
        self.assertEqual(booking["raw"]["rows"], 12)
        self.assertEqual(booking["clean"]["rows"], 9)
        found = [
            (r["file"], r["line"], [(p["column"], p["rule"]) for p in r["problems"]]) for r in booking["rejects"]
        ]
        self.assertEqual(
            found,
            [
                ("booking_b.csv", 2, [(None, "compare")]),
                ("booking_b.csv", 4, [("booking_id", "duplicate")]),
                ("booking_b.csv", 6, [("user_id", "type"), ("booking_id", "required")]),
            ],
        )
        self.assertEqual(report["unknown_users"], 1)

    def test_analytics(self):
        analytics = run(self.FILES)["analytics"]
        self.assertEqual(analytics["monthly_headcount"]["text"], "2024-03-01\t3\n")
        self.assertEqual(analytics["slow_first_booking"]["text"], "Acme\t1\n")

    def test_switches(self):
        def results(*options):
            analytics = run(self.FILES, *options)["analytics"]
            return analytics["monthly_headcount"]["text"], analytics["slow_first_booking"]["text"]

        self.assertEqual(results("--include-demo-users"), ("2024-03-01\t4\n", "Acme\t1\nZed\t1\n"))
        self.assertEqual(results("--include-no-created-at"), ("2024-03-01\t3\n", ""))
        self.assertEqual(results("--include-demo-bookings"), ("2024-03-01\t3\n", "Acme\t1\n"))

    def test_columns_in_any_order_with_odd_header(self):
        files = dict(self.FILES)
        files["company.csv"] = b'\xef\xbb\xbf"Company_NAME ",extra, COMPANY_ID\r\n"Acme",x,1\r\nZed,,2\r\n'
        self.assertEqual(
            run(files)["tables"]["company"]["clean"], run(self.FILES)["tables"]["company"]["clean"]
        )

    def test_a_missing_column_stops(self):
        files = dict(self.FILES, **{"company.csv": b"company_id\n1\n"})
        with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()):
            run(files)


if __name__ == "__main__":
    unittest.main()
