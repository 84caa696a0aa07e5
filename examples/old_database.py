"""Records of an old database: dBASE III, whose files say of which fields records are.

python examples/old_database.py                 a file that this program makes
python examples/old_database.py customers.dbf   one of yours
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

from jitvm import wire

HEAD = wire.layout([
    ("version", "u1"), ("day", "bytes 3"), ("count", "u4"), ("begin", "u2"), ("size", "u2"),
    (None, "pad 20"),
])  # fmt: skip
FIELD = wire.layout([
    ("name", "bytes 11"), ("type", "bytes 1"), (None, "pad 4"), ("size", "u1"), ("digits", "u1"),
    (None, "pad 14"),
])  # fmt: skip
DELETED = ord("*")
"""The first byte of a record that is not there any more."""


def database(count: int) -> bytes:
    """A file of customers."""
    fields = [(b"NAME", b"C", 20, 0), (b"CITY", b"C", 12, 0), (b"SUM", b"N", 10, 2)]
    size = 1 + sum(each[2] for each in fields)
    begin = 32 + 32 * len(fields) + 1
    found = [struct.pack("<B3sIHH20x", 3, bytes((92, 6, 1)), count, begin, size)]
    found += [struct.pack("<11sc4xBB14x", *each) for each in fields]
    found.append(b"\r")
    for number in range(count):
        city = ("Bremen", "Ulm", "Kiel")[number % 3]
        mark = "*" if number % 10 == 9 else " "
        found.append(f"{mark}{f'Customer {number}':20}{city:12}{number / 4:10.2f}".encode("cp850"))
    return b"".join(found) + b"\x1a"


def main(arguments: list[str]) -> None:
    """Print how many records there are, and the first ones."""
    data = Path(arguments[0]).read_bytes() if arguments else database(3000)
    if len(data) < 32:
        sys.exit("this is no file of dBASE")
    head = HEAD.read(data[:32]).to_pylist()[0]
    fields = FIELD.read(data[32 : 32 + (head["begin"] - 33) // 32 * 32]).to_pylist()
    names = [each["name"].split(b"\0")[0].decode("ascii") for each in fields]
    parts = [(name, f"bytes {each['size']}") for name, each in zip(names, fields, strict=True)]
    if 1 + sum(each["size"] for each in fields) != head["size"]:
        sys.exit("the fields of this file have not as many bytes as its records")
    records = wire.layout([("mark", "u1"), *parts], fields=names, where=f"mark != {DELETED}")
    table = records.read(data[head["begin"] : head["begin"] + head["count"] * head["size"]])
    print(f"{len(table)} of {head['count']} records are not deleted")
    for row in table.head(3).to_pylist():
        print(", ".join(f"{name} {value.decode('cp850').strip()}" for name, value in row.items()))


if __name__ == "__main__":
    main(sys.argv[1:])
