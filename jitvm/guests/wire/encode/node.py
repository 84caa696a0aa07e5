"""Columns as they are given, by whomever: NumPy arrays under Arrow's names for types.

    Arrow's libraries --by the C data interface--> Node <--made of Python's objects-- dicts

What is not in the buffers of Arrow's arrays as such is made here: presence a byte a value, views of
strings as offsets. All else shows the memory it came from.
"""

from __future__ import annotations

import ctypes

import numpy as np

from jitvm.guests.wire.arrays import exported
from jitvm.guests.wire.faults import TableError

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator
    from typing import Any

    from jitvm.guests.wire.data import Array

NUMBERS = {
    "c": "<i1", "C": "<u1", "s": "<i2", "S": "<u2", "i": "<i4", "I": "<u4", "l": "<i8", "L": "<u8",
    "e": "<f2", "f": "<f4", "g": "<f8",
}  # fmt: skip
"""NumPy's types of numbers, by Arrow's formats."""
TEXTS = {"u": 4, "z": 4, "U": 8, "Z": 8}
"""Bytes of offsets of strings and bytes."""
VIEWS = ("vu", "vz")
SHORT_TIMES = ("tdD", "tts", "ttm")
"""Dates and times whose numbers have 32 bits."""
LISTS = {"+l": 4, "+L": 8, "+m": 4}
"""Bytes of offsets of lists and maps."""
NAMES = {
    "n": "null", "b": "bool", "c": "int8", "C": "uint8", "s": "int16", "S": "uint16", "i": "int32",
    "I": "uint32", "l": "int64", "L": "uint64", "e": "half float", "f": "float", "g": "double",
    "u": "string", "U": "large string", "z": "binary", "Z": "large binary", "vu": "string view",
    "vz": "binary view", "+l": "list", "+L": "large list", "+m": "map", "+s": "struct",
}  # fmt: skip
"""What people call types, by format."""
_PREFIXES = {
    "w:": "fixed size binary", "d:": "decimal", "ts": "timestamp", "tD": "duration", "td": "date",
    "tt": "time", "ti": "interval", "+w": "fixed size list", "+v": "list view", "+u": "union",
    "+r": "run-end encoded",
}  # fmt: skip
_LENGTH, _NULLS, _START, _BUFFERS, _CHILDREN, _DICTIONARY = 0, 1, 2, 5, 6, 7
"""Words of Arrow's struct of an array."""
_ARRAY, _SCHEMA = 10, 9


class Node:
    """Values of a column, with those of the columns in it.

    Attributes:
        format: Arrow's; of what a dictionary has where there is one.
        length: values.
        validity: a byte each, 1 where the value is there; None where all are.
        offsets: of strings and lists: `length` + 1 of them.
        values: numbers, booleans (a byte each), the bytes of strings; places in a dictionary.
        children: of a struct or list, with their names; made when asked for.
        dictionary: what `values` are places in.
        nothing: where it came as Arrow's data, makes a column of the same type without values.
        shape: that type, to be compared with others; None where it did not.
    """

    __slots__ = (
        "_children", "_make", "dictionary", "format", "length", "nothing", "offsets", "shape",
        "validity", "values",
    )  # fmt: skip

    def __init__(
        self,
        format: str,
        length: int,
        *,
        validity: Array | None = None,
        offsets: Array | None = None,
        values: Array | None = None,
        children: dict[str, Node] | None = None,
        dictionary: Node | None = None,
    ) -> None:
        self.format = format
        self.length = length
        self.validity = validity
        self.offsets = offsets
        self.values = values
        self._children = children or {}
        self._make: Callable[[], dict[str, Node]] | None = None
        self.dictionary = dictionary
        self.nothing: Callable[[], Node] | None = None
        self.shape: Hashable = None

    @property
    def children(self) -> dict[str, Node]:
        """Those of a struct or list, with their names."""
        make = self._make
        if make is not None:
            self.children = make()
        return self._children

    @children.setter
    def children(self, children: dict[str, Node]) -> None:
        self._children = children
        self._make = None

    def later(self, make: Callable[[], dict[str, Node]]) -> None:
        """Make the children when somebody asks for them."""
        self._make = make

    @property
    def type(self) -> str:
        """What people call its type."""
        name = NAMES.get(self.format) or _PREFIXES.get(self.format[:2], self.format)
        return name if self.dictionary is None else f"dictionary of {name}"


class _Type:
    """A type as it is exported.

    Attributes:
        format, name: Arrow's.
        children, dictionary: those in it.
        shape: all of it, to be compared with others.
    """

    def __init__(self, address: int) -> None:
        words = (ctypes.c_uint64 * _SCHEMA).from_address(address)
        self.format = ctypes.string_at(words[0]).decode()
        self.name = ctypes.string_at(words[1]).decode() if words[1] else ""
        children = (ctypes.c_uint64 * words[4]).from_address(words[5]) if words[4] else ()
        self.children = [_Type(child) for child in children]
        self.dictionary = _Type(words[6]) if words[6] else None
        self.shape: Hashable = (
            self.format,
            self.name,
            *(child.shape for child in self.children),
            None if self.dictionary is None else self.dictionary.shape,
        )


class _Values:
    """An exported array, or a part of it.

    Args:
        type: its type.
        words: Arrow's struct of it.
        owner: what keeps the memory.
        first, length: the part.
    """

    def __init__(
        self, type: _Type, words: Any, owner: object, first: int = 0, length: int | None = None
    ) -> None:
        self.type = type
        self.words = words
        self.owner = owner
        self.first = int(words[_START]) + first
        self.length = int(words[_LENGTH]) - first if length is None else length
        count = int(words[3])
        self.buffers = list(_at(words[_BUFFERS], count)) if count else []

    def view(self, buffer: int, dtype: str, first: int, count: int) -> Array:
        """Some values of a buffer."""
        kind = np.dtype(dtype)
        if not count or not self.buffers[buffer]:
            return np.zeros(count, kind)
        shown: Any = (ctypes.c_ubyte * (count * kind.itemsize)).from_address(
            self.buffers[buffer] + first * kind.itemsize
        )
        shown.owner = self.owner
        return np.frombuffer(shown, kind)

    def bits(self, buffer: int) -> Array:
        """A buffer of bits as bytes of 0 or 1."""
        skipped = self.first & 7
        packed = self.view(buffer, "u1", self.first >> 3, (skipped + self.length + 7) >> 3)
        return np.unpackbits(packed, bitorder="little")[skipped : skipped + self.length]

    def validity(self) -> Array | None:
        if self.type.format == "n":
            return np.zeros(self.length, np.uint8)
        if not self.buffers or not self.buffers[0] or not self.words[_NULLS]:
            return None
        found = self.bits(0)
        return None if found.all() else found

    def none(self) -> _Values:
        """None of them."""
        return _Values(self.type, self.words, self.owner, 0, 0)

    def child(self, at: int, first: int, length: int) -> _Values:
        words = _at(_at(self.words[_CHILDREN], at + 1)[at], _ARRAY)
        return _Values(self.type.children[at], words, self.owner, first, length)

    def dictionary(self) -> _Values:
        assert self.type.dictionary is not None
        return _Values(self.type.dictionary, _at(self.words[_DICTIONARY], _ARRAY), self.owner)


def _at(address: int, count: int) -> Any:
    """Words of 64 bits at an address."""
    return (ctypes.c_uint64 * count).from_address(address)


def imported(source: Any) -> Iterator[Node]:
    """The batches of an object of one of Arrow's libraries: structs of columns.

    Raises:
        TableError: it has no columns, or some of a type that nothing is made of here.
        MessagesError: the stream of batches fails.
    """
    for type, words, owner in exported(source, _Type):
        if type.format != "+s":
            raise TableError(
                f"the Arrow data is {NAMES.get(type.format, type.format)}, not a table; give a "
                "table, a record batch, or an array of structs"
            )
        yield _node(_Values(type, words, owner), type.name)


def imported_array(source: Any, path: str) -> Node:
    """One column alone, in one piece.

    Raises:
        TableError: it lies in several.
        MessagesError: the stream of its pieces fails.
    """
    found = [_node(_Values(type, words, owner), path) for type, words, owner in exported(
        source, _Type
    )]  # fmt: skip
    full = [node for node in found if node.length] or found[:1]
    if len(full) != 1:
        raise TableError(f"{path}: the column lies in {len(full)} pieces; make it one")
    return full[0]


def _node(values: _Values, path: str) -> Node:
    type, length = values.type, values.length
    node = Node(type.format, length, validity=values.validity())
    node.shape = type.shape
    node.nothing = lambda: _node(values.none(), path)
    format = type.format
    if type.dictionary is not None:
        if format not in NUMBERS:
            raise TableError(f"{path}: a dictionary with places of the type {format}")
        node.values = values.view(1, NUMBERS[format], values.first, length)
        node.dictionary = _node(values.dictionary(), path)
        node.format = node.dictionary.format
    elif format in NUMBERS:
        node.values = values.view(1, NUMBERS[format], values.first, length)
    elif format == "b":
        node.values = values.bits(1)
    elif format in SHORT_TIMES:
        node.values = values.view(1, "<i4", values.first, length)
    elif format[:2] in ("ts", "tD", "td", "tt"):
        node.values = values.view(1, "<i8", values.first, length)
    elif format.startswith("d:"):
        size = int(format.split(",")[2]) // 8 if format.count(",") == 2 else 16
        node.values = values.view(1, f"V{size}", values.first, length)
    elif format in TEXTS or format in LISTS:
        width = (TEXTS.get(format) or LISTS[format]) if length else 0
        node.offsets = offsets = _offsets(values, width, path)
        first, last = int(offsets[0]), int(offsets[-1])
        if format in TEXTS:
            node.values = values.view(2, "u1", 0, last)
        else:
            _add_child(node, values, first, last - first, path)
            node.offsets = offsets - first if first else offsets
    elif format in VIEWS:
        _gather_views(node, values, path)
    elif format.startswith("w:"):
        width = int(format[2:])
        node.offsets = np.arange(length + 1, dtype=np.int64) * width
        node.values = values.view(1, "u1", values.first * width, length * width)
    elif format.startswith("+w:"):
        width = int(format[3:])
        node.offsets = np.arange(length + 1, dtype=np.int64) * width
        _add_child(node, values, values.first * width, length * width, path)
    elif format == "+s":
        node.later(lambda: _fields(values, path))
    return node  # what is of another type is refused by whom it is for


def _fields(values: _Values, path: str) -> dict[str, Node]:
    """The columns of a struct."""
    found: dict[str, Node] = {}
    for at, child in enumerate(values.type.children):
        inner = f"{path}.{child.name}" if path else child.name
        if child.name in found:
            raise TableError(f"there are two columns {inner}")
        found[child.name] = _node(values.child(at, values.first, values.length), inner)
    return found


def _add_child(node: Node, values: _Values, first: int, count: int, path: str) -> None:
    there = int(values.child(0, 0, 0).words[_LENGTH])
    if first + count > there:
        raise TableError(f"{path}: a list has elements up to {first + count}, of {there} there are")
    node.later(lambda: {"item": _node(values.child(0, first, count), path)})


def _offsets(values: _Values, width: int, path: str) -> Array:
    """Offsets, of which none is less than the one before."""
    if not width:
        return np.zeros(1, np.int32)
    offsets = values.view(1, f"<i{width}", values.first, values.length + 1)
    if int(offsets[0]) < 0 or (offsets[1:] < offsets[:-1]).any():
        raise TableError(f"{path}: the offsets of the Arrow data are wrong: they fall")
    return offsets


def _gather_views(node: Node, values: _Values, path: str) -> None:
    """The bytes of views side by side."""
    from jitvm.guests.wire.feed import Feed

    length = values.length
    views = values.view(1, "<u4", 4 * values.first, 4 * length).reshape(-1, 4)
    if node.validity is not None:
        views = np.where(node.validity[:, None] == 1, views, np.uint32(0))
    node.offsets = np.zeros(length + 1, np.int64)
    np.cumsum(views[:, 0], dtype=np.int64, out=node.offsets[1:])
    node.values = np.empty(int(node.offsets[-1]), np.uint8)
    data = values.buffers[2:-1]
    sizes = list(_at(values.buffers[-1], len(data))) if data else []
    feed = Feed(min(max(length, 1), _VIEWS), _VIEW_BYTES)
    at = 0
    while at < length:
        feed.clear()
        behind = feed.view(views, data, sizes, at)
        place, end = int(node.offsets[at]), int(node.offsets[behind])
        if behind > at:
            node.values[place:end] = feed.messages[0]
            at = behind
            continue
        size, _, index, begin = map(int, views[at])
        if index >= len(data) or begin + size > sizes[index]:
            raise TableError(f"{path}: view {at} of the Arrow data shows nothing that is there")
        shown: Any = (ctypes.c_ubyte * size).from_address(data[index] + begin)
        node.values[place : place + size] = np.frombuffer(shown, np.uint8)
        at += 1


_VIEWS, _VIEW_BYTES = 1 << 16, 4 << 20
"""Strings, and bytes of them, that are put side by side at a time."""
