"""Who sent how much to whom: the headers of a packet capture as a table.

python examples/packets.py               a capture that this program makes
python examples/packets.py trace.pcap    one of yours, in libpcap's format: IPv4 on Ethernet
"""

from __future__ import annotations

import struct
import sys
from collections import Counter
from pathlib import Path
from random import Random

from jitvm import wire

FILE = struct.Struct("<IHHiIII")
"""What a file begins with: a number that tells the format, and, last, the kind of the link."""
MAGIC, ETHERNET, IPV4, UDP = 0xA1B2C3D4, 1, 0x0800, 17
PACKET = [
    ("seconds", "u4"), ("micros", "u4"), ("kept", "u4"), ("size", "u4"), ("frame", "bytes:kept"),
]  # fmt: skip
FRAME = [
    ("to", "bytes 6"), ("from", "bytes 6"), ("type", "u2"),
    ("words:4 version:4", "u1"), (None, "pad 1"), ("size", "u2"), (None, "pad 4"), ("lives", "u1"),
    ("protocol", "u1"), (None, "pad 2"), ("source", "bytes 4"), ("target", "bytes 4"),
]  # fmt: skip


def capture(count: int) -> bytes:
    """A capture of so many packets, between four computers."""
    random = Random(1)
    found = [FILE.pack(MAGIC, 2, 4, 0, 0, 65535, ETHERNET)]
    for number in range(count):
        source, target = random.sample(range(1, 5), 2)
        body = bytes(random.randrange(200))
        frame = struct.pack(
            ">12xHBxH4xBB2x4s4s", IPV4, 0x45, 20 + len(body), 64, UDP,
            bytes((10, 0, 0, source)), bytes((10, 0, 0, target)),
        ) + body  # fmt: skip
        times = 1_700_000_000 + number // 1000, number % 1000 * 1000
        found.append(struct.pack("<IIII", *times, len(frame), len(frame)) + frame)
    return b"".join(found)


def main(arguments: list[str]) -> None:
    """Print the pairs that sent most."""
    data = Path(arguments[0]).read_bytes() if arguments else capture(20_000)
    head = FILE.unpack_from(data) if len(data) >= FILE.size else ()
    if not head or (head[0], head[-1]) != (MAGIC, ETHERNET):
        sys.exit("this is no capture of Ethernet in libpcap's format, lowest bytes first")
    packets = wire.layout(PACKET).read(memoryview(data)[FILE.size :])
    size = wire.layout(FRAME, order=">").size
    heads = [frame[:size] for frame in packets["frame"].to_pylist()]
    table = wire.layout(
        FRAME, order=">", fields=["source", "target", "size"], errors="skip",
        where=f"type == {IPV4} and version == 4",
    ).read(heads)  # fmt: skip
    sent: Counter[tuple[bytes, bytes]] = Counter()
    for row in table.to_pylist():
        sent[row["source"], row["target"]] += row["size"]
    print(f"{len(packets)} packets, {len(table)} of them IPv4")
    for (source, target), total in sent.most_common(3):
        names = [".".join(map(str, each)) for each in (source, target)]
        print(f"{names[0]:>15} to {names[1]:<15} {total:>9} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
