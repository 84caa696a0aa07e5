"""Output to descriptors: all of it, in order, without waiting where that is not wanted."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, cast

import pytest

from jitvm.engine.machine.machine import Machine
from jitvm.platform.input import CHUNK, PIPE, open_source
from jitvm.platform.output import Output, OutputError

DATA = bytes(range(256)) * 3000
"""More than any pipe holds here."""


class Ring:
    """What `Output` needs of a machine: all of its output is there."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def collect(self, *ports: int) -> None:
        assert ports == (1,)

    def on_output_full(self, flush: Callable[[], None]) -> None:
        del flush

    def take_written(self) -> tuple[bytes, bytes]:
        data, self._data = self._data, b""
        return data, b"\1" * len(data)


def output(data: bytes, stream: IO[bytes]) -> Output:
    return Output(cast("Machine", Ring(data)), (1, None), stream, None)


@pytest.fixture
def pipe() -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    reader, writer = map(os.fdopen, os.pipe(), ("rb", "wb"), (0, 0))
    with reader, writer:
        yield reader, writer


@pytest.fixture(params=["as it can", "never refuses", "no pwritev"])
def refuses(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether what is written to can be asked to take only what it has room for."""

    def never(*_: object) -> int:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    if request.param == "never refuses":
        monkeypatch.setattr(os, "pwritev", never)
    elif request.param == "no pwritev":
        monkeypatch.delattr(os, "pwritev")


@pytest.mark.usefixtures("refuses")
def test_a_slow_reader_gets_everything_in_order(pipe: tuple[IO[bytes], IO[bytes]]) -> None:
    reader, writer = pipe
    read: list[bytes] = []
    thread = threading.Thread(target=lambda: read.append(read_all(reader)))
    thread.start()
    output(DATA, writer).flush()
    writer.close()
    thread.join()
    assert read == [DATA]


@pytest.mark.usefixtures("refuses")
def test_nobody_waits_for_a_reader_unless_asked_to(pipe: tuple[IO[bytes], IO[bytes]]) -> None:
    reader, writer = pipe
    some = output(DATA, writer)
    some.trickle()
    first = os.read(reader.fileno(), len(DATA))
    assert 0 < len(first) < len(DATA)
    waited = []

    def take() -> None:
        waited.append(os.read(reader.fileno(), len(DATA)))

    some.trickle()
    some.while_waiting = take
    some.flush()
    os.set_blocking(reader.fileno(), False)
    rest = os.read(reader.fileno(), len(DATA))
    assert b"".join([first, *waited, rest]) == DATA


@pytest.mark.usefixtures("refuses")
def test_nobody_reads_any_more(pipe: tuple[IO[bytes], IO[bytes]]) -> None:
    reader, writer = pipe
    reader.close()
    some = output(DATA, writer)
    with pytest.raises(OutputError, match="cannot write standard output") as caught:
        some.flush()
    assert caught.value.errno == errno.EPIPE
    some.flush()  # it is told once


def test_few_calls_are_made(pipe: tuple[IO[bytes], IO[bytes]], tmp_path: Path) -> None:
    """Each lets go of the interpreter lock, which the JIT's thread keeps for a while."""
    calls = counted("write", "pwritev")
    with (tmp_path / "out").open("wb") as file:
        with calls as made:
            output(DATA, file).flush()
        assert made == ["write"]
    assert (tmp_path / "out").read_bytes() == DATA
    with calls as made:
        output(DATA[:PIPE], pipe[1]).flush()
    assert made[0] == "pwritev"
    assert made.count("pwritev") == 1  # where that is not known of pipes, it is asked once


class counted:
    """Functions of `os` that are called meanwhile."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def __enter__(self) -> list[str]:
        made: list[str] = []
        self._patch = pytest.MonkeyPatch()

        def counting(name: str, really: Callable[..., Any]) -> Callable[..., Any]:
            def call(*arguments: object) -> Any:
                made.append(name)
                return really(*arguments)

            return call

        for name in self._names:
            self._patch.setattr(os, name, counting(name, getattr(os, name)))
        return made

    def __exit__(self, *_: object) -> None:
        self._patch.undo()


class Endless:
    """A watch without an end."""

    def remaining(self) -> None:
        return None


def test_input_that_is_much_comes_in_large_pieces(pipe: tuple[IO[bytes], IO[bytes]]) -> None:
    reader, writer = pipe
    thread = threading.Thread(target=write_all, args=(writer, DATA))
    thread.start()
    source, pieces = open_source(reader), []
    while piece := source.read(cast("Any", Endless()), lambda: None):
        pieces.append(piece)
        assert len(piece) <= CHUNK
    thread.join()
    assert b"".join(pieces) == DATA


def test_a_file_is_read_as_a_pipe_is(tmp_path: Path) -> None:
    file = tmp_path / "in"
    file.write_bytes(DATA)
    with file.open("rb") as stream:
        source, pieces = open_source(stream), []
        while piece := source.read(cast("Any", Endless()), lambda: None):
            pieces.append(piece)
    assert b"".join(pieces) == DATA
    assert [len(piece) for piece in pieces] == [CHUNK] * (len(DATA) // CHUNK) + [len(DATA) % CHUNK]


def read_all(reader: IO[bytes]) -> bytes:
    return b"".join(iter(lambda: os.read(reader.fileno(), 1000), b""))


def write_all(writer: IO[bytes], data: bytes) -> None:
    while data:
        data = data[os.write(writer.fileno(), data) :]
    writer.close()
