"""What reads messages: jitvm, and what people use now.

    upb          Protobuf's own package: each message parsed, nothing read from it
    upb-read     the same, all fields read into lists of Python
    ptars        Rust, from a list of bytes, from an Arrow array, from a file
    list, array, file
                 jitvm, from the same; the call as people make it, Arrow's arrays exported
    fresh        as `array`, in memory that is fresh from the system and given back in the same time
    halves, threads
                 jitvm, two Arrow arrays of half the messages each, one after the other, and on two
                 threads
    decode       jitvm, decoding alone: bytes and offsets to columns that are there already
    interpreter  the same without the JIT
    c, c-switch  the same in C by hand, for some types: in the order that is expected, or switched
                 on the tag; `decode` checks that strings are UTF-8, and so do these
    c-halves, c-threads
                 the twin of two halves, one after the other, and on two threads: what the processor
                 has to give

Each is made ready for some messages, and then reads all of them when it is called.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa

from bench.wire.ctwin import NoTwin, Twin
from jitvm import wire
from jitvm.engine.machine.machine import Tier
from jitvm.guests.wire.buffers import layout
from jitvm.guests.wire.decoder import Decoder
from jitvm.guests.wire.feed import Feed
from jitvm.guests.wire.messages import taken
from jitvm.guests.wire.pool import POOL
from jitvm.guests.wire.protobuf.columns import tree
from jitvm.guests.wire.protobuf.sources import message_of
from jitvm.guests.wire.writer import ProgramError

Run = Callable[[], object]


class Unsuitable(Exception):
    """A runner that cannot read these messages, and why."""


def upb(cls: Any, messages: list[bytes], _: Path) -> Run:
    """Parse each message."""

    def run() -> None:
        parse = cls.FromString
        for each in messages:
            parse(each)

    return run


def upb_read(cls: Any, messages: list[bytes], _: Path) -> Run:
    """Parse each message and read all its fields, into a list a field."""
    plan = _plan(cls.DESCRIPTOR, {})

    def run() -> dict[str, list[Any]]:
        parse = cls.FromString
        columns: dict[str, list[Any]] = {}
        for each in messages:
            _read(parse(each), plan, columns)
        return columns

    return run


def _plan(descriptor: Any, known: dict[str, Any]) -> list[Any]:
    """Name, form and plan of the message of each field."""
    if descriptor.full_name in known:
        plan: list[Any] = known[descriptor.full_name]
        return plan
    plan = known[descriptor.full_name] = []
    for field in descriptor.fields:
        message = field.message_type
        if message is not None and message.GetOptions().map_entry:
            value = message.fields_by_name["value"].message_type
            plan.append((field.name, "map", None if value is None else _plan(value, known)))
        elif field.is_repeated:
            plan.append((field.name, "list", None if message is None else _plan(message, known)))
        elif message is not None:
            plan.append((field.name, "message", _plan(message, known)))
        else:
            plan.append((field.name, "has" if field.has_presence else "", None))
    return plan


def _read(message: Any, plan: list[Any], columns: dict[str, list[Any]], path: str = "") -> None:
    for name, form, inner in plan:
        column = path + name
        if form == "has":
            value = getattr(message, name) if message.HasField(name) else None
        elif form == "message":
            if message.HasField(name):
                _read(getattr(message, name), inner, columns, f"{column}.")
            continue
        elif form == "list":
            value = getattr(message, name)
            if inner is not None:
                for each in value:
                    _read(each, inner, columns, f"{column}.")
                value = len(value)
            else:
                value = list(value)
        elif form == "map":
            value = list(getattr(message, name))
            if inner is not None:
                for each in getattr(message, name).values():
                    _read(each, inner, columns, f"{column}.")
        else:
            value = getattr(message, name)
        columns.setdefault(column, []).append(value)


def _ptars(cls: Any) -> Any:
    try:
        import ptars
    except ModuleNotFoundError:
        raise Unsuitable("ptars is not installed") from None
    pool = ptars.HandlerPool([cls.DESCRIPTOR.file])
    return pool.get_for_message(cls.DESCRIPTOR)


def ptars_list(cls: Any, messages: list[bytes], _: Path) -> Run:
    """From a list of bytes."""
    handler = _ptars(cls)
    return lambda: handler.list_to_record_batch(messages)


def ptars_array(cls: Any, messages: list[bytes], _: Path) -> Run:
    """From an Arrow array."""
    handler = _ptars(cls)
    array = pa.array(messages, pa.binary())
    return lambda: handler.array_to_record_batch(array)


def ptars_file(cls: Any, messages: list[bytes], folder: Path) -> Run:
    """From a file of messages behind their lengths."""
    handler = _ptars(cls)
    path = _written(messages, folder)
    return lambda: handler.read_size_delimited_file(str(path))


def from_list(cls: Any, messages: list[bytes], _: Path) -> Run:
    """jitvm, from a list of bytes to an Arrow table."""
    reader = wire.reader(cls)
    return lambda: reader.read(messages).to_arrow()


def from_array(cls: Any, messages: list[bytes], _: Path) -> Run:
    """jitvm, from an Arrow array to an Arrow table."""
    reader = wire.reader(cls)
    array = pa.array(messages, pa.binary())
    return lambda: reader.read(array).to_arrow()


def fresh(cls: Any, messages: list[bytes], _: Path) -> Run:
    """jitvm, from an Arrow array, in memory that is fresh from the system each time."""
    run = from_array(cls, messages, _)

    def run_afresh() -> None:
        others, POOL._free = POOL._free, deque()  # which other runners have warmed
        try:
            run()
            POOL.trim()
        finally:
            POOL._free = others

    return run_afresh


def from_file(cls: Any, messages: list[bytes], folder: Path) -> Run:
    """jitvm, from a file to Arrow tables, one after the other."""
    reader = wire.reader(cls)
    path = _written(messages, folder)
    return lambda: [len(table.to_arrow()) for table in reader.stream(path)]


def halves(cls: Any, messages: list[bytes], _: Path) -> Run:
    """jitvm, two Arrow arrays, one after the other."""
    return _in_halves(cls, messages, map)


def threads(cls: Any, messages: list[bytes], _: Path) -> Run:
    """The same, on two threads."""
    return _in_halves(cls, messages, ThreadPoolExecutor(2).map)


def _in_halves(cls: Any, messages: list[bytes], map: Callable[..., Any]) -> Run:
    reader = wire.reader(cls)
    middle = len(messages) // 2
    arrays = [pa.array(half, pa.binary()) for half in (messages[:middle], messages[middle:])]

    def read(array: Any) -> int:
        return len(reader.read(array).to_arrow())

    return lambda: list(map(read, arrays))


def decode(cls: Any, messages: list[bytes], _: Path) -> Run:
    """jitvm, decoding alone."""
    return _decoding(cls, messages, Tier.JIT)


def interpreter(cls: Any, messages: list[bytes], _: Path) -> Run:
    """The same, without the JIT."""
    return _decoding(cls, messages, Tier.INTERPRETER)


def c(cls: Any, messages: list[bytes], folder: Path) -> Run:
    """By hand in C, in the order that is expected."""
    return _twin(cls.DESCRIPTOR.name.lower(), cls, messages, folder)


def c_switch(cls: Any, messages: list[bytes], folder: Path) -> Run:
    """By hand in C, switched on the tag."""
    return _twin(f"{cls.DESCRIPTOR.name.lower()}_switched", cls, messages, folder)


def c_halves(cls: Any, messages: list[bytes], folder: Path) -> Run:
    """By hand in C, two halves, one after the other."""
    return _halves_in_c(cls, messages, folder, map)


def c_threads(cls: Any, messages: list[bytes], folder: Path) -> Run:
    """The same on two threads."""
    return _halves_in_c(cls, messages, folder, ThreadPoolExecutor(2).map)


def _halves_in_c(cls: Any, messages: list[bytes], folder: Path, map: Callable[..., Any]) -> Run:
    middle, twins = len(messages) // 2, []
    for name, half in (("first", messages[:middle]), ("second", messages[middle:])):
        place = folder / name
        place.mkdir()
        try:
            twins.append(c(cls, half, place))
        except Unsuitable:
            twins.append(c_switch(cls, half, place))
    return lambda: list(map(lambda twin: twin(), twins))


def _twin(name: str, cls: Any, messages: list[bytes], folder: Path) -> Run:
    try:
        return Twin(name, cls, messages, folder)
    except NoTwin as why:
        raise Unsuitable(str(why)) from None


def _decoding(cls: Any, messages: list[bytes], tier: Tier) -> Run:
    columns = tree(message_of(cls))
    (piece,) = taken(messages, feed=Feed(len(messages), sum(map(len, messages))))
    placed = layout(columns, len(messages), len(piece.data))
    try:
        decoder = Decoder(columns, placed, tier=tier)
    except ProgramError as error:
        raise Unsuitable(str(error)) from None
    out = POOL.take(placed.size)

    def run() -> None:
        place = 0
        while place < len(messages):
            batch = decoder.decode(piece.data, piece.offsets, place, len(messages), out)
            if batch.mistakes:
                raise RuntimeError(f"mistakes: {batch.mistakes}")
            place = batch.next

    return run


def upb_encode(cls: Any, messages: list[bytes], _: Path) -> Run:
    """Serialize messages of which all fields are set."""
    made = [cls.FromString(each) for each in messages]
    return lambda: [each.SerializeToString() for each in made]


def ptars_encode(cls: Any, messages: list[bytes], _: Path) -> Run:
    """From an Arrow record batch to an Arrow array of messages."""
    handler = _ptars(cls)
    batch = handler.list_to_record_batch(messages)
    return lambda: handler.record_batch_to_array(batch)


def encode(cls: Any, messages: list[bytes], _: Path) -> Run:
    """jitvm, from an Arrow table to an Arrow array of messages."""
    table, writer = _table(cls, messages), wire.writer(cls)
    return lambda: writer.write(table).to_arrow()


def encode_list(cls: Any, messages: list[bytes], _: Path) -> Run:
    """The same to a list of bytes."""
    table, writer = _table(cls, messages), wire.writer(cls)
    return lambda: writer.write(table).to_list()


def encode_file(cls: Any, messages: list[bytes], folder: Path) -> Run:
    """The same to a file of messages behind their lengths."""
    table, writer = _table(cls, messages), wire.writer(cls)
    return lambda: writer.save(table, folder / "events.pb")


def dropped(cls: Any) -> list[str]:
    """What is dropped where messages are projected: every third field, by the order of numbers."""
    numbers = sorted(field.number for field in cls.DESCRIPTOR.fields)
    return [cls.DESCRIPTOR.fields_by_number[number].name for number in numbers[1::3]]


def upb_project(cls: Any, messages: list[bytes], _: Path) -> Run:
    """Parse each message, clear fields, and serialize it."""
    names = dropped(cls)

    def run() -> list[bytes]:
        found = []
        for each in messages:
            made = cls.FromString(each)
            for name in names:
                made.ClearField(name)
            found.append(made.SerializeToString())
        return found

    return run


def project(cls: Any, messages: list[bytes], _: Path) -> Run:
    """jitvm, from an Arrow array of messages to one of messages without some fields."""
    projector, array = wire.projector(cls, drop=dropped(cls)), pa.array(messages, pa.binary())
    some = messages[:100]
    expected: Any = upb_project(cls, some, _)()
    for ours, theirs in zip(projector.project(some), expected, strict=True):
        if cls.FromString(ours) != cls.FromString(theirs):
            raise RuntimeError("messages are projected otherwise than Protobuf does")
    return lambda: projector.project(array).to_arrow()


def project_list(cls: Any, messages: list[bytes], _: Path) -> Run:
    """The same from a list of bytes to one."""
    projector = wire.projector(cls, drop=dropped(cls))
    return lambda: projector.project(messages).to_list()


def _table(cls: Any, messages: list[bytes]) -> Any:
    """Columns of messages, which become the same messages again: by the number of their fields."""
    table = wire.reader(cls).read(messages).to_arrow().combine_chunks()
    some = messages[:100]
    again = wire.writer(cls).write(table.slice(0, len(some))).to_list()
    expected = [cls.FromString(each).SerializeToString() for each in some]
    parsed = [cls.FromString(each) for each in again]  # entries of maps are in any order
    if again != expected and parsed != [cls.FromString(each) for each in expected]:
        raise RuntimeError("messages are written otherwise than Protobuf does")
    return table


def _written(messages: list[bytes], folder: Path) -> Path:
    path = folder / "events.pb"
    path.write_bytes(framed(messages))
    return path


def framed(messages: list[bytes]) -> bytes:
    """Messages, each behind its length."""
    parts = []
    for each in messages:
        length = len(each)
        head = bytearray()
        while length > 0x7F:
            head.append(length & 0x7F | 0x80)
            length >>= 7
        parts += [bytes((*head, length)), each]
    return b"".join(parts)


RUNNERS: dict[str, Callable[[Any, list[bytes], Path], Run]] = {
    "upb": upb, "upb-read": upb_read, "ptars-list": ptars_list, "ptars-array": ptars_array,
    "ptars-file": ptars_file, "list": from_list, "array": from_array, "file": from_file,
    "fresh": fresh, "halves": halves, "threads": threads, "decode": decode,
    "interpreter": interpreter, "c": c, "c-switch": c_switch,
    "c-halves": c_halves, "c-threads": c_threads,
}  # fmt: skip
"""What reads messages, by name."""
WRITERS: dict[str, Callable[[Any, list[bytes], Path], Run]] = {
    "upb-encode": upb_encode, "ptars-encode": ptars_encode, "encode": encode,
    "encode-list": encode_list, "encode-file": encode_file,
}  # fmt: skip
"""What writes them."""
PROJECTORS: dict[str, Callable[[Any, list[bytes], Path], Run]] = {
    "upb-project": upb_project, "project": project, "project-list": project_list,
}  # fmt: skip
"""What makes messages of messages."""
ALL = {**RUNNERS, **WRITERS, **PROJECTORS}
