# Writes files in encodings of Python's, which is the oracle: encoded.py write FOLDER SEED makes per encoding
# NAME.csv and NAME.utf8.csv, which hold the same table; a line of JSON per encoding goes to stdout.
import json
import random
import sys

# Python's name, iconv's name. What both know as the same set of characters is used: see `usable`.
ENCODINGS = [
    ("latin-1", "iso-8859-1"), ("iso8859-2", "iso-8859-2"), ("iso8859-5", "iso-8859-5"),
    ("iso8859-7", "iso-8859-7"), ("iso8859-15", "iso-8859-15"), ("cp1250", "windows-1250"),
    ("cp1251", "windows-1251"), ("cp1252", "windows-1252"), ("cp1254", "windows-1254"),
    ("cp1258", "windows-1258"), ("koi8-r", "koi8-r"), ("koi8-u", "koi8-u"), ("cp437", "cp437"),
    ("mac-cyrillic", "mac-cyrillic"), ("tis-620", "tis-620"), ("euc-jp", "euc-jp"), ("euc-kr", "euc-kr"),
    ("gb2312", "gb2312"), ("gbk", "gbk"), ("gb18030", "gb18030"), ("big5", "big5"), ("cp932", "cp932"),
    ("shift_jis", "shift_jis"), ("cp949", "cp949"), ("utf-8", "utf-8"), ("utf-16-le", "utf-16le"),
    ("utf-16-be", "utf-16be"), ("utf-32-le", "utf-32le"), ("utf-32-be", "utf-32be"), ("utf-7", "utf-7"),
    ("iso2022_jp", "iso-2022-jp"), ("cp037", "ibm037"), ("cp500", "ibm500"),
]

POOL = [chr(c) for c in list(range(0x20, 0x7F)) + list(range(0xC0, 0x180)) + list(range(0x391, 0x3CA))
        + list(range(0x410, 0x450)) + list(range(0xE01, 0xE2F)) + list(range(0x3041, 0x3097))
        + list(range(0x4E00, 0x4E80)) + list(range(0xAC00, 0xAC40)) + [0x20AC, 0x1F600, 0x10FFFF, 0x2028]]


# Where the two have taken a character from different versions of a standard.
# In EUC-KR Python spells some syllables by their letters (KS X 1001, annex 3).
DIFFERENT = {
    "mac-cyrillic": "\u20ac",
    "euc-kr": "".join(map(chr, range(0xAC00, 0xAC40))),
    "big5": "".join(map(chr, [*range(0x410, 0x450), *range(0x3041, 0x3097)])),
}


def usable(codec):
    chars = []
    for char in POOL:
        try:
            if char.encode(codec).decode(codec) == char and char not in "\\~" + DIFFERENT.get(codec, ""):
                chars.append(char)
        except UnicodeError:
            pass
    return chars


def field(rng, chars):
    kind = rng.random()
    if kind < 0.1:
        return ""
    text = "".join(rng.choice(chars) for _ in range(rng.randrange(1, 12)))
    if kind < 0.3:
        text = text[:3] + rng.choice(["\n", "\r\n", '"', ","]) + text[3:]
    return '"' + text.replace('"', '""') + '"' if kind < 0.5 or set(text) & set('\n\r",') else text


def table(rng, chars):
    letters = [c for c in chars if c.isalpha() and not ("a" <= c.lower() <= "z")] or ["b"]
    lines = ["id," + "x" + rng.choice(letters) + ",c"]
    for i in range(200):
        lines.append(",".join([str(i), field(rng, chars), field(rng, chars)]))
    return "\n".join(lines) + rng.choice(["", "\n"])


def write(folder, seed):
    for codec, name in ENCODINGS:
        text = table(random.Random(seed + name), usable(codec))
        with open(f"{folder}/{name}.csv", "wb") as file:
            file.write(text.encode(codec))
        with open(f"{folder}/{name}.utf8.csv", "wb") as file:
            file.write(text.encode("utf-8"))
        print(json.dumps(name))


if __name__ == "__main__":
    write(sys.argv[2], sys.argv[3])
