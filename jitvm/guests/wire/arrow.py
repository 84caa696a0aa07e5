"""Columns as Arrow's arrays, by the C data interface: what any library of data frames takes.

    Data ──exported──> struct ArrowArray, its children, their lists of buffers: one block of words
         ──capsule──>  PyCapsule "arrow_array" ──> pyarrow, polars, duckdb, nanoarrow, ...

A consumer moves a struct to memory of its own and calls its `release` when it is done. It may move
children out and keep them longer than their parent. So every struct counts for itself: what all of
them show (the block, packed bits, the space of the batch) is let go when the last is released; and
the release of a parent is that of the children that are still with it.

See the page `The Arrow C data interface` of Arrow's specification for the layout of the structs.
"""

from __future__ import annotations

import ctypes
from itertools import count

import numpy as np

from jitvm.guests.wire.columns import MAX_NARROW, Column, Shape
from jitvm.guests.wire.finish import Data

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

NULLABLE = 2
"""ARROW_FLAG_NULLABLE."""
ARRAY_WORDS, SCHEMA_WORDS = 10, 9
"""Words of 64 bits of `struct ArrowArray` and `struct ArrowSchema`."""
_RELEASE_ARRAY, _RELEASE_SCHEMA = 8, 7
"""Places of their `release`; `private_data` is behind it."""
_DICTIONARY_ARRAY, _DICTIONARY_SCHEMA = 7, 6
_CHILDREN_ARRAY, _CHILDREN_SCHEMA = (4, 6), (4, 5)
"""Places of the number of children and of the pointer to theirs."""

_Releaser = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_EINVAL = 22


class _Held:
    """What the structs of one export show, and how many are not released."""

    __slots__ = ("count", "things")

    def __init__(self, things: list[Any]) -> None:
        self.things = things
        self.count = 0


_HELD: dict[int, _Held] = {}
_NUMBERS = count(1)


def _struct_at(pointer: int, words: int, word: type[ctypes.c_uint64] = ctypes.c_uint64) -> Any:
    """So many words at an address."""
    return (word * words).from_address(pointer)


class _Release:
    """What releases structs of one kind.

    It may be called while the interpreter ends and the names of modules are gone, so it has all
    that it needs, and the native function that calls it is never freed.
    """

    def __init__(self, size: int, release: int, children: tuple[int, int], dictionary: int) -> None:
        self._size = size
        self._release = release
        self._children = children
        self._dictionary = dictionary
        self._held = _HELD
        self._at = _struct_at

    def __call__(self, struct: Any) -> None:
        """Release a struct, or that at an address, and what is still with it."""
        words = self._at(struct, self._size) if isinstance(struct, int) else struct
        if not words[self._release]:
            return
        if words[self._children[0]]:
            for child in self._at(words[self._children[1]], words[self._children[0]]):
                self(child)
        if words[self._dictionary]:
            self(words[self._dictionary])
        words[self._release] = 0
        number = words[self._release + 1]
        held = self._held[number]
        held.count -= 1
        if not held.count:
            del self._held[number]


def _for_good(function: Any) -> Any:
    """A native function that is never freed: consumers may call it when all else is gone."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(function))
    return function


_release_array = _Release(ARRAY_WORDS, _RELEASE_ARRAY, _CHILDREN_ARRAY, _DICTIONARY_ARRAY)
_release_schema = _Release(SCHEMA_WORDS, _RELEASE_SCHEMA, _CHILDREN_SCHEMA, _DICTIONARY_SCHEMA)
_array_releaser: Any = _for_good(_Releaser(_release_array))
_schema_releaser: Any = _for_good(_Releaser(_release_schema))


def _address_of(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0


_ARRAY_RELEASER = _address_of(_array_releaser)
_SCHEMA_RELEASER = _address_of(_schema_releaser)


class _Block:
    """Words that structs and lists of pointers are put into."""

    __slots__ = ("address", "end", "held", "number", "words")

    def __init__(self, words: int) -> None:
        self.words: Any = (ctypes.c_uint64 * words)()
        self.address = ctypes.addressof(self.words)
        self.end = 0
        self.held = _Held([self.words])
        self.number = next(_NUMBERS)
        _HELD[self.number] = self.held

    def take(self, words: int) -> tuple[int, int]:
        """Place of so many words, and their address."""
        place = self.end
        self.end += words
        return place, self.address + 8 * place

    def put(self, place: int, values: list[int]) -> None:
        """Write words."""
        self.words[place : place + len(values)] = values

    def listed(self, values: list[int]) -> int:
        """The address of a list of words; 0 for none."""
        if not values:
            return 0
        place, address = self.take(len(values))
        self.put(place, values)
        return address


# -- arrays --------------------------------------------------------------------------------------


def exported_array(data: Data, pointer: int, is_root: bool = False) -> None:
    """Write the `struct ArrowArray` of a column, with all below it, to an address.

    Args:
        data: its values.
        pointer: where the struct goes.
        is_root: whether it is a batch of records, which has no nulls: rows that are null are so in
            each column.
    """
    block = _Block(_array_words(data))
    try:
        words = _array(block, data, data.validity if is_root else None, is_root)
    except BaseException:  # out of memory, or a signal
        del _HELD[block.number]
        raise
    _struct_at(pointer, ARRAY_WORDS)[:] = words


def _array_words(data: Data) -> int:
    dictionary = 0 if data.names is None else ARRAY_WORDS + 3
    below = sum(1 + _array_words(child) for child in data.children)
    return ARRAY_WORDS + 3 + dictionary + below


def _array(block: _Block, data: Data, around: Any, is_root: bool = False) -> list[int]:
    """The words of a struct; those of its children are put into the block.

    `around` is the validity of rows that are null as a whole.
    """
    column, shape = data.column, data.column.shape
    validity = data.validity
    if around is not None and not is_root:
        validity = around if validity is None else validity & around
    nulls, bits = (0, 0) if is_root else _packed(block, validity, data.length)
    buffers = [bits]
    dictionary = 0
    if data.offsets is not None:
        offsets = data.offsets
        if shape is Shape.MAP and offsets.itemsize > 4:  # maps have no large form
            if offsets[-1] > MAX_NARROW:
                raise ValueError(
                    f"the map {column.path} has more than {MAX_NARROW} entries, and Arrow has no "
                    "maps with 64-bit offsets; read fewer messages at once"
                )
            offsets = offsets.astype("<i4")
        buffers.append(_shown(block, offsets))
    if data.values is not None:
        values = data.values
        if column.format == "b":
            values = np.packbits(values, bitorder="little")
        buffers.append(_shown(block, values))
    if data.names is not None:
        dictionary = _names(block, data.names)
    children = []
    for child in data.children:
        inner = _array(block, child, around if is_root else None)
        place, address = block.take(ARRAY_WORDS)
        block.put(place, inner)
        children.append(address)
    return _array_struct(block, data.length, nulls, buffers, children, dictionary)


def _array_struct(
    block: _Block, length: int, nulls: int, buffers: list[int], children: list[int], dictionary: int
) -> list[int]:
    block.held.count += 1
    return [
        length, nulls, 0, len(buffers), len(children), block.listed(buffers),
        block.listed(children), dictionary, _ARRAY_RELEASER, block.number,
    ]  # fmt: skip


def _names(block: _Block, names: list[str]) -> int:
    """The address of an array of strings."""
    texts = [name.encode() for name in names]
    offsets = np.concatenate(([0], np.cumsum([len(text) for text in texts]))).astype("<i4")
    data = np.frombuffer(b"".join(texts), np.uint8)
    buffers = [0, _shown(block, offsets), _shown(block, data)]
    words = _array_struct(block, len(names), 0, buffers, [], 0)
    place, address = block.take(ARRAY_WORDS)
    block.put(place, words)
    return address


def _packed(block: _Block, validity: Any, length: int) -> tuple[int, int]:
    """How many values are null, and the address of a bit each; 0 where none is."""
    if validity is None:
        return 0, 0
    nulls = length - int(np.count_nonzero(validity))
    if not nulls:
        return 0, 0
    return nulls, _shown(block, np.packbits(validity, bitorder="little"))


def _shown(block: _Block, array: Any) -> int:
    """The address of an array, which is held from now on; never 0."""
    block.held.things.append(array)
    return int(array.__array_interface__["data"][0])


# -- schemas -------------------------------------------------------------------------------------


def exported_schema(column: Column, pointer: int, has_null_rows: bool = False) -> None:
    """Write the `struct ArrowSchema` of a column, with all below it, to an address.

    Args:
        column: which.
        pointer: where the struct goes.
        has_null_rows: whether it is the root of batches whose rows may be null as a whole.
    """
    block = _Block(_schema_words(column))
    words = _schema(block, column, False, has_null_rows)
    _struct_at(pointer, SCHEMA_WORDS)[:] = words


TIMES = {"timestamp": "tsn:UTC", "duration": "tDn"}
"""Formats of times."""


def _visible(column: Column) -> list[Column]:
    if column.shown_as in TIMES:
        return []
    return [child for child in column.children if not child.is_hidden]


def _schema_words(column: Column) -> int:
    dictionary = SCHEMA_WORDS if _has_names(column) else 0
    return SCHEMA_WORDS + dictionary + sum(1 + _schema_words(each) for each in _visible(column))


def _schema(block: _Block, column: Column, may_be_null: bool, null_rows: bool) -> list[int]:
    children = []
    for child in _visible(column):
        inner = _schema(block, child, null_rows, False)
        place, address = block.take(SCHEMA_WORDS)
        block.put(place, inner)
        children.append(address)
    dictionary = 0
    if _has_names(column):
        dictionary_words = _schema_struct(block, "u", "", 0, [], 0)
        place, dictionary = block.take(SCHEMA_WORDS)
        block.put(place, dictionary_words)
    is_nullable = column.parent is not None and (
        column.is_nullable or may_be_null or column.shape is Shape.ONEOF
    )
    flags = NULLABLE if is_nullable else 0
    format = TIMES.get(column.shown_as, column.format)
    return _schema_struct(block, format, column.name, flags, children, dictionary)


def _has_names(column: Column) -> bool:
    """Whether its values are places in a dictionary."""
    return column.shape is Shape.ONEOF or column.shown_as == "names"


def _schema_struct(
    block: _Block, format: str, name: str, flags: int, children: list[int], dictionary: int
) -> list[int]:
    texts = [
        ctypes.create_string_buffer(format.encode()),
        ctypes.create_string_buffer(name.encode()),
    ]
    block.held.things += texts
    block.held.count += 1
    return [
        ctypes.addressof(texts[0]), ctypes.addressof(texts[1]), 0, flags, len(children),
        block.listed(children), dictionary, _SCHEMA_RELEASER, block.number,
    ]  # fmt: skip


# -- streams -------------------------------------------------------------------------------------


class _Stream(ctypes.Structure):
    """`struct ArrowArrayStream`."""


_GetSchema = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.c_void_p)
_GetNext = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.c_void_p)
_GetError = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.POINTER(_Stream))
_ReleaseStream = ctypes.CFUNCTYPE(None, ctypes.POINTER(_Stream))
_Stream._fields_ = [
    ("get_schema", _GetSchema),
    ("get_next", _GetNext),
    ("get_last_error", _GetError),
    ("release", _ReleaseStream),
    ("private_data", ctypes.c_void_p),
]


class _Running:
    """A stream that somebody reads."""

    def __init__(
        self, schema: Callable[[int], None], batches: Iterator[Data], is_table: bool
    ) -> None:
        self.schema = schema
        self.batches = batches
        self.is_table = is_table
        self.error = ctypes.create_string_buffer(b"")

    def failed(self, error: BaseException) -> int:
        """Keep what went wrong; return its code."""
        self.error = ctypes.create_string_buffer(str(error).encode(errors="replace"))
        return getattr(error, "errno", None) or _EINVAL


_STREAMS: dict[int, _Running] = {}


def _get_schema(stream: Any, out: int) -> int:
    running = _STREAMS[stream.contents.private_data]
    try:
        running.schema(out)
    except BaseException as error:  # it must not cross into C
        return running.failed(error)
    return 0


def _get_next(stream: Any, out: int) -> int:
    running = _STREAMS[stream.contents.private_data]
    try:
        data = next(running.batches, None)
        if data is None:
            ctypes.memset(out, 0, 8 * ARRAY_WORDS)
        else:
            exported_array(data, out, running.is_table)
    except BaseException as error:  # it must not cross into C
        return running.failed(error)
    return 0


def _get_error(stream: Any) -> int:
    return ctypes.addressof(_STREAMS[stream.contents.private_data].error)


def _release_stream(stream: Any) -> None:
    _STREAMS.pop(stream.contents.private_data, None)
    stream.contents.release = _ReleaseStream()


_schema_getter: Any = _for_good(_GetSchema(_get_schema))
_next_getter: Any = _for_good(_GetNext(_get_next))
_error_getter: Any = _for_good(_GetError(_get_error))
_stream_releaser: Any = _for_good(_ReleaseStream(_release_stream))


def exported_stream(
    schema: Callable[[int], None], batches: Iterator[Data], is_table: bool = True
) -> Any:
    """A capsule of a `struct ArrowArrayStream`.

    Args:
        schema: writes the schema to an address.
        batches: gives the batches.
        is_table: whether the batches are of records; else they are of a single column.
    """
    stream: Any = _Stream()
    number = next(_NUMBERS)
    stream.get_schema, stream.get_next = _schema_getter, _next_getter
    stream.get_last_error, stream.release = _error_getter, _stream_releaser
    stream.private_data = number
    _STREAMS[number] = _Running(schema, batches, is_table)
    words = (ctypes.c_uint64 * 5)()
    ctypes.memmove(words, ctypes.byref(stream), ctypes.sizeof(words))
    return _capsule(words, b"arrow_array_stream")


# -- capsules ------------------------------------------------------------------------------------

_new_capsule = ctypes.pythonapi.PyCapsule_New
_new_capsule.restype = ctypes.py_object
_new_capsule.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
_Destructor = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)
_CAPSULES: dict[int, tuple[bytes, Any]] = {}
"""Names and structs of capsules, by the addresses of these."""
_NAMES = {
    name: ctypes.create_string_buffer(name)
    for name in (b"arrow_schema", b"arrow_array", b"arrow_array_stream")
}


def _destroy(capsule: int) -> None:
    """Release what nobody took out of a capsule.

    It may be called while an error is on its way, in which ctypes calls no functions. So all here
    is done by Python, which knows both what was put into the capsule and what releases it.
    """
    name, struct = _CAPSULES.pop(capsule)
    if name == b"arrow_array_stream":
        if struct[3]:
            _STREAMS.pop(struct[4], None)
    elif name == b"arrow_array":
        _release_array(struct)
    else:
        _release_schema(struct)


_destructor: Any = _for_good(_Destructor(_destroy))


def _capsule(struct: Any, name: bytes) -> Any:
    address = ctypes.addressof(struct)
    capsule = _new_capsule(address, ctypes.addressof(_NAMES[name]), _address_of(_destructor))
    _CAPSULES[id(capsule)] = name, struct
    return capsule


def array_capsule(data: Data, is_root: bool = False) -> Any:
    """A capsule of the array of a column; see `exported_array`."""
    struct = (ctypes.c_uint64 * ARRAY_WORDS)()
    exported_array(data, ctypes.addressof(struct), is_root)
    return _capsule(struct, b"arrow_array")


def schema_capsule(column: Column, has_null_rows: bool = False) -> Any:
    """A capsule of the schema of a column; see `exported_schema`."""
    struct = (ctypes.c_uint64 * SCHEMA_WORDS)()
    exported_schema(column, ctypes.addressof(struct), has_null_rows)
    return _capsule(struct, b"arrow_schema")
