"""How many bytes messages may have at most, by how many values there are.

Nothing is checked while messages are written, so it is made sure before that there is room: for
each value a tag, and the longest varint of its kind, or length; for strings their bytes. What is
not written is not touched, so a bound that is too high costs nothing.
"""

from __future__ import annotations

from operator import mul

from jitvm.guests.wire.columns import Column, Shape, Tree
from jitvm.guests.wire.encode.operands import HEAD_ROOM
from jitvm.guests.wire.schema import Kind, WireType
from jitvm.guests.wire.writer import tag_bytes

LENGTH = 5
"""Bytes of a length at most."""
AHEAD = 64
"""Bytes in front of what is written that may be written over."""
_SHORT = {Kind.BOOL: 1, Kind.UINT32: 5, Kind.SINT32: 5}
_LONGEST = 10
_WIDTHS = {WireType.FIXED64: 8, WireType.FIXED32: 4}


class Bound:
    """The bound of the messages of a tree.

    Attributes:
        rows: bytes for each row of each space, those of strings left out.
    """

    def __init__(self, tree: Tree) -> None:
        self.rows = [0] * len(tree.spaces)
        self.rows[0] = LENGTH + HEAD_ROOM
        for column in tree.columns[1:]:
            self.rows[column.space.index] += _most(column)

    def of(self, counts: list[int], texts: int) -> int:
        """Bytes at most where spaces have so many rows and strings so many bytes together."""
        each: int = sum(map(mul, self.rows, counts))
        return AHEAD + texts + each


def _most(column: Column) -> int:
    """Bytes of a value of a column, but for what lies in columns below it, and for its text."""
    if column.shape is Shape.ONEOF or column.is_unknown:
        return 0
    field = column.field
    if field is None:
        return 0
    tag = len(tag_bytes(field.tag))
    if column.shape in (Shape.LIST, Shape.MAP):
        return tag + LENGTH
    if field.wire_type is WireType.START_GROUP:
        return 2 * tag
    around = tag + LENGTH
    if column.wrapper is not None:
        field = column.wrapper
        around += len(tag_bytes(field.tag))
    if column.shape is not Shape.FIXED:
        return around + LENGTH
    return around + _WIDTHS.get(field.wire_type, _SHORT.get(field.kind, _LONGEST))
