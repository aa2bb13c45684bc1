# Packs files in every way there is: packed.py FILE... makes FILE.gz, .bz2, .xz, .zst and .zip beside each, written
# by Python and by zstd, so not by what reads them.
import bz2
import gzip
import lzma
import subprocess
import sys
import zipfile


def pack(path):
    with open(path, "rb") as file:
        data = file.read()
    for ending, packed in ((".gz", gzip.compress(data)), (".bz2", bz2.compress(data)), (".xz", lzma.compress(data))):
        with open(path + ending, "wb") as file:
            file.write(packed)
    subprocess.run(["zstd", "-q", "-f", "--check", path, "-o", path + ".zst"], check=True)
    with zipfile.ZipFile(path + ".zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, path.rsplit("/", 1)[-1])


# packed.py zip FILE NAME=TEXT...
def make_zip(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in members:
            name, text = member.split("=", 1)
            archive.writestr(name, text.replace("\\n", "\n"))


if sys.argv[1] == "zip":
    make_zip(sys.argv[2], sys.argv[3:])
else:
    for name in sys.argv[1:]:
        pack(name)
