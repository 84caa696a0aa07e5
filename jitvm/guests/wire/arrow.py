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
import os
from array import array
from itertools import count

import numpy as np

from jitvm.engine.codegen.kernels import Kernels
from jitvm.guests.wire.buffers import MAX_NARROW
from jitvm.guests.wire.columns import Column, Shape
from jitvm.guests.wire.finish import names_of

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from jitvm.guests.wire.columns import Tree
    from jitvm.guests.wire.data import Data
    from jitvm.guests.wire.finish import View

    Export = Callable[[int], None]
    """What writes a struct to an address, once."""

NULLABLE = 2
"""ARROW_FLAG_NULLABLE."""
ARRAY_WORDS, SCHEMA_WORDS = 10, 9
"""Words of 64 bits of `struct ArrowArray` and `struct ArrowSchema`."""
_RELEASE_ARRAY, _RELEASE_SCHEMA = 8, 7
"""Places of their `release`; `private_data` is behind it."""
_DICTIONARY_ARRAY, _DICTIONARY_SCHEMA = 7, 6
_CHILDREN_ARRAY, _CHILDREN_SCHEMA = (4, 6), (4, 5)
"""Places of the number of children and of the pointer to theirs."""
_BUFFERS_ARRAY = 3, 5
"""The same of buffers."""

_Releaser = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_EINVAL = 22
KERNELS = Kernels("wire-release", os.path.join(os.path.dirname(__file__), "release.ll"))
_AROUND = "PyGILState_Ensure", "PyGILState_Release", "PyErr_Fetch", "PyErr_Restore"
"""What is called around `_Release`, in the order of `release.ll`."""


class _Held:
    """What the structs of one export show.

    Attributes:
        structs: the words of all structs, and of what they point to.
        things: all else that has to live as long.
        count: structs that are not released.
        inner: the address of the list of children of the first struct; 0 if it has none.
        marks: where in `structs` the `release` of all others are.
    """

    __slots__ = ("count", "inner", "marks", "structs", "things")

    def __init__(
        self, structs: Any, things: list[Any], count: int, inner: int, marks: slice
    ) -> None:
        self.structs = structs
        self.things = things
        self.count = count
        self.inner = inner
        self.marks = marks


_HELD: dict[int, _Held] = {}
_NUMBERS = count(1)


def _struct_at(pointer: int, words: int, word: type[ctypes.c_uint64] = ctypes.c_uint64) -> Any:
    """So many words at an address."""
    return (word * words).from_address(pointer)


def _for_good(function: Any) -> Any:
    """A native function that is never freed: consumers may call it when all else is gone."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(function))
    return function


def _address_of(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0


class _Release:
    """What releases structs of one kind.

    It may be called while the interpreter ends and the names of modules are gone, those of builtins
    last, so it has all that it needs, and the native function that calls it is never freed.
    """

    def __init__(
        self, name: str, size: int, release: int, children: tuple[int, int], dictionary: int
    ) -> None:
        self.name = name
        self.size = size
        self.mark = release
        self.children = children
        self.dictionary = dictionary
        self._held = _HELD
        self._at = _struct_at
        self._builtins = all, int, isinstance
        self._function = _for_good(_Releaser(self))
        self.functions = (ctypes.c_uint64 * 5)(
            _address_of(self._function),
            *(_address_of(getattr(ctypes.pythonapi, each)) for each in _AROUND),
        )

    @property
    def address(self) -> int:
        """What consumers call: a kernel, by which errors stay what they are; where there is none,
        or not yet, the function itself."""
        return KERNELS.address(self.name) or self.functions[0]

    def __call__(self, struct: Any) -> None:
        """Release a struct, or that at an address, and what is still with it."""
        every, address, is_a = self._builtins
        words = self._at(struct, self.size) if is_a(struct, address) else struct
        if not words[self.mark]:
            return
        number = self._at(words[self.mark + 1], 1)[0]
        held = self._held[number]
        if words[self.children[1]] == held.inner and every(held.structs[held.marks]):
            words[self.mark] = 0  # the first, which still has all others
            del self._held[number]
            return
        if words[self.children[0]]:
            for child in self._at(words[self.children[1]], words[self.children[0]]):
                self(child)
        if words[self.dictionary]:
            self(words[self.dictionary])
        words[self.mark] = 0
        held.count -= 1
        if not held.count:
            del self._held[number]


_release_array = _Release("array", ARRAY_WORDS, _RELEASE_ARRAY, _CHILDREN_ARRAY, _DICTIONARY_ARRAY)
_release_schema = _Release(
    "schema", SCHEMA_WORDS, _RELEASE_SCHEMA, _CHILDREN_SCHEMA, _DICTIONARY_SCHEMA
)

# -- what is the same in all exports -------------------------------------------------------------


class _Plan:
    """Structs of a column and of all that is shown below it, as words, to be copied.

    The column comes first, parents before children, then the dictionaries; behind the structs is
    what they point to. Such pointers count from the begin of the words.

    Attributes:
        columns: by place.
        children: places of those of each column.
        behind: the place behind the last column that is below each.
        dictionaries: places, by those of their columns.
        count: structs there are.
        template: all words; the last two are what `private_data` of all structs points to: the
            number of the export, and the functions of `release`.
        inner: places of words that point to others.
        things: what is shown by all copies.
    """

    def __init__(self, root: Column, release: _Release) -> None:
        self.release = release
        self.columns: list[Column] = []
        self.children: list[list[int]] = []
        self.behind: list[int] = []
        self._number(root)
        named = [at for at, column in enumerate(self.columns) if _has_names(column)]
        self.dictionaries = {at: len(self.columns) + i for i, at in enumerate(named)}
        self.count = len(self.columns) + len(named)
        self.words = [0] * (self.count * release.size)
        self._inner: list[int] = []
        self.things: list[Any] = []
        for at, children in enumerate(self.children):
            self.words[at * release.size + release.children[0]] = len(children)
            self.point(at * release.size + release.children[1], len(self.words), children)
            for child in children:
                self.words.append(0)
                self.point(len(self.words) - 1, child * release.size)
        for at, dictionary in self.dictionaries.items():
            self.point(at * release.size + release.dictionary, dictionary * release.size)

    def _number(self, column: Column) -> int:
        """Give a place to a column, and to those below it."""
        at = len(self.columns)
        self.columns.append(column)
        self.children.append([])
        self.behind.append(0)
        self.children[at] += [self._number(child) for child in _visible(column)]
        self.behind[at] = len(self.columns)
        return at

    def point(self, place: int, word: int, is_needed: object = True) -> None:
        """Have a word point to another."""
        if is_needed:
            self.words[place] = 8 * word
            self._inner.append(place)

    def is_made(self) -> None:
        """Make it ready to be copied."""
        self.words += [0, ctypes.addressof(self.release.functions)]
        self.template = array("Q", self.words)
        self.inner = np.array(self._inner, np.intp)
        self.marks = slice(
            self.release.size + self.release.mark, self.count * self.release.size, self.release.size
        )


class _Structs:
    """A copy of the structs of a plan."""

    def __init__(self, plan: _Plan, things: list[Any]) -> None:
        self._plan = plan
        self.things = [plan.things, *things]
        words: Any = ctypes.c_uint64 * len(plan.template)
        self.block = words.from_buffer_copy(plan.template)
        self.words = np.frombuffer(self.block, np.uint64)
        self.words[plan.inner] += np.uint64(ctypes.addressof(self.block))
        self.number = next(_NUMBERS)
        self.words[-2] = self.number
        release, end = plan.release, plan.count * plan.release.size
        private = ctypes.addressof(self.block) + self.words.nbytes - 2 * self.words.itemsize
        self.words[release.mark : end : release.size] = release.address
        self.words[release.mark + 1 : end : release.size] = private

    def give(self, pointer: int) -> None:
        """Move the first struct to an address; whoever gets it releases all."""
        plan, release = self._plan, self._plan.release
        inner = self.block[release.children[1]]
        _HELD[self.number] = _Held(self.block, self.things, plan.count, inner, plan.marks)
        ctypes.memmove(pointer, self.block, 8 * release.size)


TIMES = {"timestamp": "tsn:UTC", "duration": "tDn"}
"""Formats of times."""


def _visible(column: Column) -> list[Column]:
    if column.shown_as in TIMES:
        return []
    return [child for child in column.children if not child.is_hidden]


def _has_names(column: Column) -> bool:
    """Whether its values are places in a dictionary."""
    return column.shape is Shape.ONEOF or column.shown_as == "names"


# -- arrays --------------------------------------------------------------------------------------

_BUFFERS = 3
"""Words kept for the list of buffers of a struct."""


class _ArrayPlan(_Plan):
    """What is the same in all arrays of a column, with those below it.

    Most columns lie as Arrow has them, so their buffers are at a distance from the begin of the
    batch's memory, and their lengths those of their spaces. The others are `odd`.

    Attributes:
        buffers: where the list of buffers of each struct is.
        placed: words that count from the begin of the batch's memory.
        spaces: of each column, the index of its space.
        odd: places of columns to be looked at in each batch.
        names: of dictionaries, by the places of their columns.
    """

    def __init__(self, root: Column) -> None:
        super().__init__(root, _release_array)
        first = len(self.words)
        self.words += [0] * (_BUFFERS * self.count)
        self.buffers = [first + _BUFFERS * at for at in range(self.count)]
        self._placed: list[int] = []
        for at, column in enumerate(self.columns):
            self._show(at, column)
        self.names = {at: names_of(self.columns[at]) for at in self.dictionaries}
        for at, dictionary in self.dictionaries.items():
            self._list(dictionary, _BUFFERS)
            buffers = _texts(self.names[at], self.things)
            self.words[dictionary * ARRAY_WORDS] = len(self.names[at])
            self.words[self.buffers[dictionary] : self.buffers[dictionary] + _BUFFERS] = buffers
        self.spaces = np.array([column.space.index for column in self.columns], np.intp)
        self.placed = np.array(self._placed, np.intp)
        self.odd = [at for at, column in enumerate(self.columns) if at and _is_odd(column)]
        self.is_made()

    def _list(self, at: int, count: int) -> None:
        """Tell of the buffers of a struct."""
        self.words[at * ARRAY_WORDS + _BUFFERS_ARRAY[0]] = count
        self.point(at * ARRAY_WORDS + _BUFFERS_ARRAY[1], self.buffers[at])

    def _show(self, at: int, column: Column) -> None:
        """Have the buffers of a column shown where they are."""
        shown = []
        if column.has_offsets:
            shown.append(column.offsets)
        if column.shape in (Shape.BYTES, Shape.FIXED, Shape.ONEOF) or column.shown_as in TIMES:
            shown.append(column.values)
        self._list(at, 1 + len(shown))
        for word, place in enumerate(shown, self.buffers[at] + 1):
            if place is not None:
                self.words[word] = place
                self._placed.append(word)


def _is_odd(column: Column) -> bool:
    """Whether its array is not what lies in the memory of a batch."""
    parent = column.parent
    return (
        column.is_nullable
        or column.format == "b"
        or column.shape in (Shape.ONEOF, Shape.MAP)
        or bool(column.shown_as)
        or (parent is not None and parent.parent is None and parent.is_nullable)
    )


class _Arrays(_Structs):
    """Arrays of one batch."""

    def __init__(self, plan: _ArrayPlan, things: list[Any]) -> None:
        super().__init__(plan, things)
        self.plan = plan

    def show(self, view: View) -> None:
        """Have all columns of a batch shown; rows that are null as a whole are so in each."""
        plan, counts = self.plan, view.counts
        lengths = np.array(counts, np.uint64)[plan.spaces]
        self.words[: len(lengths) * ARRAY_WORDS : ARRAY_WORDS] = lengths
        self.words[plan.placed] += np.uint64(view.space.address)
        around, behind = view.validity(view.tree.root), 0
        for at in plan.odd:
            column = plan.columns[at]
            if at < behind or not counts[column.space.index]:
                continue
            if column.shape is Shape.MAP:
                map = view.data(column)
                if map.children[0].length < counts[column.children[0].space.index]:
                    self.put_all(at, map)
                    behind = plan.behind[at]
                elif map.offsets is not None:
                    self.put(at, map)
            elif column.shape is Shape.ONEOF or column.shown_as:
                self.put(at, view.data(column))
            else:
                self.mark(at, view.validity(column))
                if column.format == "b":
                    self.point(at, 1, _bits(view.data(column).values))
            if around is not None and at in plan.children[0]:
                validity = view.data(column).validity
                self.mark(at, around if validity is None else validity & around)

    def put_all(self, at: int, data: Data) -> None:
        """Have the values of a column shown, with those below it."""
        self.put(at, data)
        for place, child in zip(self.plan.children[at], data.children, strict=True):
            self.put_all(place, child)

    def put(self, at: int, data: Data) -> None:
        """Have the values of a column shown."""
        self.block[at * ARRAY_WORDS] = data.length
        self.mark(at, data.validity)
        if data.offsets is not None:
            self.point(at, 1, _narrow(data))
        if data.values is not None:
            values = _bits(data.values) if data.column.format == "b" else data.values
            self.point(at, 1 + (data.offsets is not None), values)
        if data.names is not None and data.names != self.plan.names[at]:
            dictionary = self.plan.dictionaries[at]
            self.block[dictionary * ARRAY_WORDS] = len(data.names)
            for word, address in enumerate(
                _texts(data.names, self.things), self.plan.buffers[dictionary]
            ):
                self.block[word] = address

    def mark(self, at: int, validity: Any) -> None:
        """Tell which values of a column are null."""
        if validity is None:
            return
        nulls = len(validity) - int(np.count_nonzero(validity))
        self.block[at * ARRAY_WORDS + 1] = nulls
        if nulls:
            self.point(at, 0, _bits(validity))

    def point(self, at: int, buffer: int, values: Any) -> None:
        """Have a buffer of a column point to an array."""
        self.things.append(values)
        self.block[self.plan.buffers[at] + buffer] = _address(values)


def _bits(values: Any) -> Any:
    return np.packbits(values, bitorder="little")


def _address(values: Any) -> int:
    return int(values.__array_interface__["data"][0])


def _narrow(data: Data) -> Any:
    """Offsets of a column; of maps, which have no large form, of 32 bits."""
    offsets = data.offsets
    assert offsets is not None
    if data.column.shape is not Shape.MAP or offsets.itemsize == 4:
        return offsets
    if offsets[-1] > MAX_NARROW:
        raise ValueError(
            f"the map {data.column.path} has more than {MAX_NARROW} entries, and Arrow has no "
            "maps with 64-bit offsets; read fewer messages at once"
        )
    return offsets.astype("<i4")


def _texts(names: list[str], things: list[Any]) -> list[int]:
    """The buffers of an array of strings, which are put to other things."""
    texts = [name.encode() for name in names]
    offsets = np.concatenate(([0], np.cumsum([len(text) for text in texts]))).astype("<i4")
    data = np.frombuffer(b"".join(texts), np.uint8)
    things += (offsets, data)
    return [0, _address(offsets), _address(data)]


def batch_export(view: View) -> Export:
    """What writes the `struct ArrowArray` of a batch, with all below it, to an address, once. A
    batch of records has no nulls: rows that are null are so in each column.

    Raises:
        OverflowError, ValueError: Arrow has no place for some value.
    """
    tree = view.tree
    plan = tree.made.get(_ArrayPlan)
    if plan is None:
        plan = tree.made[_ArrayPlan] = _ArrayPlan(tree.root)
    arrays = _Arrays(plan, [view.space])
    arrays.show(view)
    return arrays.give


def column_export(data: Data) -> Export:
    """The same for the values of a column."""
    arrays = _Arrays(_ArrayPlan(data.column), [])
    arrays.put_all(0, data)
    return arrays.give


# -- schemas -------------------------------------------------------------------------------------


class _SchemaPlan(_Plan):
    """The schema of a column, with those below it.

    Args:
        root: the column.
        has_null_rows: whether it is the root of batches whose rows may be null as a whole.
    """

    def __init__(self, root: Column, has_null_rows: bool) -> None:
        super().__init__(root, _release_schema)
        texts = bytearray()
        places: dict[int, int] = {}
        for at, column in enumerate(self.columns):
            format = TIMES.get(column.shown_as, column.format)
            may_be_null = has_null_rows and at in self.children[0]
            self.words[at * SCHEMA_WORDS + 3] = NULLABLE if _is_nullable(column, may_be_null) else 0
            for word, text in ((0, format), (1, column.name)):
                places[at * SCHEMA_WORDS + word] = len(texts)
                texts += text.encode() + b"\0"
        for at in self.dictionaries.values():
            for word, text in ((0, "u"), (1, "")):
                places[at * SCHEMA_WORDS + word] = len(texts)
                texts += text.encode() + b"\0"
        shown = ctypes.create_string_buffer(bytes(texts), len(texts))
        self.things.append(shown)
        for word, place in places.items():
            self.words[word] = ctypes.addressof(shown) + place
        self.is_made()


def _is_nullable(column: Column, may_be_null: bool) -> bool:
    return column.parent is not None and (
        column.is_nullable or may_be_null or column.shape is Shape.ONEOF
    )


def schema_export(column: Column) -> Export:
    """What writes the `struct ArrowSchema` of a column, with all below it, to an address, once."""
    return _Structs(_SchemaPlan(column, False), []).give


def table_schema_export(tree: Tree) -> Export:
    """The same for batches of a tree."""
    plan = tree.made.get(_SchemaPlan)
    if plan is None:
        plan = tree.made[_SchemaPlan] = _SchemaPlan(tree.root, tree.root.is_nullable)
    return _Structs(plan, []).give


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

    def __init__(self, schema: Callable[[], Export], batches: Iterator[Export]) -> None:
        self.schema = schema
        self.batches = batches
        self.error = ctypes.create_string_buffer(b"")

    def failed(self, error: BaseException) -> int:
        """Keep what went wrong; return its code."""
        self.error = ctypes.create_string_buffer(str(error).encode(errors="replace"))
        return getattr(error, "errno", None) or _EINVAL


_STREAMS: dict[int, _Running] = {}


def _get_schema(stream: Any, out: int) -> int:
    running = _STREAMS[stream.contents.private_data]
    try:
        running.schema()(out)
    except BaseException as error:  # it must not cross into C
        return running.failed(error)
    return 0


def _get_next(stream: Any, out: int) -> int:
    running = _STREAMS[stream.contents.private_data]
    try:
        export = next(running.batches, None)
        if export is None:
            ctypes.memset(out, 0, 8 * ARRAY_WORDS)
        else:
            export(out)
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


def exported_stream(schema: Callable[[], Export], batches: Iterator[Export]) -> Any:
    """A capsule of a `struct ArrowArrayStream`.

    Args:
        schema: makes what writes the schema to an address, as often as it is asked for.
        batches: each writes a batch, or a part of a column.
    """
    stream: Any = _Stream()
    number = next(_NUMBERS)
    stream.get_schema, stream.get_next = _schema_getter, _next_getter
    stream.get_last_error, stream.release = _error_getter, _stream_releaser
    stream.private_data = number
    _STREAMS[number] = _Running(schema, batches)
    words = (ctypes.c_uint64 * 5)()
    ctypes.memmove(words, ctypes.byref(stream), ctypes.sizeof(words))
    return _capsule(words, b"arrow_array_stream")


def record_batch(pyarrow: Any, view: View, schema: Any) -> Any:
    """A `pyarrow.RecordBatch` of a batch, with a schema of pyarrow's that is there already."""
    struct = (ctypes.c_uint64 * ARRAY_WORDS)()
    batch_export(view)(ctypes.addressof(struct))
    return pyarrow.RecordBatch._import_from_c(ctypes.addressof(struct), schema)


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


def array_capsule(export: Export) -> Any:
    """A capsule of an array."""
    return _exported(export, ARRAY_WORDS, b"arrow_array")


def schema_capsule(export: Export) -> Any:
    """A capsule of a schema."""
    return _exported(export, SCHEMA_WORDS, b"arrow_schema")


def _exported(export: Export, words: int, name: bytes) -> Any:
    struct = (ctypes.c_uint64 * words)()
    export(ctypes.addressof(struct))
    return _capsule(struct, name)
