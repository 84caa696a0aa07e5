"""What goes wrong around messages: files that shrink, memory that runs out, Ctrl-C, processes that
fork, messages made to break decoders."""

from __future__ import annotations

import gc
import mmap
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jitvm import wire
from jitvm.guests.wire import feed, mapped, reading
from jitvm.guests.wire.anew import varint
from jitvm.guests.wire.buffers import layout
from jitvm.guests.wire.decoder import Decoder, OfMessages
from jitvm.guests.wire.pool import POOL, Pool
from jitvm.guests.wire.protobuf.columns import tree
from tests.wire.schemas import PROTOS, generated, message

LEAF = generated("kinds.Leaf")
SPECIFICATION = f"{PROTOS / 'kinds.proto'}:Leaf"
NUMBERS = [LEAF(number=number, name=str(number)).SerializeToString() for number in range(200)]
FRAMED = b"".join(bytes([len(each)]) + each for each in NUMBERS)
LENGTHS = [len(each) for each in NUMBERS]


def numbers(table: wire.Table) -> list[Any]:
    found: list[Any] = table["number"].to_pylist()
    return found


@pytest.fixture
def reader() -> wire.Reader:
    return wire.reader(LEAF)


# -- memory maps ---------------------------------------------------------------------------------

SHRINKING = """
import mmap, os, sys
import numpy as np
from jitvm import wire
schema, path, kept = sys.argv[1:]
with open(path, "r+b") as file:
    mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    array = np.memmap(path, np.uint8, mode="r")
    os.truncate(path, int(kept))
for given in ((mapped,), (array,), (memoryview(mapped), [len(mapped)])):
    try:
        wire.reader(schema).read(*given)
    except wire.MessagesError as error:
        print(error)
"""


@pytest.mark.parametrize("kept", [0, 100, 5000])
def test_a_file_that_shrinks_while_it_is_mapped_is_an_error(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "events"
    path.write_bytes(FRAMED * 9)
    done = subprocess.run(
        [sys.executable, "-c", SHRINKING, SPECIFICATION, path, str(kept)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, "not ended by a signal"
    lines = done.stdout.splitlines()
    assert len(lines) == 3
    for line in lines:
        assert line.startswith("the file behind the memory map has shrunk: ")
        assert "reader.stream(path)" in line


@pytest.mark.parametrize("size", [64, 1 << 20])
def test_memory_maps_are_read_piece_by_piece(
    reader: wire.Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(feed, "SIZE", size)
    monkeypatch.setattr(reading, "BATCH_ROWS", max(size // 8, 16))
    (tmp_path / "framed").write_bytes(FRAMED)
    (tmp_path / "joined").write_bytes(b"".join(NUMBERS))
    framed, joined = (np.memmap(tmp_path / each, np.uint8) for each in ("framed", "joined"))
    assert numbers(reader.read(framed)) == list(range(200))
    assert numbers(reader.read(joined, LENGTHS)) == list(range(200))
    header = bytes(6)
    (tmp_path / "headed").write_bytes(b"".join(header + each for each in NUMBERS))
    headed = np.memmap(tmp_path / "headed", np.uint8)
    lengths = [size + len(header) for size in LENGTHS]
    assert numbers(reader.read(headed, lengths, framing="confluent")) == list(range(200))


def test_maps_are_known_for_what_they_are(tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.write_bytes(FRAMED)
    with open(path, "rb") as file:
        found = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    array: Any = np.memmap(path, np.uint8, mode="r")
    for each in (found, memoryview(found)[3:].cast("B"), array, array[3:], memoryview(array)[5:]):
        assert mapped.map_of(each) is not None
    for other in (FRAMED, memoryview(FRAMED), np.frombuffer(FRAMED, np.uint8)):
        assert mapped.map_of(other) is None


def test_maps_are_read_in_place_where_nothing_copies_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events"
    path.write_bytes(FRAMED)

    def refused(*_: object) -> int:
        raise PermissionError

    array: Any = np.memmap(path, np.uint8, mode="r")
    monkeypatch.setattr(os, "open", refused)
    assert mapped.copied(memoryview(array), 1, 9) == FRAMED[1:9]


# -- Ctrl-C --------------------------------------------------------------------------------------


def reserved() -> int:
    """Bytes of this process's mappings of gigabytes; neighbours are one to the system."""
    with open("/proc/self/maps") as file:
        pairs = [line.split()[0].split("-") for line in file]
    sizes = [int(end, 16) - int(begin, 16) for begin, end in pairs]
    return sum(size for size in sizes if size >= 1 << 31)


def test_ctrl_c_ends_a_batch_and_leaves_the_reader_as_it_was(reader: wire.Reader) -> None:
    def press() -> None:
        begun.wait()
        while not ended.is_set():  # Python drops an interrupt that comes while it destroys things
            os.kill(os.getpid(), signal.SIGINT)
            ended.wait(10)

    many = FRAMED * 500
    reader.read(many)
    gc.collect()
    before = reserved()
    for _ in range(5):
        begun, ended = threading.Event(), threading.Event()
        thread = threading.Thread(target=press)
        thread.start()
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012
            begun.set()
            while True:  # until it comes, wherever it finds us
                reader.read(many)
        ended.set()
        thread.join()
        assert numbers(reader.read(NUMBERS)) == list(range(200))
    gc.collect()
    wire.trim()
    assert reserved() <= before
    assert len(reader._free) == 1


def test_what_ctrl_c_loses_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may come between the system's answer and the note of it."""

    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    before = reserved()
    with monkeypatch.context() as context:
        context.setattr("ctypes.addressof", interrupted)
        with pytest.raises(KeyboardInterrupt):
            Pool().take(1 << 20)
    assert reserved() <= before


def test_ctrl_c_does_not_leave_conditions_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of null are decoded with conditions off: which must not last."""
    reader = wire.reader(LEAF, where="number >= 150", errors="null")
    assert len(reader.read([*NUMBERS, b"\xff"])) == 51
    run = OfMessages._run

    def interrupted(self: Any, shown: memoryview, *rest: Any) -> Any:
        if not len(shown):
            raise KeyboardInterrupt
        return run(self, shown, *rest)

    with monkeypatch.context() as context:
        context.setattr(OfMessages, "_run", interrupted)
        with pytest.raises(KeyboardInterrupt):
            reader.read([*NUMBERS, b"\xff"])
    assert len(reader.read(NUMBERS)) == 50


# -- memory that runs out ------------------------------------------------------------------------

LIMITED = """
import resource, sys
from jitvm import wire
from jitvm.guests.wire.decoder import Decoder
Decoder.is_ready = True  # else what decodes depends on what is in the cache
reader = wire.reader(sys.argv[1], errors="skip")
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
limit = used + (int(sys.argv[2]) << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
for data in ([b""], bytes(1)):
    try:
        reader.read(data)
    except wire.PoolError as error:
        print(error)
"""


@pytest.mark.parametrize(
    ("megabytes", "said"), [(2000, "cannot reserve 4096 MiB of addresses"), (6000, "no memory for")]
)
def test_memory_that_runs_out_is_a_clear_error(megabytes: int, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, SPECIFICATION, str(megabytes)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert not done.returncode, done.stderr
    assert issubclass(wire.PoolError, MemoryError)
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(said)
    assert all("raise the limit of virtual memory (ulimit -v)" in line for line in lines)


# -- messages that are large, or deep ------------------------------------------------------------

GIGABYTE = 1 << 30


def test_a_gigabyte_of_one_field_is_passed_over() -> None:
    head = b"\x12" + varint(GIGABYTE)
    data = np.zeros(len(head) + GIGABYTE + 2, np.uint8)  # pages that nobody touches take nothing
    data[: len(head)] = list(head)
    data[-2:] = 8, 5
    assert wire.reader(LEAF, fields=["number"]).read(data, [len(data)]).to_pylist() == [
        {"number": 5}
    ]


def test_a_gigabyte_that_is_not_there_is_an_error(reader: wire.Reader) -> None:
    for lie in (GIGABYTE, (1 << 31) - 1, (1 << 32) - 1):
        with pytest.raises(wire.DecodeError, match=r"message 1, byte 1, field name: "):
            reader.read([NUMBERS[0], b"\x12" + varint(lie) + b"x" * 100])


@pytest.mark.parametrize("options", [{}, {"large_offsets": True}])
def test_messages_of_more_than_two_gigabytes_are_errors(options: dict[str, Any]) -> None:
    data = np.zeros((1 << 31) + 2, np.uint8)
    data[-2:] = 8, 5
    lengths = [1 << 31, 2]
    for errors, expected in (("skip", [5]), ("null", [None, 5])):
        table = wire.reader(LEAF, fields=["number"], errors=errors, **options).read(data, lengths)
        assert numbers(table) == expected
        assert table.errors[0].fault is wire.Fault.SIZE
    with pytest.raises(wire.DecodeError, match="message 0, byte 0: the message is larger than"):
        wire.reader(LEAF, fields=["number"], **options).read(data, lengths)


def test_what_offsets_cannot_hold_names_the_option() -> None:
    columns = tree(message("kinds.Leaf"))
    with pytest.raises(wire.ColumnError, match="need 64-bit offsets; ask for large_offsets"):
        layout(columns, 10, 1 << 31)


def nested(depth: int) -> bytes:
    """A kinds.Recursive in itself, so often."""
    data = b"\x08\x07"
    for _ in range(depth):
        data = b"\x12" + varint(len(data)) + data
    return data


def groups(depth: int) -> bytes:
    """Groups that nobody knows in each other."""
    return b"\xfb\x01" * depth + b"\xfc\x01" * depth


def test_depth_bombs_are_errors_or_bytes() -> None:
    deep = generated("kinds.Recursive")
    table = wire.reader(deep, fields=["value", "next"], depth=3).read([nested(20_000), nested(1)])
    inner = table.to_pylist()[0]["next"]["next"]["next"]
    assert inner == nested(19_997), "what is deeper than asked for stays as it is"
    bombs = [groups(101), groups(50_000), b"\xfb\x01" * 100_000, groups(90)]
    table = wire.reader(deep, errors="skip").read(bombs)
    assert [error.fault for error in table.errors] == [wire.Fault.DEPTH] * 3
    assert len(table) == 1
    with pytest.raises(wire.ColumnError, match="more than 8192 columns; select some with fields"):
        wire.reader(deep, depth=100)


# -- processes and threads -----------------------------------------------------------------------

SHARED: list[wire.Reader] = []


def _share(reader: wire.Reader) -> None:
    SHARED[:] = [reader]


def _in_child(first: int) -> tuple[int, int]:
    """Lengths of what a reader reads that was made before the process was."""
    rest = NUMBERS[first:]
    framed = b"".join(bytes([len(each)]) + each for each in rest)
    return len(SHARED[0].read(rest)), len(SHARED[0].read(framed))


@pytest.mark.parametrize("method", ["fork", "forkserver"])
def test_pools_of_processes_use_a_reader_made_before(reader: wire.Reader, method: str) -> None:
    reader.read(NUMBERS)
    reader.read(FRAMED)
    expected = [(200 - first,) * 2 for first in range(6)]
    with multiprocessing.get_context(method).Pool(2, _share, (reader,)) as pool:
        found = pool.map(_in_child, range(6))
        # Its workers end by themselves: SIGTERM, which a pool sends them at the end of its block,
        # may be caught in a process that tests of signals have run in.
        pool.close()
        pool.join()
    assert found == expected
    assert numbers(reader.read(NUMBERS)) == list(range(200))


def test_a_process_forks_while_another_thread_reads(reader: wire.Reader) -> None:
    is_over = threading.Event()

    def read() -> None:
        while not is_over.is_set():
            reader.read(FRAMED * 20)

    thread = threading.Thread(target=read)
    thread.start()
    _share(reader)
    try:
        for _ in range(5):
            child = os.fork()
            if not child:
                try:
                    os._exit(_in_child(0) != (200, 200))
                finally:
                    os._exit(2)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        is_over.set()
        thread.join()


@pytest.mark.parametrize(
    "source", [lambda: FRAMED * 50, lambda: NUMBERS * 50, lambda: [b"\x08\xff", *NUMBERS] * 50]
)
def test_two_threads_share_a_reader(source: Callable[[], Any]) -> None:
    reader = wire.reader(LEAF, errors="skip")
    data = source()
    start = threading.Barrier(2)
    found: list[Any] = []

    def read() -> None:
        start.wait()
        for _ in range(3):
            table = reader.read(data)
            found.append((numbers(table), [error.row for error in table.errors]))

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert all(each == found[0] for each in found)
    assert found[0][0] == list(range(200)) * 50


def test_one_decoder_is_used_by_threads_at_once() -> None:
    columns = tree(message("kinds.Leaf"))
    placed = layout(columns, 1000, 1 << 20)
    decoder = Decoder(columns, placed)
    offsets = memoryview(np.cumsum([0, *LENGTHS]).astype(np.int64))  # type: ignore[arg-type]
    data = memoryview(b"".join(NUMBERS))
    rows: list[int] = []

    def decode() -> None:
        for _ in range(20):
            out = POOL.take(placed.size)
            rows.append(decoder.decode(data, offsets, 0, 200, out).rows)

    threads = [threading.Thread(target=decode) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rows == [200] * 40
