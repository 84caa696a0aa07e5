"""Messages and records to columns, in bulk: tables for Arrow, pandas, polars and NumPy.

    from jitvm import wire

    reader = wire.reader(telemetry_pb2.Span, fields=["ts", "attrs.key"], where="status == 2")
    table = reader.read(messages)                 a list of bytes, a buffer, an Arrow array
    table.to_pandas()                             or to_arrow, to_polars; or hand it to any of them
    table["ts"].to_numpy()
    for table in reader.stream("events.pb.zst"):  batch by batch, in constant memory
        ...

The page docs/wire.md tells it from the start. Other formats are `wire.avro`, `wire.der`,
`wire.msgpack`, each with a page of its own.
"""

from __future__ import annotations

from jitvm.guests.wire.columns import ColumnError
from jitvm.guests.wire.faults import (
    Fault,
    MessagesError,
    Misfit,
    SchemaError,
    StreamError,
    TableError,
    WhereError,
)
from jitvm.guests.wire.pool import POOL, PoolError
from jitvm.guests.wire.reading import FEEDS, DecodeError, Progress, Reader
from jitvm.guests.wire.registry import FORMATS, format_of
from jitvm.guests.wire.table import Batch, Column, RowError, Table

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence
    from typing import Any

    from jitvm.guests.wire.avro import face as avro
    from jitvm.guests.wire.der import face as der
    from jitvm.guests.wire.encode.encoded import Encoded
    from jitvm.guests.wire.encode.errors import EncodeError, Refusal
    from jitvm.guests.wire.encode.writing import Writer
    from jitvm.guests.wire.layout.reading import Layout
    from jitvm.guests.wire.messagepack import face as msgpack
    from jitvm.guests.wire.project.projecting import Projected, Projector
    from jitvm.guests.wire.records.reader import RecordReader
    from jitvm.profiling.labelled import LabelledExplanation

__all__ = [
    "Batch",
    "Column",
    "ColumnError",
    "DecodeError",
    "EncodeError",
    "Encoded",
    "Fault",
    "Layout",
    "MessagesError",
    "Misfit",
    "PoolError",
    "Progress",
    "Projected",
    "Projector",
    "Reader",
    "RecordReader",
    "Refusal",
    "RowError",
    "SchemaError",
    "StreamError",
    "Table",
    "TableError",
    "WhereError",
    "Writer",
    "avro",
    "der",
    "digest",
    "explain",
    "format_of",
    "layout",
    "messages",
    "msgpack",
    "project",
    "projector",
    "reader",
    "same",
    "trim",
    "writer",
]

if not TYPE_CHECKING:  # to a type checker it would say that any name exists
    _LATER = {
        "EncodeError": "encode.errors", "Refusal": "encode.errors", "Encoded": "encode.encoded",
        "Writer": "encode.writing", "Layout": "layout.reading",
        "RecordReader": "records.reader",
        "Projected": "project.projecting", "Projector": "project.projecting",
    }  # fmt: skip

    def __getattr__(name: str) -> object:
        """Import what only those need who write, project, or read another format."""
        from importlib import import_module

        if name in FORMATS:
            return FORMATS[name].face
        if (module := _LATER.get(name)) is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"jitvm.guests.wire.{module}"), name)


def reader(
    schema: object,
    message: str | None = None,
    *,
    fields: Sequence[str] | None = None,
    where: str | None = None,
    errors: str = "raise",
    include: Sequence[str | os.PathLike[str]] = (),
    extensions: bool = False,
    depth: int | None = None,
    wrappers: bool = True,
    utf8: bool = True,
    unknown: bool = False,
    large_offsets: bool = False,
    names: bool = False,
    times: bool = False,
) -> Reader:
    """A reader of messages of one type; it may be kept, pickled, and used on several threads.

    Args:
        schema: what describes the messages: a generated class, a descriptor, a
            ``FileDescriptorSet`` (object, bytes, or the path of a file), or the path of a
            ``.proto`` file, which needs the extra `wire`.
        message: the type's name, where the schema has more than one; a path may end in ``:Name``.
        fields: paths of the columns to make, as ``["ts", "attrs.key"]``; None for all. What is not
            asked for is skipped without being decoded.
        where: a condition on fields outside of lists, as ``"status == 2 and ts >= 1700000000"``:
            only rows for which it is true are kept.
        errors: what becomes of messages that cannot be decoded: ``"raise"``; ``"skip"``, which
            leaves them out; ``"null"``, which has a row of nulls for each. What was left out or is
            null is in `Table.errors`.
        include: folders in which imports of a ``.proto`` file are looked for.
        extensions: whether extensions that the schema knows have columns, named ``[full.name]``.
        depth: how often a type may be nested in itself; deeper messages stay bytes. 1 to 100; None
            for 3, or less where the columns would be too many.
        wrappers: whether ``google.protobuf.Int64Value`` and the like become plain values that may
            be null.
        utf8: whether strings are checked and become Arrow's strings; else they are bytes.
        unknown: whether fields that the schema does not know are kept, in columns ``_unknown``.
        large_offsets: whether offsets have 64 bits.
        names: whether enums become their names (a dictionary) instead of numbers; numbers without
            a name become their digits.
        times: whether ``google.protobuf.Timestamp`` and ``Duration`` become timestamps and
            durations in nanoseconds instead of structs.

    Raises:
        SchemaError: the schema cannot be had.
        ColumnError: `fields` names what is not there, or there are too many columns.
        WhereError: the condition cannot be tested.
    """
    from jitvm.guests.wire.protobuf.sources import message_of

    return Reader(
        message_of(schema, message, include=include, extensions=extensions),
        fields=fields, where=where, errors=errors, depth=depth, wrappers=wrappers, utf8=utf8,
        unknown=unknown, large_offsets=large_offsets, names=names, times=times,
    )  # fmt: skip


def writer(
    schema: object,
    message: str | None = None,
    *,
    fields: Sequence[str] | None = None,
    include: Sequence[str | os.PathLike[str]] = (),
    extensions: bool = False,
    depth: int | None = None,
    wrappers: bool = True,
    unknown: bool = False,
) -> Writer:
    """A writer of messages of one type; it may be kept, pickled, and used on several threads.

    It takes the columns that a `reader` of the same type makes: one for each field, of its name.

    Args:
        schema, message, include: as for `reader`.
        fields: paths of the columns there are, as ``["ts", "attrs.key"]``; None for all. Others
            stay absent.
        extensions: whether extensions that the schema knows have columns, named ``[full.name]``.
        depth: how often a type may be nested in itself; deeper messages are bytes. As for `reader`.
        wrappers: whether ``google.protobuf.Int64Value`` and the like are plain values that may be
            null; else they are structs.
        unknown: whether there are columns ``_unknown`` of fields that the schema does not know.

    Raises:
        SchemaError: the schema cannot be had.
        ColumnError: `fields` names what is not there, or leaves out what is required; or there are
            too many columns.
    """
    from jitvm.guests.wire.encode.writing import Writer
    from jitvm.guests.wire.protobuf.sources import message_of

    return Writer(
        message_of(schema, message, include=include, extensions=extensions),
        fields=fields, depth=depth, wrappers=wrappers, unknown=unknown,
    )  # fmt: skip


def layout(
    definition: object,
    names: Sequence[str] | None = None,
    *,
    order: str = "<",
    fields: Sequence[str] | None = None,
    where: str | None = None,
    errors: str = "raise",
) -> Layout:
    """A layout of records that no schema language describes; it reads and writes them.

    Args:
        definition: a format string of `struct`; a structured dtype of NumPy; a structure of ctypes;
            or a declaration, a list of pairs of names and kinds: see the page docs/layout.md.
        names: of the values of a format string, in order.
        order: ``"<"`` or ``">"``, the byte order of a declaration, where a kind says no other.
        fields: paths of the columns to make, as ``["time", "points.x"]``; None for all.
        where: a condition on parts outside of lists, as ``"kind == 3 and at.x > 0.5"``: only rows
            for which it is true are kept.
        errors: what becomes of records that cannot be decoded: ``"raise"``, ``"skip"``, ``"null"``.

    Raises:
        SchemaError: it is none of these.
        ColumnError: `fields` names what is not there.
        WhereError: the condition cannot be tested.
    """
    from jitvm.guests.wire.layout.parts import parts_of
    from jitvm.guests.wire.layout.reading import Layout

    parts = parts_of(definition, names, order)
    return Layout(parts, fields=fields, where=where, errors=errors)


def projector(
    schema: object,
    message: str | None = None,
    *,
    keep: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    where: str | None = None,
    errors: str = "raise",
    unknown: bool | None = None,
    canonical: bool = False,
    include: Sequence[str | os.PathLike[str]] = (),
    extensions: bool = False,
) -> Projector:
    """What makes messages of messages of one type, of which some fields are kept; it may be kept,
    pickled, and used on several threads.

    What is kept keeps its order and its bytes; what is kept or dropped as a whole is not looked
    into. A message that a path leads into is there behind as before, if only empty.

    Args:
        schema, message, include: as for `reader`.
        keep: paths of what is kept, as ``["ts", "attrs.key"]``; None for all. One of a oneof stands
            for all its members.
        drop: paths of what is dropped of that; a field is dropped by its number, whatever its wire
            type is.
        where: as for `reader`: only messages for which it is true are kept. It may ask for what is
            dropped.
        errors: what becomes of messages that cannot be read: ``"raise"``; ``"skip"``, which leaves
            them out; ``"null"``, which has null for each. What was left out or is null is in
            `Projected.errors`.
        unknown: whether fields are kept that the schema does not know: True, in all messages that
            are gone through; False, nowhere, for which all of a message is gone through; None,
            where not only some fields are named by `keep`.
        canonical: whether messages are written in their canonical form: those that mean the same
            become the same bytes. All of them is looked into, and strings have to be UTF-8. It goes
            through columns, and takes as long as reading and writing.
        extensions: whether extensions that the schema knows are fields, named ``[full.name]``; else
            they are unknown.

    Raises:
        SchemaError: the schema cannot be had.
        ColumnError: a path names what is not there; a required field, or the key of a map, would be
            dropped.
        WhereError: the condition cannot be tested.
    """
    from jitvm.guests.wire.project.projecting import Projector
    from jitvm.guests.wire.protobuf.sources import message_of

    return Projector(
        message_of(schema, message, include=include, extensions=extensions),
        keep=keep, drop=drop, where=where, errors=errors, unknown=unknown, canonical=canonical,
    )  # fmt: skip


def project(
    messages: Any,
    schema: object,
    message: str | None = None,
    *,
    lengths: Any = None,
    framing: str | None = None,
    delimited: bool = False,
    **options: Any,
) -> Projected:
    """What is kept of some messages; who does so again and again keeps a `projector`.

    Args:
        messages, lengths, framing, delimited: see `Projector.project`.
        schema, message, options: see `projector`.

    Raises:
        DecodeError, MessagesError, TypeError, PoolError: as `Projector.project` does.
        SchemaError, ColumnError, WhereError: as `projector` does.
    """
    made = projector(schema, message, **options)
    return made.project(messages, lengths, framing=framing, delimited=delimited)


def same(
    a: bytes,
    b: bytes,
    schema: object,
    message: str | None = None,
    *,
    unknown: bool = True,
    **options: Any,
) -> bool:
    """Whether two messages mean the same: whatever the order of fields, packed or not, whole or in
    pieces, with or without what is a default.

    Floats are the same if their bits are: 0.0 is not -0.0, and a NaN is itself. Entries of maps are
    in no order.

    Args:
        a, b: messages.
        schema, message, options: see `reader`: `include`, `extensions`.
        unknown: whether fields count that the schema does not know: by number, those of one number
            in their order.

    Raises:
        DecodeError: one of them cannot be read.
        SchemaError: the schema cannot be had.
    """
    from jitvm.guests.wire.project.digest import are_same
    from jitvm.guests.wire.protobuf.sources import message_of

    return are_same(message_of(schema, message, **options), a, b, unknown)


def digest(
    messages: Any,
    schema: object,
    message: str | None = None,
    *,
    lengths: Any = None,
    framing: str | None = None,
    errors: str = "raise",
    unknown: bool = True,
    **options: Any,
) -> list[bytes | None]:
    """A digest of each message: the same for all that are the `same`, in every process and on every
    computer. It is BLAKE2b, of 16 bytes, of a message's canonical form.

    Args:
        messages, lengths, framing: as for `Reader.read`.
        schema, message, options: see `reader`: `include`, `extensions`.
        errors: as for `projector`.
        unknown: as for `same`.

    Raises:
        DecodeError: a message cannot be read, and `errors` is ``"raise"``.
        MessagesError, TypeError, PoolError: as `Reader.read` does.
        SchemaError: the schema cannot be had.
    """
    from jitvm.guests.wire.project.digest import digests
    from jitvm.guests.wire.protobuf.sources import message_of

    made = message_of(schema, message, **options)
    return digests(made, messages, lengths, framing, errors, unknown)


def messages(
    schema: str | os.PathLike[str], *, include: Sequence[str | os.PathLike[str]] = ()
) -> list[str]:
    """Full names of all messages of a schema, which is the path of a file.

    Raises:
        SchemaError: it cannot be had.
    """
    from jitvm.guests.wire.protobuf.sources import names_of

    return names_of(schema, include)


def explain(
    reader: Reader | Writer | Projector | RecordReader,
    address: int | str | None = None,
    *,
    stages: Iterable[str] = ("guest", "exits"),
) -> LabelledExplanation:
    """What the JIT made of the program that reads messages, or writes or projects them: which
    fields in which order, and what left that order how often; print what this gives, or its
    `list_text`.

    Args:
        reader: a reader, writer or projector that has done so with some.
        address: a field's path, or another label of `Reader.listing`; None for the hottest region.
        stages: some of ``guest``, ``exits``, ``ir``, ``llvm``, ``asm``.

    Raises:
        ValueError: nothing was done natively yet, or not enough; or there is no such label.
    """
    from jitvm.guests.wire.listing import ENDS
    from jitvm.profiling.labelled import LabelledExplanation

    machine, program = reader.explained()
    assert program.platform is not None
    made = LabelledExplanation(machine, program, program.platform, address, stages)
    made.unlisted = ENDS
    return made


def trim() -> None:
    """Give memory back to the system that was kept for later: for columns, and for messages that
    are put side by side."""
    POOL.trim()
    FEEDS.clear()
