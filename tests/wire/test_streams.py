"""Long streams: memory that stays as it is, and sources that end in all ways."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from jitvm import wire
from jitvm.guests.wire import messages, pace, streams
from jitvm.guests.wire.reading import FEEDS
from tests.descriptors import open_below
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
    monkeypatch.setattr(pace, "COLUMNS_SIZE", 1 << 20)
    monkeypatch.setattr(pace, "FIRST_SIZE", 1 << 16)
    tables = list(wire.reader(LEAF).stream(io.BytesIO(data), rows=30_000))
    assert sum(map(len, tables)) == 30_000
    sizes = [table.nbytes for table in tables]
    assert all(size < 3 << 19 for size in sizes[1:]), sizes
    assert len(set(map(len, tables[1:-1]))) < 3, "the same from then on"


def test_a_stream_that_is_left_early_closes_its_file(tmp_path: Path) -> None:
    path = tmp_path / "events.pb"
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


# -- what is wrong around messages ---------------------------------------------------------------


def whole(data: bytes) -> int:
    """How many messages of fewer than 128 bytes are whole."""
    at = count = 0
    while at < len(data) and at + 1 + data[at] <= len(data):
        at += 1 + data[at]
        count += 1
    return count


def test_streams_and_buffers_end_anywhere() -> None:
    reader = wire.reader(LEAF)
    data = framed(NUMBERS[:12])
    ends = {len(framed(NUMBERS[:count])) for count in range(13)}
    for cut in range(len(data) + 1):
        given, count = data[:cut], whole(data[:cut])
        if cut in ends:
            assert len(reader.read(given)) == count
            assert sum(map(len, reader.stream(io.BytesIO(given)))) == count
            continue
        with pytest.raises(wire.DecodeError, match=f"message {count}, byte 0: what frames"):
            reader.read(given)
        found = 0
        with pytest.raises(wire.StreamError, match=f"in the middle of message {count}"):  # noqa: PT012
            for table in reader.stream(io.BytesIO(given)):
                found += len(table)
        assert found == count, "those before were given"


@pytest.mark.parametrize("lie", [b"\xff\xff\xff\xff\x07", b"\x80\x80\x80\x40", b"\xff\x7f"])
def test_lengths_that_lie_take_no_memory(lie: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    data = framed(NUMBERS) + lie + b"abc"
    made: list[int] = []

    class Watched(bytearray):
        def __init__(self, size: int) -> None:
            made.append(size)
            super().__init__(size)

    monkeypatch.setattr(messages, "bytearray", Watched, raising=False)
    with pytest.raises(wire.StreamError, match="in the middle of message 200"):
        list(wire.reader(LEAF).stream(io.BytesIO(data)))
    with pytest.raises(wire.DecodeError, match="message 200, byte 0: what frames"):
        wire.reader(LEAF).read(data)
    assert max(made) <= messages.PIECE


@pytest.mark.parametrize("kept", [0, 100, len(framed(NUMBERS[:50]))])
def test_a_file_that_shrinks_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    monkeypatch.setattr(messages, "PIECE", 64)
    path = tmp_path / "events.pb"
    path.write_bytes(framed(NUMBERS))
    tables = wire.reader(LEAF).stream(path, rows=2)
    assert len(next(tables)) == 2
    os.truncate(path, kept)
    with pytest.raises(wire.StreamError, match=r"events\.pb has shrunk while it was read"):
        list(tables)


def test_a_pipe_whose_writer_is_killed() -> None:
    code = """
import os, signal, sys
from tests.wire.test_reader import NUMBERS, framed
sys.stdout.buffer.write(framed(NUMBERS)[:-1])
sys.stdout.buffer.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        rows = 0
        with pytest.raises(wire.StreamError, match="ends in the middle of message 199"):  # noqa: PT012
            for table in wire.reader(LEAF).stream(process.stdout):
                rows += len(table)
    assert rows == 199


def test_a_slow_writer_makes_batches_that_do_not_wait() -> None:
    ours, theirs = os.pipe()
    with os.fdopen(ours, "rb", buffering=0) as stream, os.fdopen(theirs, "wb", buffering=0) as to:
        tables = wire.reader(LEAF).stream(stream)
        for number in range(3):
            to.write(framed([NUMBERS[number]]))
            assert next(tables)["number"].to_pylist() == [number]
        to.close()
        assert list(tables) == []


@pytest.mark.parametrize("kind", [list, tuple, iter])
def test_what_is_no_message_is_named_in_streams(
    kind: Callable[[list[Any]], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "_SOME", 30)
    data: list[Any] = list(NUMBERS)
    data[170] = "text"
    with pytest.raises(TypeError, match="message 170 is str, not bytes"):
        list(wire.reader(LEAF).stream(kind(data), rows=50))
    with pytest.raises(TypeError, match="message 170 is str, not bytes"):
        wire.reader(LEAF).read(kind(data))


@pytest.mark.parametrize("kind", [list, tuple, iter, lambda data: pa.array(data, pa.binary())])
def test_nulls_are_told_as_such(
    kind: Callable[[list[Any]], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "_SOME", 30)
    data: list[Any] = list(NUMBERS)
    absent = [0, 29, 30, 77, 199]
    for at in absent:
        data[at] = None
    for errors in ("skip", "null"):
        table = wire.reader(LEAF, errors=errors).read(kind(data))
        assert [(error.row, error.fault) for error in table.errors] == [
            (at, wire.Fault.NULL) for at in absent
        ]
        expected = [None if each is None else at for at, each in enumerate(data)]
        numbers = table["number"].to_pylist()
        assert numbers == (expected if errors == "null" else [n for n in expected if n is not None])
    with pytest.raises(wire.DecodeError, match="message 0, byte 0: the message is null"):
        wire.reader(LEAF).read(kind(data))


def test_nulls_among_messages_with_headers() -> None:
    data: list[Any] = [bytes(6) + each for each in NUMBERS]
    data[0] = data[50] = data[51] = data[199] = None
    for given in (data, pa.array(data, pa.binary()), pa.array(data, pa.binary_view())):
        table = wire.reader(LEAF, errors="skip").read(given, framing="confluent")
        assert [error.row for error in table.errors] == [0, 50, 51, 199]
        assert table["number"].to_pylist() == [at for at in range(200) if data[at] is not None]


def test_errors_of_generators_are_not_hidden() -> None:
    def failing() -> Iterator[bytes]:
        yield from NUMBERS
        raise RuntimeError("of the generator")

    reader = wire.reader(LEAF)
    with pytest.raises(RuntimeError, match="of the generator"):
        reader.read(failing())
    rows = 0
    with pytest.raises(RuntimeError, match="of the generator"):  # noqa: PT012
        for table in reader.stream(failing(), rows=50):
            rows += len(table)
    assert rows == 200
    assert len(reader.read(NUMBERS)) == 200


def test_a_list_that_is_emptied_while_it_is_read() -> None:
    data = list(NUMBERS)
    tables = wire.reader(LEAF).stream(data, rows=50)
    assert len(next(tables)) == 50
    del data[70:]
    assert [len(table) for table in tables] == [20]


def test_ctrl_c_leaves_a_stream_and_its_file(tmp_path: Path) -> None:
    path = tmp_path / "events.pb"
    path.write_bytes(framed(NUMBERS))
    reader = wire.reader(LEAF)

    def interrupted(_: wire.Progress) -> None:
        raise KeyboardInterrupt

    FEEDS.clear()
    with pytest.raises(KeyboardInterrupt):
        list(reader.stream(path, rows=50, progress=interrupted))
    assert open_below(tmp_path) == 0
    assert len(FEEDS) == 1
    assert sum(map(len, reader.stream(path))) == 200


def test_a_stream_and_reads_in_between_do_not_disturb_each_other() -> None:
    reader = wire.reader(LEAF)
    found = []
    for table in reader.stream(NUMBERS, rows=30):
        assert len(reader.read(NUMBERS[::-1])) == 200
        found += table["number"].to_pylist()
    assert found == list(range(200))


def test_small_arrays_are_put_together() -> None:
    arrays = [pa.array(NUMBERS[at : at + 3], pa.binary()) for at in range(0, 200, 3)]
    table = wire.reader(LEAF).read(pa.chunked_array(arrays))
    assert table["number"].to_pylist() == list(range(200))
    assert len(list(table.batches())) == 1


@pytest.mark.parametrize("type", [pa.binary(), pa.large_binary(), pa.binary_view()])
def test_nulls_with_bytes_of_their_own_are_nulls(type: pa.DataType) -> None:
    """Arrow allows that a null value has bytes, which mean nothing."""
    full = pa.array([*NUMBERS[:5], b"garbage" * 9], type)
    buffers = full.buffers()
    mask = pa.py_buffer(bytes([0b0101_0101]))
    array = pa.Array.from_buffers(type, len(full), [mask, *buffers[1:]])
    table = wire.reader(LEAF, errors="skip").read(array)
    assert table["number"].to_pylist() == [0, 2, 4]
    assert [error.row for error in table.errors] == [1, 3, 5]


def test_views_of_nothing_are_refused() -> None:
    good = pa.array([b"x" * 20], pa.binary_view())
    views = np.frombuffer(good.buffers()[1], np.int32).copy()
    views[3] = 1000
    array = pa.Array.from_buffers(
        pa.binary_view(), 1, [None, pa.py_buffer(views), *good.buffers()[2:]]
    )
    with pytest.raises(wire.MessagesError, match="view 0 of the Arrow data shows nothing"):
        wire.reader(LEAF).read(array)


def test_objects_of_numpy_and_pandas_are_messages() -> None:
    import pandas  # type: ignore[import-untyped,unused-ignore]

    array = np.array(NUMBERS, object)
    for given in (array, pandas.Series(NUMBERS)):
        assert wire.reader(LEAF).read(given)["number"].to_pylist() == list(range(200))
