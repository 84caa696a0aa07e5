"""Messages and records to columns, in bulk: tables for Arrow, pandas, polars and NumPy.

    from jitvm import wire

    reader = wire.reader(telemetry_pb2.Span, fields=["ts", "attrs.key"], where="status == 2")
    table = reader.read(messages)                 a list of bytes, a buffer, an Arrow array
    table.to_pandas()                             or to_arrow, to_polars; or hand it to any of them
    table["ts"].to_numpy()
    for table in reader.stream("events.pb.zst"):  batch by batch, in constant memory
        ...

The page docs/wire.md tells it from the start; Avro is `wire.avro`, docs/avro.md.
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
from jitvm.guests.wire.table import Batch, Column, RowError, Table

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from jitvm.guests.wire.avro import face as avro
    from jitvm.guests.wire.encode.encoded import Encoded
    from jitvm.guests.wire.encode.errors import EncodeError, Refusal
    from jitvm.guests.wire.encode.writing import Writer
    from jitvm.guests.wire.layout.reading import Layout
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
    "Reader",
    "Refusal",
    "RowError",
    "SchemaError",
    "StreamError",
    "Table",
    "TableError",
    "WhereError",
    "Writer",
    "avro",
    "explain",
    "layout",
    "messages",
    "reader",
    "trim",
    "writer",
]

if not TYPE_CHECKING:  # to a type checker it would say that any name exists
    _LATER = {
        "EncodeError": "encode.errors", "Refusal": "encode.errors", "Encoded": "encode.encoded",
        "Writer": "encode.writing", "Layout": "layout.reading",
    }  # fmt: skip

    def __getattr__(name: str) -> object:
        """Import what only those need who write, or read another format."""
        from importlib import import_module

        if name == "avro":
            return import_module("jitvm.guests.wire.avro.face")
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
    errors: str = "raise",
) -> Layout:
    """A layout of records that no schema language describes; it reads and writes them.

    Args:
        definition: a format string of `struct`; a structured dtype of NumPy; a structure of ctypes;
            or a declaration, a list of pairs of names and kinds: see the page docs/layout.md.
        names: of the values of a format string, in order.
        order: ``"<"`` or ``">"``, the byte order of a declaration, where a kind says no other.
        fields: names of the parts to read; None for all.
        errors: what becomes of records that cannot be decoded: ``"raise"``, ``"skip"``, ``"null"``.

    Raises:
        SchemaError: it is none of these.
        ColumnError: `fields` names what is not there.
    """
    from jitvm.guests.wire.layout.parts import parts_of
    from jitvm.guests.wire.layout.reading import Layout

    return Layout(parts_of(definition, names, order), fields=fields, errors=errors)


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
    reader: Reader | avro.AvroReader,
    address: int | str | None = None,
    *,
    stages: Iterable[str] = ("guest", "exits"),
) -> LabelledExplanation:
    """What the JIT made of the program that reads messages: which fields in which order, and what
    left that order how often; print what this gives, or its `list_text`.

    Args:
        reader: one that has read some.
        address: a field's path, or another label of `Reader.listing`; None for the hottest region.
        stages: some of ``guest``, ``exits``, ``ir``, ``llvm``, ``asm``.

    Raises:
        ValueError: nothing was read natively yet, or not enough; or there is no such label.
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
