"""Readers: all that messages come in, policies of errors, streams, threads, pickles."""

from __future__ import annotations

import gzip
import io
import mmap
import os
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nanoarrow
import numpy as np
import polars
import pyarrow as pa
import pytest
import zstandard
from google.protobuf import descriptor_pb2

from jitvm import wire
from jitvm.guests.wire import messages as taking
from jitvm.guests.wire import reading
from jitvm.guests.wire.decoder import Decoder
from tests.wire.oracle import judged, messages, row
from tests.wire.schemas import PROTOS, described, generated, message

LEAF = generated("kinds.Leaf")
NUMBERS = [LEAF(number=number, name=str(number)).SerializeToString() for number in range(200)]
BAD = b"\x08\xff"


def framed(data: list[bytes]) -> bytes:
    """Messages of less than 128 bytes, each behind its length."""
    assert all(len(each) < 128 for each in data)
    return b"".join(bytes([len(each)]) + each for each in data)


@pytest.fixture
def reader() -> wire.Reader:
    return wire.reader(LEAF)


def numbers(table: wire.Table) -> list[Any]:
    found: list[Any] = table["number"].to_pylist()
    return found


BINARY = pa.array(NUMBERS, pa.binary())
LENGTHS = [len(each) for each in NUMBERS]
JOINED = b"".join(NUMBERS)
FORMS: dict[str, tuple[Any, ...]] = {
    "list": (NUMBERS,),
    "tuple": (tuple(NUMBERS),),
    "iterator": (iter(list(NUMBERS)),),
    "views": ([memoryview(each) for each in NUMBERS],),
    "wide views": ([memoryview(bytes(6)).cast("H"), b""],),
    "bytes and lengths": (JOINED, LENGTHS),
    "bytearray and array": (bytearray(JOINED), np.array(LENGTHS, np.uint16)),
    "numpy": (np.frombuffer(JOINED, np.uint8), np.array(LENGTHS)),
    "lengths inside": (framed(NUMBERS),),
    "pyarrow": (BINARY,),
    "pyarrow slice": (pa.array([b"x", *NUMBERS, b"y"])[1:-1],),
    "pyarrow large": (BINARY.cast(pa.large_binary()),),
    "pyarrow chunks": (pa.chunked_array([BINARY[:70], BINARY[70:70], BINARY[70:]]),),
    "pyarrow views": (BINARY.cast(pa.binary_view()),),
    "polars": (polars.Series(NUMBERS),),
    "nanoarrow": (nanoarrow.Array(NUMBERS, nanoarrow.binary()),),
}


@pytest.mark.parametrize("form", [form for form in FORMS if form != "wide views"])
def test_messages_come_in_any_form(reader: wire.Reader, form: str) -> None:
    table = reader.read(*FORMS[form])
    assert numbers(table) == list(range(200))
    assert table["name"].to_pylist() == [str(number) for number in range(200)]


def test_lengths_of_views_are_bytes() -> None:
    reader = wire.reader(LEAF, errors="null")
    assert [str(each) for each in reader.read(*FORMS["wide views"]).errors] == [
        "message 0, byte 0: a tag has a field number that does not exist "
        "(0, or more than 2**29 - 1)"
    ]


def test_memory_maps_are_decoded(reader: wire.Reader, tmp_path: Path) -> None:
    path = tmp_path / "events"
    path.write_bytes(framed(NUMBERS))
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert numbers(reader.read(mapped)) == list(range(200))
        # closing it here needs that nobody holds on to it


@pytest.mark.parametrize("empty", [[], b"", pa.array([], pa.binary()), iter(())])
def test_no_messages_are_a_table_too(reader: wire.Reader, empty: Any) -> None:
    table = reader.read(empty)
    assert len(table) == 0
    assert table.to_arrow().num_rows == 0
    assert table.to_polars().shape == (0, 3)
    assert table.to_pandas().shape == (0, 3)
    assert table["number"].to_numpy().dtype == np.int32
    assert table.to_pylist() == []


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ((3,), TypeError, "int holds no messages; give a list of bytes"),
        (("abc",), TypeError, r"a str holds no messages; to read a file: reader\.stream"),
        (([b"", 3],), TypeError, "message 1 is int, not bytes"),
        (([LEAF()],), TypeError, "message 0 is Leaf, not bytes; serialize it"),
        ((b"abc", [1, 1]), wire.MessagesError, "come to 2 bytes, but the buffer has 3"),
        ((b"abc", [4, -1]), wire.MessagesError, "message 1 has the length -1"),
        ((b"abc", [1.5]), wire.MessagesError, "lengths are a list of integers"),
        ((pa.array([1]),), wire.MessagesError, "has the format 'l', which holds no messages"),
        ((pa.table({"a": BINARY}),), wire.MessagesError, r"'\+s', which holds no messages"),
        ((np.zeros((4, 4), np.uint8)[:, ::2], [8]), wire.MessagesError, "not lie in one piece"),
    ],
)
def test_what_holds_no_messages_is_refused(
    reader: wire.Reader, given: tuple[Any, ...], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        reader.read(*given)


# -- errors --------------------------------------------------------------------------------------


def test_errors_are_raised_with_row_offset_and_path(reader: wire.Reader) -> None:
    with pytest.raises(wire.DecodeError, match="message 2, byte 1, field number: ") as raised:
        reader.read([NUMBERS[0], NUMBERS[1], BAD, NUMBERS[3]])
    error = raised.value.error
    assert (error.row, error.offset, error.path) == (2, 1, "number")
    assert error.fault is wire.Fault.TRUNCATED
    again = pickle.loads(pickle.dumps(raised.value))
    assert (str(again), again.error) == (str(raised.value), error)


def test_errors_are_skipped_or_null_and_counted() -> None:
    data = [NUMBERS[0], BAD, NUMBERS[2], BAD]
    table = wire.reader(LEAF, errors="skip").read(data)
    assert numbers(table) == [0, 2]
    assert [error.row for error in table.errors] == [1, 3]
    table = wire.reader(LEAF, errors="null").read(data)
    assert numbers(table) == [0, None, 2, None]
    assert table["more"].to_pylist() == [[], None, [], None]
    assert [error.row for error in table.errors] == [1, 3]
    assert table["number"].null_count == 2
    arrow = table.to_arrow()
    arrow.validate(full=True)
    assert arrow["more"].null_count == 2
    assert list(table.to_polars()["number"]) == [0, None, 2, None]


@pytest.mark.parametrize("given", [[NUMBERS[0], None, NUMBERS[2]], pa.array([NUMBERS[0], None])])
def test_messages_that_are_null_are_errors(given: Any) -> None:
    with pytest.raises(wire.DecodeError, match="message 1, byte 0: the message is null; "):
        wire.reader(LEAF).read(given)
    with pytest.raises(wire.DecodeError, match="message 1, byte 0: the message is null; "):
        list(wire.reader(LEAF).stream([NUMBERS[0], None]))
    table = wire.reader(LEAF, errors="null").read(given)
    assert numbers(table)[:2] == [0, None]


def test_until_there_is_native_code_small_batches_are_decoded_plainly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = iter([False, False, True])
    monkeypatch.setattr(Decoder, "is_ready", property(lambda _: next(answers)))
    monkeypatch.setattr(reading, "SMALL_BYTES", 10 * len(NUMBERS[150]))
    table = wire.reader(LEAF).read(NUMBERS[150:])
    assert numbers(table) == list(range(150, 200))
    assert [len(batch) for batch in table.batches()] == [10, 10, 30]
    assert not list(answers)


def test_rows_of_errors_count_over_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BATCH_ROWS", 7)
    data = list(NUMBERS)
    data[100] = data[193] = BAD
    reader = wire.reader(LEAF, errors="skip")
    for table in (reader.read(data), reader.read(framed(data))):
        assert [error.row for error in table.errors] == [100, 193]
        assert numbers(table) == [each for each in range(200) if each not in (100, 193)]
        assert len(list(table.batches())) > 10
    with pytest.raises(wire.DecodeError, match="message 193, "):
        wire.reader(LEAF).read([*NUMBERS[:193], BAD])


def test_batches_hold_so_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BATCH_BYTES", 64)
    monkeypatch.setattr(reading, "LEAST_BYTES", 64)
    big = LEAF(name="x" * 100, number=5).SerializeToString()
    data = [*NUMBERS[:50], big, *NUMBERS[51:]]
    reader = wire.reader(LEAF)
    expected = [*range(50), 5, *range(51, 200)]
    assert numbers(reader.read(data)) == expected
    assert numbers(reader.read(framed(data))) == expected


def test_wrong_lengths_in_a_buffer_are_errors() -> None:
    for errors in ("raise", "skip"):
        reader = wire.reader(LEAF, errors=errors)
        for data in (framed(NUMBERS)[:-1], b"\x02\x08\x01" + b"\xff" * 5 + b"\x01"):
            with pytest.raises(wire.DecodeError, match="what frames the message is wrong"):
                reader.read(data)


def test_options_that_do_not_exist_are_refused() -> None:
    for options, said in (
        ({"errors": "ignore"}, "errors='ignore': choose from raise, null, skip"),
        ({"depth": 0}, "depth=0: choose from 1 to 100"),
        ({"fields": ["numbr"]}, "no field 'numbr'; did you mean 'number'"),
        ({"fields": ["number.x"]}, "number is no message; name 'number' itself"),
        ({"fields": []}, "no fields are selected"),
        ({"where": "numbr == 1"}, "no field 'numbr'"),
        ({"where": "number =="}, "where 'number ==': "),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=said):
            wire.reader(LEAF, **options)
    with pytest.raises(TypeError, match="fields is a list of paths, not a str"):
        wire.reader(LEAF, fields="number")


# -- Confluent -----------------------------------------------------------------------------------


@pytest.mark.parametrize("indexes", [b"\x00", b"\x02\x00", b"\x04\x02\x06"])
def test_confluent_headers_are_passed_over(reader: wire.Reader, indexes: bytes) -> None:
    data = [b"\x00" + bytes(3) + bytes([at % 3]) + indexes + one for at, one in enumerate(NUMBERS)]
    assert numbers(reader.read(data, framing="confluent")) == list(range(200))
    tables = reader.stream(data, framing="confluent", rows=70)
    assert [len(table) for table in tables] == [70, 70, 60]
    data[5] = b"\x01" + data[5][1:]
    with pytest.raises(wire.MessagesError, match="message 5 does not begin with Confluent's"):
        reader.read(data, framing="confluent")
    with pytest.raises(wire.MessagesError, match="message 0 does not"):
        reader.read([b"\x00\x00"], framing="confluent")


# -- streams -------------------------------------------------------------------------------------


def written(tmp_path: Path, name: str, data: bytes) -> Path:
    path = tmp_path / name
    if name.endswith(".gz"):
        data = gzip.compress(data)
    elif name.endswith(".zst"):
        data = zstandard.ZstdCompressor().compress(data)
    path.write_bytes(data)
    return path


def from_socket(data: bytes) -> Iterator[Any]:
    ours, theirs = socket.socketpair()

    def send() -> None:
        with theirs:
            theirs.sendall(data)

    thread = threading.Thread(target=send)
    thread.start()
    yield ours
    thread.join()
    ours.close()


SOURCES: dict[str, Callable[[Path], Any]] = {
    "path": lambda tmp: written(tmp, "events.pb", framed(NUMBERS)),
    "str": lambda tmp: str(written(tmp, "events.pb", framed(NUMBERS))),
    "gzip": lambda tmp: written(tmp, "events.pb.gz", framed(NUMBERS)),
    "zstd": lambda tmp: written(tmp, "events.pb.zst", framed(NUMBERS)),
    "fsspec": lambda tmp: f"file://{written(tmp, 'events.pb', framed(NUMBERS))}",
    "file": lambda tmp: written(tmp, "events.pb", framed(NUMBERS)).open("rb"),
    "memory": lambda _: io.BytesIO(framed(NUMBERS)),
    "reader": lambda _: Only(framed(NUMBERS)),
    "iterator": lambda _: iter(NUMBERS),
}


class Only:
    """A file that can only `read`, and gives little at a time."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def read(self, size: int) -> bytes:
        return self._file.read(min(size, 13))


@pytest.mark.parametrize("kind", SOURCES)
def test_streams_come_from_anywhere(reader: wire.Reader, kind: str, tmp_path: Path) -> None:
    source = SOURCES[kind](tmp_path)
    tables = list(reader.stream(source, rows=64))
    assert [len(table) for table in tables] == [64, 64, 64, 8]
    assert [each for table in tables for each in numbers(table)] == list(range(200))
    if hasattr(source, "close"):
        source.close()


def test_sockets_and_pipes_are_streams(reader: wire.Reader) -> None:
    data = framed(NUMBERS)
    for source in from_socket(data):
        tables = list(reader.stream(source))
        assert [each for table in tables for each in numbers(table)] == list(range(200))
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(data)
        process.stdin.close()
        tables = list(reader.stream(process.stdout))
    assert [each for table in tables for each in numbers(table)] == list(range(200))


def test_a_live_stream_gives_what_is_there(reader: wire.Reader) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(framed(NUMBERS[:3]) + b"\x05")
        tables = reader.stream(ours)
        assert numbers(next(tables)) == [0, 1, 2], "though more may come"
        theirs.sendall(b"\x08\x07\x12\x01x")
        theirs.shutdown(socket.SHUT_WR)
        assert numbers(next(tables)) == [7]
        assert list(tables) == []


def test_pieces_of_a_stream_cut_messages_anywhere(
    reader: wire.Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = LEAF(name="x" * 1000, number=5).SerializeToString()
    assert len(big) < 1 << 14
    data = framed(NUMBERS[:9]) + bytes([len(big) & 127 | 128, len(big) >> 7]) + big + b"\x00"
    for size in (1, 2, 3, 7, 64, 2000):
        monkeypatch.setattr(taking, "PIECE", size)
        tables = list(reader.stream(io.BytesIO(data)))
        assert [each for table in tables for each in numbers(table)] == [*range(9), 5, 0], size


@pytest.mark.parametrize(
    ("data", "error", "said"),
    [
        (framed(NUMBERS)[:-1], wire.StreamError, "ends in the middle of message 199"),
        (framed(NUMBERS) + b"\xff", wire.StreamError, "ends in the middle of message 200"),
        (framed(NUMBERS) + b"\xff" * 6, wire.DecodeError, "message 200, byte 0: what frames"),
        (framed([*NUMBERS, BAD]), wire.DecodeError, "message 200, byte 1, field number"),
    ],
)
def test_streams_end_where_they_are_wrong(
    reader: wire.Reader, data: bytes, error: type[Exception], said: str
) -> None:
    given = 0
    with pytest.raises(error, match=said):  # noqa: PT012
        for table in reader.stream(io.BytesIO(data), rows=50):
            given += len(table)
    assert given >= 150, "what was right before came"


def test_damaged_compression_is_told(reader: wire.Reader, tmp_path: Path) -> None:
    for name in ("events.gz", "events.zst"):
        path = written(tmp_path, name, framed(NUMBERS) * 50)
        data = bytearray(path.read_bytes())
        data[len(data) // 2 :] = bytes(40)
        path.write_bytes(data)
        with pytest.raises(wire.StreamError, match=f"{name}: the compressed data is damaged"):
            list(reader.stream(path))
    path = written(tmp_path, "short.gz", framed(NUMBERS) * 50)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(wire.StreamError, match=r"short\.gz: the compressed data is damaged"):
        list(reader.stream(path))


@pytest.mark.parametrize(
    ("source", "options", "error", "said"),
    [
        ("absent.pb", {}, wire.StreamError, r"cannot read absent\.pb: No such file"),
        ("nothing://x", {}, wire.StreamError, "cannot open nothing://x: "),
        (3, {}, TypeError, "int"),
        (io.StringIO("abc"), {}, wire.StreamError, "gives str, not bytes; open it in binary mode"),
        (io.BytesIO(), {"framing": "confluent"}, wire.MessagesError, "cannot have the framing"),
        (io.BytesIO(), {"framing": "x"}, wire.MessagesError, "choose from none, varint, conf"),
        (io.BytesIO(), {"compression": "lz4"}, wire.StreamError, "choose from gzip, zstd, none"),
        (io.BytesIO(), {"rows": 0}, ValueError, "rows=0: choose at least 1"),
    ],
)
def test_streams_that_cannot_be_read_say_why(
    reader: wire.Reader, source: Any, options: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        list(reader.stream(source, **options))


def test_progress_is_told(reader: wire.Reader, tmp_path: Path) -> None:
    path = written(tmp_path, "events.pb", framed(NUMBERS))
    seen: list[tuple[int, ...]] = []

    def tell(progress: wire.Progress) -> None:
        seen.append((progress.bytes, progress.total or 0, progress.rows, progress.messages))

    list(reader.stream(path, rows=100, progress=tell))
    size = path.stat().st_size
    assert seen == [(size, size, 100, 100), (size, size, 200, 200)]


# -- readers -------------------------------------------------------------------------------------


def test_readers_are_pickled() -> None:
    reader = wire.reader(LEAF, fields=["name"], where="number >= 190", errors="skip")
    again = pickle.loads(pickle.dumps(reader))
    assert repr(again) == repr(reader)
    assert again.schema == reader.schema == {"name": "string"}
    assert again.read(NUMBERS)["name"].to_pylist() == [str(each) for each in range(190, 200)]


def test_readers_of_recursive_types_are_pickled() -> None:
    reader = wire.reader(generated("kinds.Recursive"), depth=2)
    assert pickle.loads(pickle.dumps(reader)).schema == reader.schema


def test_a_type_with_many_fields_of_its_own_type_is_read_as_deep_as_it_can_be() -> None:
    file = descriptor_pb2.FileDescriptorProto(name="many.proto", syntax="proto3")
    many = file.message_type.add(name="Many")
    for number in range(1, 22):
        field = many.field.add(name=f"f{number}", number=number, label=1, type=11)
        field.type_name = ".Many"
    schema = descriptor_pb2.FileDescriptorSet(file=[file])
    reader = wire.reader(schema)
    inner = b"\x0a\x02\x0a\x00"
    table = reader.read([b"\x0a\x04" + inner])
    assert table["f1.f1"].to_pylist() == [inner[2:]]
    assert pickle.loads(pickle.dumps(reader)).schema == reader.schema
    with pytest.raises(wire.ColumnError, match="more than 8192 columns"):
        wire.reader(schema, depth=3)


def test_readers_are_used_on_several_threads() -> None:
    reader = wire.reader(LEAF, where="number < 100")
    found: list[list[int]] = []

    def read() -> None:
        found.extend(numbers(reader.read(NUMBERS)) for _ in range(5))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [list(range(100))] * 20


def test_a_child_process_reads_on(reader: wire.Reader) -> None:
    table = reader.read(NUMBERS)
    child = os.fork()
    if not child:
        try:
            os._exit(numbers(reader.read(NUMBERS[50:])) != list(range(50, 200)))
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert numbers(table) == list(range(200)), "which the child has not written to"


def test_conditions_need_no_column_of_their_own() -> None:
    reader = wire.reader(LEAF, fields=["name"], where="number in (5, 7)")
    table = reader.read(NUMBERS)
    assert table.column_names == ["name"]
    assert table.to_arrow().to_pydict() == {"name": ["5", "7"]}
    with pytest.raises(KeyError, match="no column 'number'; there are name"):
        table["number"]


def test_a_path_names_its_message() -> None:
    reader = wire.reader(f"{PROTOS / 'kinds.proto'}:Leaf")
    assert numbers(reader.read(NUMBERS)) == list(range(200))
    reader = wire.reader(described("kinds"), "kinds.Leaf")
    assert numbers(reader.read(NUMBERS)) == list(range(200))


def test_rows_are_what_protobuf_says() -> None:
    reader = wire.reader(generated("kinds.Nested"), depth=3)
    data = messages("kinds.Nested", message("kinds.Nested"), 30, seed=2)
    table = reader.read(data)
    for ours, each in zip(table.to_pylist(), data, strict=True):
        theirs = row(judged("kinds.Nested", each), table._tree.root)
        assert ours["tail"].encode() == theirs["tail"]
        assert [leaf["number"] for leaf in ours["many"]] == [
            leaf["number"] for leaf in theirs["many"]
        ]


def test_importing_loads_nothing_heavy() -> None:
    code = (
        "import sys; from jitvm import wire; print([each for each in ('numpy', 'pyarrow', "
        "'llvmlite', 'google', 'polars', 'inspect', 'dataclasses') if each in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.split() == [b"[]"]


def test_a_condition_with_a_number_that_nothing_holds() -> None:
    with pytest.raises(wire.WhereError, match="larger than any number"):
        wire.reader(LEAF, where=f"number < 1{400 * '0'}")
