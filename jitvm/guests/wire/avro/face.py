"""Avro to columns, and back: what `jitvm.wire.avro` is.

    from jitvm import wire

    table = wire.avro.reader().read("events.avro")            files have their schema
    reader = wire.avro.reader("event.avsc", fields=["ts"])    bare records of a schema
    reader.read(records)

The page docs/avro.md tells it from the start.
"""

from __future__ import annotations

from jitvm.guests.wire.avro.reading import AvroReader, schema_of
from jitvm.guests.wire.avro.schema import canonical as _canonical
from jitvm.guests.wire.avro.schema import fingerprint as _fingerprint
from jitvm.guests.wire.avro.schema import parsed

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from jitvm.guests.wire.avro.writing import AvroWriter

__all__ = ["AvroReader", "AvroWriter", "canonical", "fingerprint", "reader", "schema_of", "writer"]

if not TYPE_CHECKING:  # to a type checker it would say that any name exists

    def __getattr__(name: str) -> object:
        """Import what only those need who write."""
        if name != "AvroWriter":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from jitvm.guests.wire.avro.writing import AvroWriter

        return AvroWriter


def reader(
    schema: Any = None,
    *,
    reader_schema: Any = None,
    fields: Sequence[str] | None = None,
    where: str | None = None,
    errors: str = "raise",
    depth: int | None = None,
) -> AvroReader:
    """A reader of Avro's records; it may be kept, pickled, and used on several threads.

    Args:
        schema: by which bare records were written: JSON as text or as Python has it, or the path of
            an ``.avsc`` file. Container files have their own.
        reader_schema: by which records are to be read, if it is another: fields that it has not are
            left out, those that were not written get their defaults, numbers are promoted.
        fields: paths of the columns to make, as ``["ts", "attrs.key"]``; None for all. What is not
            asked for is passed over without being decoded.
        where: a condition on fields outside of lists, as ``"status == 'ERROR' and ts > 5"``.
        errors: what becomes of records that cannot be decoded: ``"raise"``; ``"skip"``, which
            leaves them out; ``"null"``, which has a row of nulls for each.
        depth: how often a record may be nested in itself; deeper ones stay bytes. 1 to 100; None
            for 3, or less where the columns would be too many.

    Raises:
        SchemaError: a schema is none, or records of one cannot be read by the other.
        ColumnError: `fields` names what is not there, or there are too many columns.
        WhereError: the condition cannot be tested.
    """
    return AvroReader(
        schema, reader_schema=reader_schema, fields=fields, where=where, errors=errors, depth=depth
    )


def writer(schema: Any) -> AvroWriter:
    """A writer of Avro's records; it may be kept, and pickled.

    It takes the columns that a `reader` of the same schema makes: one for each field, of its name.

    Args:
        schema: as for `reader`.

    Raises:
        SchemaError: it is none.
    """
    from jitvm.guests.wire.avro.writing import AvroWriter

    return AvroWriter(schema)


def canonical(schema: Any) -> str:
    """The text that equal schemas have in common: Avro's parsing canonical form.

    Raises:
        SchemaError: it is no schema.
    """
    return _canonical(parsed(schema))


def fingerprint(schema: Any) -> int:
    """The number of 64 bits that stands for a schema in front of single objects: CRC-64-AVRO.

    Raises:
        SchemaError: it is no schema.
    """
    return _fingerprint(parsed(schema))


# -- for the command line ------------------------------------------------------------------------


def of_file(path: str, schema: str | None, **options: Any) -> AvroReader:
    """What reads a container file, by another schema if one is named."""
    return AvroReader(schema_of(path), reader_schema=schema, **options)


def of_schema(path: str) -> AvroReader:
    """What reads records of a schema, or a container file, which has one."""
    return AvroReader(path if path.endswith(".avsc") else schema_of(path))
