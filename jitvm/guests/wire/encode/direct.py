"""Tables of ours as columns that are written: nothing has to be looked at again.

What a reader has put into a table fits the same fields: numbers have their width, strings were
checked, of a oneof one member is set, maps have each key once. So its columns are staged as they
lie, if they are made of the same fields in the same way.
"""

from __future__ import annotations

from jitvm.guests.wire.columns import Column, Shape
from jitvm.guests.wire.data import Data, none_is_there
from jitvm.guests.wire.table import Table

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator

    from jitvm.guests.wire.columns import Tree
    from jitvm.guests.wire.schema import Enum, Field


def columns_of(table: object, made: Tree) -> list[Data] | None:
    """The columns of a table for a tree; None where they have to be looked at."""
    if type(table) is not Table and not isinstance(table, Table):
        return None
    if not are_alike(made, table.tree):
        return None
    return [put(data, made.root) for data in table.parts()]


def are_alike(made: Tree, given: Tree) -> bool:
    """Whether what is in columns of one tree fits another as it is; found out once."""
    found: bool | None = made.made.get(given)
    if found is None:
        found = made.made[given] = _are_alike(made.root, given.root)
    return found


def _are_alike(made: Column, given: Column) -> bool:
    if (made.shape, made.is_raw, made.is_unknown) != (given.shape, given.is_raw, given.is_unknown):
        return False
    if (made.wrapper is None) is not (given.wrapper is None) or given.shown_as:
        return False
    if (made.is_utf8 and not given.is_utf8) or made.is_nullable is not given.is_nullable:
        return False
    if not _is_like(made.field, given.field):
        return False
    wanted, there = _shown(made), _shown(given)
    return wanted.keys() == there.keys() and all(
        _are_alike(wanted[name], there[name]) for name in wanted
    )


def _is_like(made: Field | None, given: Field | None) -> bool:
    """Whether each value of one field is one of another."""
    if made is None or given is None:
        return made is given
    if (made.number, made.kind, made.is_repeated) != (given.number, given.kind, given.is_repeated):
        return False
    return not made.is_required and _numbers(made.enum) == _numbers(given.enum)


def _numbers(enum: Enum | None) -> set[int] | None:
    """The numbers that values of an enum are among; None for any."""
    return set(enum.values.values()) if enum is not None and enum.is_closed else None


def _shown(column: Column) -> dict[str, Column]:
    return {each.name: each for each in _written(column) if not each.is_hidden}


def _written(column: Column) -> Iterator[Column]:
    """What is written of what is in a column: which member of a oneof is set is not."""
    return (each for each in column.children if each.shape is not Shape.ONEOF)


def put(data: Data, column: Column) -> Data:
    """Values as those of a column that is like their own; nothing of one that has no values."""
    validity = data.validity if column.is_nullable else None
    if none_is_there(data.length, validity):
        return Data(column, data.length, validity)
    children = {child.column.name: child for child in data.children}
    return Data(
        column, data.length, validity, data.offsets, data.values,
        [put(children[each.name], each) for each in _written(column)],
    )  # fmt: skip
