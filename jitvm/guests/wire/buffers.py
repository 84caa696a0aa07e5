"""Where the buffers of columns lie, and how much of each is filled.

    0                                                            size
    | validity |   | offsets      |   | values            |      |
       filled        filled             filled                     the rest is never touched

Buffers lie in one large space of addresses, a page apart at least, so that however a batch of
`rows` messages and `bytes` bytes of input is made, none runs into the next (`layout`). Only what is
touched costs memory.
"""

from __future__ import annotations

from jitvm.guests.wire.columns import ColumnError, Shape
from jitvm.guests.wire.schema import WireType

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator

    from jitvm.guests.wire.columns import Column, Tree

PAGE = 4096
"""Bytes to which buffers are kept apart."""
SLACK = 64
"""Bytes behind each buffer that may be overwritten: values are copied by words."""
SCRATCH = 128
"""Bytes for who has nothing to read or write; the first 8 are 0 whenever a batch is begun."""
SKEW = 320
"""Bytes by which each buffer lies differently in its page than the one before, so that columns
which are written side by side do not compete for the same lines of the cache."""
HUGE = 2 << 20
"""Bytes of a huge page. Buffers that may be as large begin in the first pages of one, ..."""
PAGE_SKEW, PAGE_SKEWS = 5, 64
"""... each so many pages behind the one before, of so many: else they would compete for the same
entries of the processor's table of pages."""
ADDRESS_BITS = (32, 36)
"""Bits of addresses in the spaces that there are: few, and for trees of hundreds of columns."""
MAX_NARROW = (1 << 31) - 1
"""The largest offset of 32 bits."""


class Layout:
    """Where the buffers of a tree lie.

    Attributes:
        rows: messages of a batch at most.
        bytes: bytes of input of a batch at most.
        size: bytes of the output space: a power of two.
    """

    __slots__ = ("bytes", "rows", "size")

    def __init__(self, rows: int, bytes: int, size: int) -> None:
        self.rows = rows
        self.bytes = bytes
        self.size = size


def layout(tree: Tree, rows: int, bytes: int) -> Layout:
    """Give every buffer its address, from 0 up, and every space its capacity.

    Args:
        tree: its columns; addresses that they had are replaced.
        rows: messages of a batch at most.
        bytes: bytes of input of a batch at most, what frames it included.

    Raises:
        ColumnError: `bytes` may need more than the tree's offsets can hold.
    """
    if bytes > MAX_NARROW and tree.offset_width == 4:
        raise ColumnError(
            f"{bytes} bytes at once need 64-bit offsets; ask for large_offsets or smaller batches"
        )
    for space in tree.spaces:
        counted = space.counted_by
        space.capacity = rows
        if counted is not None:
            added = counted.space.capacity * counted.added
            space.capacity = bytes // _least(counted) + added
    place = _Place()
    for column in tree.columns:
        capacity = column.space.capacity
        if column.is_nullable:
            column.validity = place.take(capacity)
        if column.has_offsets:
            column.offsets = place.take((capacity + 1) * tree.offset_width)
        if column.shape is Shape.BYTES:
            column.values = place.take(bytes + capacity * column.added)
        elif column.width:
            column.values = place.take(capacity * column.width)
    tree.scratch = place.take(SCRATCH)
    return Layout(rows, bytes, 1 << (place.end - 1).bit_length())


class _Place:
    """Hands out addresses."""

    def __init__(self) -> None:
        self.end = 0
        self.count = 0

    def take(self, size: int) -> int:
        """The address of so many bytes."""
        is_large = size >= HUGE
        unit = HUGE if is_large else PAGE
        start = -(-self.end // unit) * unit + self.count * SKEW % PAGE // SLACK * SLACK
        if is_large:
            start += self.count * PAGE_SKEW % PAGE_SKEWS * PAGE
        self.count += 1
        self.end = start + size + SLACK
        return start


def _least(column: Column) -> int:
    """Bytes of input that one row of a list or map takes at least."""
    if column.least:
        return column.least
    field = column.field
    assert field is not None
    tag = -(-field.tag.bit_length() // 7)
    if field.packed_tag is not None:
        return {WireType.FIXED64: 8, WireType.FIXED32: 4}.get(field.wire_type, 1)
    return 2 * tag if field.wire_type is WireType.START_GROUP else tag + 1


def counted(tree: Tree, rows: int, output: memoryview, width: int) -> list[int]:
    """Rows of each space of a tree whose root has so many, in an output space in which offsets
    have so many bytes."""
    ends = output.cast("I" if width == 4 else "Q")
    found = [rows]
    for space in tree.spaces[1:]:
        by = space.counted_by
        assert by is not None
        assert by.offsets is not None
        found.append(ends[by.offsets // width + found[by.space.index]])
    return found


def extents(tree: Tree, rows: int, output: memoryview) -> Iterator[tuple[int, int]]:
    """Address and bytes of what each buffer has, where the root has so many rows and offsets 32
    bits: lowest addresses first."""
    ends = output.cast("I")
    found = counted(tree, rows, output, 4)
    for column in tree.columns:
        count = found[column.space.index]
        if column.validity is not None:
            yield column.validity, count
        if column.offsets is not None:
            yield column.offsets, (count + 1) * tree.offset_width
            count = ends[column.offsets // 4 + count]
        if column.values is not None:
            yield column.values, count * (1 if column.shape is Shape.BYTES else column.width)
