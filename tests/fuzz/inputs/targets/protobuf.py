"""What `jitvm.wire` reads: schemas, conditions, messages and streams of them."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

from jitvm import wire
from jitvm.guests.wire.faults import ERRORS, SchemaError
from jitvm.guests.wire.schema import Message
from tests.fuzz.inputs.targets.target import Target, text_of
from tests.wire.schemas import FILES, described, generated, message

_TYPE = "kinds.Nested"
_READERS = tuple(
    {"errors": errors, "unknown": unknown} for errors in ERRORS for unknown in (False, True)
)
_WORDS = (
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\xff" * 11, b"\x80\x00", b"\x00", b"\x0b",
    b"\x0c", b"\x0e", b"\x0a\x00", b"\x0a\x02\x0a\x00", b"\x0a\xff\xff\xff\xff\x07", b"\xff\xfe",
)  # fmt: skip


def _descriptors() -> tuple[bytes, ...]:
    return tuple(described(name) for name in FILES)


def _schema(data: bytes, folder: Path) -> None:
    path = folder / "schema.desc"
    path.write_bytes(data)
    for name in wire.messages(path):
        made = wire.reader(data, name)
        assert len(made.read([b""])) == 1


@cache
def _reader(where: str | None = None, **options: object) -> wire.Reader:
    return wire.reader(described("kinds"), _TYPE, where=where, **options)  # type: ignore[arg-type]


def _seeds() -> tuple[bytes, ...]:
    """Messages of the type, from empty to one with everything in it."""
    made = generated(_TYPE)()
    found = [b""]
    _fill(made, message(_TYPE), 2)
    found.append(made.SerializeToString())
    return (*found, found[1] + found[1])


def _fill(made: object, type_: Message, depth: int) -> None:
    """Set every field to something."""
    for each in type_.fields:
        value = getattr(made, each.name, None)
        if value is None or each.is_map:
            continue
        if each.message is not None:
            inner = value.add() if each.is_repeated else value
            if depth:
                _fill(inner, each.message, depth - 1)
        elif each.is_repeated:
            value.append(_value(value))
        else:
            setattr(made, each.name, _value(value))


def _value(like: object) -> object:
    if isinstance(like, str):
        return "text \N{GREEK SMALL LETTER ALPHA}"
    return b"\x00\xff" if isinstance(like, bytes) else 1


def _messages(data: bytes, _: Path) -> None:
    """A message that is cut anywhere is two of them."""
    given = [data, data[: len(data) // 2], data[len(data) // 2 :]]
    for options in _READERS:
        try:
            table = _reader(**options).read(given)
        except wire.DecodeError:
            assert options["errors"] == "raise"
            continue
        assert len(table) + (len(table.errors) if options["errors"] == "skip" else 0) == len(given)
        table.to_arrow().validate(full=True)


def _stream(data: bytes, folder: Path) -> None:
    path = folder / ("stream.pb.gz" if data[:2] == b"\x1f\x8b" else "stream.pb")
    path.write_bytes(data)
    for table in _reader(errors="skip").stream(path, rows=7):
        table.to_arrow().validate(full=True)


def _streams() -> tuple[bytes, ...]:
    framed = b"".join(bytes([len(each)]) + each for each in _seeds() if len(each) < 128)
    return framed, gzip.compress(framed * 20, mtime=0)


def _where(data: bytes, _: Path) -> None:
    wire.reader(described("kinds"), "kinds.Scalars", where=text_of(data)).read([b""])


PROTOBUF = {
    "schema": Target(
        _descriptors, _schema, (SchemaError, wire.ColumnError), ("schema.desc",), longest=1 << 14,
        reserves=True,
    ),
    "messages": Target(_seeds, _messages, words=_WORDS, longest=1 << 14, reserves=True),
    "stream": Target(
        _streams, _stream, (wire.StreamError, wire.DecodeError), ("stream.pb", "stream.pb.gz"),
        words=_WORDS, longest=1 << 14, reserves=True,
    ),
    "where": Target(
        lambda: (b"i32 == 1 and not (f64 >= -1.5 or flag == 1)", b"u64 > 0x10 or z32 != 3"),
        _where, (wire.WhereError,),
        words=(b"and ", b"or ", b"not ", b"(", b")", b"==", b"<", b"1e999", b"-", b"nan", b"'x'"),
        longest=1 << 10, reserves=True,
    ),
}  # fmt: skip
"""By name."""
