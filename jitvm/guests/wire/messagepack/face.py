"""What people import as `jitvm.wire.msgpack`: readers of MessagePack.

from jitvm.wire import msgpack

reader = msgpack.reader({"ts": "timestamp", "name": "string", "tags": ["string"]})
table = reader.read(values)                   a list of bytes, an Arrow array, a file of values
"""

from __future__ import annotations

from jitvm.guests.wire.faults import SchemaError
from jitvm.guests.wire.messagepack.reading import MessagePackReader
from jitvm.guests.wire.messagepack.types import SUFFIX

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = ["MessagePackReader", "reader"]


def reader(
    schema: Any,
    *,
    fields: Sequence[str] | None = None,
    where: str | None = None,
    errors: str = "raise",
) -> MessagePackReader:
    """A reader of values of one type; it may be kept, pickled, and used on several threads.

    Args:
        schema: what values are: see the page docs/messagepack.md. As Python's objects, as JSON, or
            the path of a file of such that ends in ``.json``.
        fields: paths of the columns to make, as ``["at.x"]``; None for all. What is not asked for
            is passed over without being looked into.
        where: a condition on fields outside of lists, as ``"id > 5 and at.x is not None"``: only
            rows for which it is true are kept.
        errors: what becomes of values that cannot be decoded: ``"raise"``; ``"skip"``, which leaves
            them out; ``"null"``, which has a row of nulls for each. What was left out or is null is
            in `Table.errors`.

    Raises:
        SchemaError: it is no declaration.
        ColumnError: `fields` names what is not there, or there are too many columns.
        WhereError: the condition cannot be tested.
    """
    return MessagePackReader(schema, fields=fields, where=where, errors=errors)


# -- for the command line ------------------------------------------------------------------------


def of_file(path: str, schema: str | None, **options: Any) -> MessagePackReader:
    """What reads a file of values.

    Raises:
        SchemaError: no schema is named.
    """
    if schema is None:
        raise SchemaError(
            f"{path}: say what its values are with --schema, the path of a .json file: "
            '{"ts": "timestamp", "name": "string"}'
        )
    return MessagePackReader(schema, **options)


def of_schema(path: str) -> MessagePackReader:
    """What reads values of a schema.

    Raises:
        SchemaError: it is a file of values, which do not tell it.
    """
    if not path.endswith(SUFFIX):
        raise SchemaError(f"{path}: values do not tell their schema; give the .json file of it")
    return MessagePackReader(path)
