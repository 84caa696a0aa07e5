"""A sensor's binary log, as its firmware writes it: records of several lengths, in one file that is
read in constant memory.

python examples/sensor_log.py
"""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path
from random import Random

from jitvm import wire

RECORD = [
    ("ticks", "u4"),  # hundredths of seconds
    ("sensor:4 overrun:1 kind:3", "u1"),
    ("volts", "i2?"),  # in hundredths; not all have a battery
    ("note", "text:u1"),
    ("samples", ("i2", "u1")),
]


def log(count: int) -> bytes:
    """So many records."""
    random = Random(1)
    found = []
    for number in range(count):
        sensor, kind = random.randrange(6), random.choice((0, 0, 0, 3))
        found.append(struct.pack("<IB", 7 * number, sensor | kind << 5))
        found.append(struct.pack("<Bh", 1, random.randrange(290, 420)) if sensor < 4 else b"\0")
        note = b"restarted" if number % 1000 == 0 else b""
        found.append(bytes((len(note),)) + note)
        samples = [random.randrange(-400, 400) for _ in range(random.randrange(9))]
        found.append(struct.pack(f"<B{len(samples)}h", len(samples), *samples))
    return b"".join(found)


def main() -> None:
    """Print the lowest voltage of each sensor, and when it was restarted."""
    layout = wire.layout(RECORD, where="volts is not None and kind == 0")
    lowest: dict[int, int] = {}
    rows = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sensors.log"
        path.write_bytes(log(50_000))
        for table in layout.stream(path, rows=10_000):
            rows += len(table)
            for sensor, volts in zip(
                table["sensor"].to_pylist(), table["volts"].to_pylist(), strict=True
            ):
                lowest[sensor] = min(volts, lowest.get(sensor, volts))
        notes = wire.layout(RECORD, fields=["ticks", "note"]).read(path)
    restarts = [row["ticks"] / 100 for row in notes.to_pylist() if row["note"]]
    print(f"{rows} records with a voltage; {len(restarts)} restarts, the last at {restarts[-1]} s")
    for sensor, volts in sorted(lowest.items()):
        print(f"sensor {sensor}: at least {volts / 100:.2f} V")


if __name__ == "__main__":
    main()
