"""Long streams: memory that stays as it is, and sources that end in all ways."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from jitvm import wire
from jitvm.guests.wire import messages, streams
from tests.wire.schemas import generated
from tests.wire.test_reader import NUMBERS, framed

LEAF = generated("kinds.Leaf")


class Endless(io.RawIOBase):
    """The same messages again and again, for so many bytes."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data = data * (1 + (1 << 20) // len(data))
        self._period = len(data)
        self._left = size - size % len(data)
        self._place = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """As much as is asked for, a megabyte at most."""
        start = self._place % self._period
        size = min(len(buffer), self._left, len(self._data) - start)
        buffer[:size] = self._data[start : start + size]
        self._place += size
        self._left -= size
        return size


CODE = """
import resource, sys
from jitvm import wire
from tests.wire.test_streams import Endless, LEAF
from tests.wire.test_reader import framed

data = framed([LEAF(number=at, name="x" * 90).SerializeToString() for at in range(20)])

def read(size):
    reader = wire.reader(LEAF)
    rows = sum(len(table.to_arrow()) for table in reader.stream(Endless(data, size)))
    assert rows == 20 * (size // len(data)), rows
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

short = read(30_000_000)
print(short, read(300_000_000))
"""


def test_long_streams_need_no_more_memory_than_short_ones() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, check=True, text=True)
    short, long = map(int, done.stdout.split())
    assert long - short < 150_000, "KB; the columns of all are twice as many, what is compiled less"


def test_batches_are_as_large_as_their_columns_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns are larger than what they are made of, by how much the first batches tell."""
    data = framed([LEAF(more=[0] * 100).SerializeToString()] * 30_000)
    monkeypatch.setattr(messages, "COLUMNS_SIZE", 1 << 20)
    monkeypatch.setattr(messages, "FIRST_SIZE", 1 << 16)
    tables = list(wire.reader(LEAF).stream(io.BytesIO(data), rows=30_000))
    assert sum(map(len, tables)) == 30_000
    sizes = [table.nbytes for table in tables]
    assert all(size < 3 << 19 for size in sizes[1:]), sizes
    assert len(set(map(len, tables[1:-1]))) < 3, "the same from then on"


def test_a_stream_that_is_left_early_closes_its_file(tmp_path: object) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / "events.pb"
    path.write_bytes(framed(NUMBERS))
    reader = wire.reader(LEAF)
    tables = reader.stream(path, rows=10)
    assert len(next(tables)) == 10
    tables.close()  # type: ignore[attr-defined]
    assert [len(table) for table in reader.stream(path)] == [200], "the reader goes on"


def test_what_was_opened_by_others_stays_open() -> None:
    file = io.BytesIO(framed(NUMBERS))
    assert sum(len(table) for table in wire.reader(LEAF).stream(file)) == 200
    assert not file.closed


def test_compressed_streams_are_named_by_an_option() -> None:
    import gzip

    packed = io.BytesIO(gzip.compress(framed(NUMBERS)))
    tables = wire.reader(LEAF).stream(packed, compression="gzip")
    assert sum(len(table) for table in tables) == 200
    assert not packed.closed


def test_zstd_frames_may_follow_each_other() -> None:
    import zstandard

    half = framed(NUMBERS[:100]), framed(NUMBERS[100:])
    packed = b"".join(map(zstandard.ZstdCompressor().compress, half))
    tables = wire.reader(LEAF).stream(io.BytesIO(packed), compression="zstd")
    assert sum(len(table) for table in tables) == 200


def test_zstd_that_is_cut_off_is_told() -> None:
    import zstandard

    packed = zstandard.ZstdCompressor().compress(framed(NUMBERS))[:-3]
    with pytest.raises(wire.StreamError, match="the compressed data is damaged: it ends in the"):
        list(wire.reader(LEAF).stream(io.BytesIO(packed), compression="zstd"))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("zstandard", "compression", "fsspec"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(wire.StreamError, match=r"zstd needs the package zstandard; pip install"):
        streams.opened(io.BytesIO(), "zstd")
    with pytest.raises(wire.StreamError, match="URLs need fsspec; pip install fsspec"):
        streams.opened("s3://bucket/events.pb")


def test_errors_of_reading_are_not_hidden() -> None:
    class Broken:
        def read(self, _: int) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output error"):
        list(wire.reader(LEAF).stream(Broken()))
