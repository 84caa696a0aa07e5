"""From columns as they are given to columns as messages have them; what does not fit is refused.

    Node --Fitter--> Data: numbers of the width of their fields, names as numbers, all of it checked

All is looked at before anything is written, column by column, at the speed of NumPy. Only where
something is wrong does it matter in which row that is, and whether anybody sees it: values in a
list, or a struct, that is null may be anything.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from jitvm.guests.wire.columns import Column, Shape, Tree
from jitvm.guests.wire.data import Data, none_is_there
from jitvm.guests.wire.encode.errors import EncodeError, Refusal
from jitvm.guests.wire.encode.node import LISTS, NUMBERS, TEXTS, VIEWS, Node
from jitvm.guests.wire.faults import Misfit, TableError
from jitvm.guests.wire.finish import NANOSECONDS
from jitvm.guests.wire.formats import DTYPES
from jitvm.guests.wire.maps import kept
from jitvm.guests.wire.schema import TIMES
from jitvm.guests.wire.texts import are_texts

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Hashable
    from typing import Any

    from jitvm.guests.wire.data import Array
    from jitvm.guests.wire.schema import Oneof

PYTHON = "py"
"""The format of values that are Python's objects."""
UNITS = {"s": 1, "m": 10**3, "u": 10**6, "n": 10**9}
"""Of times, by the letter in Arrow's formats: how many make a second."""
SPAN = 1 << 16
"""Numbers between the least and the greatest of a closed enum of which a table is made."""
_MOST_KNOWN = 4096
"""Types of columns that are known to fit: of each tree."""
_INDEX = "__index_level_"
"""How the names of columns begin that pandas makes of its index."""


class Around:
    """What values are in: rows, structs, lists.

    Args:
        outer: what these are in; None for rows of a table.
        validity: which of them are there.
        offsets: of lists.
    """

    def __init__(
        self,
        outer: Around | None = None,
        validity: Array | None = None,
        offsets: Array | None = None,
    ) -> None:
        self._outer = outer
        self._validity = validity
        self._offsets = offsets

    def rows(self, places: Array) -> Array:
        """The rows of a table in which some values are; -1 where nobody sees them."""
        if self._outer is None:
            return places
        if self._offsets is not None:
            places = np.searchsorted(self._offsets, places, "right") - 1
        found = self._outer.rows(places)
        if self._validity is not None:
            found = np.where(self._validity[places] == 1, found, -1)
        return found


class Fitter:
    """Makes columns of a tree.

    Args:
        tree: which.
        first: number of the first row, for errors.
        of_types: look at types alone: also at those of columns that have no values.
    """

    def __init__(self, tree: Tree, first: int = 0, *, of_types: bool = False) -> None:
        self._tree = tree
        self._first = first
        self._of_types = of_types
        self._refusal: Refusal | None = None

    def fit(self, node: Node) -> Data:
        """The columns of a table, which is given as a struct.

        Raises:
            TableError: a column is missing, unknown, or of a type that does not fit.
            EncodeError: a value does not fit.
        """
        root = self._tree.root
        data = Data(root, node.length)
        if node.validity is not None:
            raise TableError("some rows of the table are null; take them out")
        data.children = self._fields(root, node, Around())
        if self._refusal is not None:
            raise EncodeError(self._refusal)
        return data

    def _refuse(self, path: str, places: Array, misfit: Misfit, around: Around) -> None:
        """Note that some values do not fit, if anybody sees them."""
        if not len(places):
            return
        rows = around.rows(places)
        rows = rows[rows >= 0]
        if not len(rows):
            return
        row = self._first + int(rows.min())
        if self._refusal is None or row < self._refusal.row:
            self._refusal = Refusal(row, path, misfit)

    # -- structs -----------------------------------------------------------------------------

    def _fields(self, struct: Column, node: Node, around: Around) -> list[Data]:
        """The columns in a struct."""
        self._check_names(struct, node)
        found = [
            self._column(column, node.children[column.name], around)
            for column in struct.children
            if column.shape is not Shape.ONEOF
        ]
        assert struct.message is not None
        for oneof in struct.message.oneofs:
            self._check_oneof(struct, oneof, node, found, around)
        return found

    def _check_names(self, struct: Column, node: Node) -> None:
        path = f" in {struct.path}" if struct.path else ""
        for column in struct.children:
            if column.name not in node.children and column.shape is not Shape.ONEOF:
                raise TableError(
                    f"no column {column.name!r}{path}; name those that there are with fields, or "
                    "add it"
                )
        assert struct.message is not None
        known = {field.name for field in struct.message.fields}
        known |= {column.name for column in struct.children}
        known |= {oneof.name for oneof in struct.message.oneofs}
        for name in node.children:
            if name not in known and not name.startswith(_INDEX):
                raise TableError(
                    f"column {name!r}{path} is no field of {struct.message.full_name}"
                    f"{_similar(name, known)}; leave it out"
                )

    def _check_oneof(
        self, struct: Column, oneof: Oneof, node: Node, found: list[Data], around: Around
    ) -> None:
        """At most one member is set, and where a column names one it is that."""
        members = {id(field): at for at, field in enumerate(oneof.fields, 1)}
        inside = [data for data in found if id(data.column.field) in members]
        path = f"{struct.path}.{oneof.name}" if struct.path else oneof.name
        count: Array = np.zeros(node.length, np.uint8 if len(members) < 256 else np.uint16)
        for data in inside:
            count += 1 if data.validity is None else data.validity
        if len(inside) > 1 and node.length and int(count.max()) > 1:
            self._refuse(path, np.flatnonzero(count > 1), Misfit.ONEOF, around)
        given = node.children.get(oneof.name)
        if given is None:
            return
        which = np.zeros_like(count)
        for data in inside:
            number = which.dtype.type(members[id(data.column.field)])
            which += number if data.validity is None else data.validity * number
        numbers = {field.name.encode(): at for at, field in enumerate(oneof.fields, 1)}
        named = self._named(path, given, numbers, around)
        if given.validity is not None:
            named = np.where(given.validity == 1, named, 0)
        wrong = named != which
        if len(inside) < len(members):  # one that is left out may be named
            known = [members[id(data.column.field)] for data in inside]
            wrong &= np.isin(named, known) | (which != 0)
        if wrong.any():
            self._refuse(path, np.flatnonzero(wrong), Misfit.ONEOF, around)

    # -- columns -----------------------------------------------------------------------------

    def _column(self, column: Column, node: Node, around: Around) -> Data:
        nulls = node.validity
        data = Data(column, node.length)
        if column.is_nullable:
            data.validity = nulls
            field = column.field
            if nulls is not None and field is not None and field.is_required:
                self._refuse(column.path, np.flatnonzero(nulls == 0), Misfit.REQUIRED, around)
            nulls = None
        elif nulls is not None and _is_element(column):
            self._refuse(column.path, np.flatnonzero(nulls == 0), Misfit.ELEMENT, around)
            nulls = None
        may_be_none = column.is_nullable or not node.length
        if may_be_none and none_is_there(node.length, node.validity) and self._fits(column, node):
            return data
        if column.shape is Shape.FIXED:
            values = self._numbers(column, node, around)
            data.values = (
                values if nulls is None else np.where(nulls == 1, values, values.dtype.type(0))
            )
        elif column.shape is Shape.BYTES:
            self._texts(column, node, data, around)
        elif column.shape is Shape.STRUCT:
            self._struct(column, node, data, around)
        else:
            self._list(column, node, data, around)
        if nulls is not None and data.offsets is not None:
            lengths = data.offsets[1:] - data.offsets[:-1]
            if lengths[nulls == 0].any():  # what is null is not there, whatever its offsets say
                return _without(data, nulls)
        return data

    def _fits(self, column: Column, node: Node) -> bool:
        """Whether nothing has to be looked at in a column without values, as its type is known to
        fit. There may be hundreds below an option that nobody takes."""
        if self._of_types or node.nothing is None:
            return False
        known: set[Hashable] = self._tree.made.setdefault(Fitter, set())
        about = column.index, node.shape
        if about not in known:
            Fitter(self._tree, of_types=True)._column(column, node.nothing(), Around())
            if len(known) >= _MOST_KNOWN:
                known.clear()
            known.add(about)
        return True

    def _struct(self, column: Column, node: Node, data: Data, around: Around) -> None:
        assert column.message is not None
        inside = Around(around, node.validity)
        time = TIMES.get(column.message.full_name)
        if node.format == "+s":
            data.children = self._fields(column, node, inside)
        elif node.format[:2] == {"timestamp": "ts", "duration": "tD"}.get(time or ""):
            data.children = _times(column, node)
        else:
            raise _wrong_type(column, node)

    def _list(self, column: Column, node: Node, data: Data, around: Around) -> None:
        if node.format not in LISTS and node.format[:3] != "+w:":
            raise _wrong_type(column, node)
        assert node.offsets is not None
        data.offsets = node.offsets
        inside = Around(around, node.validity, node.offsets)
        (child,) = node.children.values()
        (item,) = column.children
        if column.shape is Shape.MAP:
            if child.format != "+s" or len(child.children) != 2:
                raise _wrong_type(column, node)
            child.children = dict(zip(("key", "value"), child.children.values(), strict=True))
        data.children = [self._column(item, child, inside)]

    # -- numbers -----------------------------------------------------------------------------

    def _numbers(self, column: Column, node: Node, around: Around) -> Array:
        """The numbers of a column, each of which fits its field."""
        field = column.field if column.wrapper is None else column.wrapper
        assert field is not None
        dtype = DTYPES[column.format]
        if node.format == "n":
            return np.zeros(node.length, dtype)
        if node.format == PYTHON:
            values = self._objects(column, node, around)
        elif field.enum is not None and (node.format in TEXTS or node.format in VIEWS):
            known = {name.encode(): number for name, number in field.enum.values.items()}
            found = self._named(column.path, node, known, around, digits=True)
            values = found.astype(dtype)
        elif node.dictionary is not None:
            return self._numbers(column, _undictionaried(column, node), around)
        else:
            is_flag = node.format == "b"
            if is_flag is not (column.format == "b") or not (is_flag or node.format in NUMBERS):
                raise _wrong_type(column, node)
            assert node.values is not None
            values = node.values
            if values.dtype.kind == "f" and dtype.kind != "f":
                raise _wrong_type(column, node)
            values = self._narrowed(column, values, dtype, node, around)
        if field.enum is not None and field.enum.is_closed:
            known_numbers = np.unique(np.array(list(field.enum.values.values()), np.int64))
            wrong = ~_among(values, known_numbers)
            self._refuse(column.path, np.flatnonzero(_where(wrong, node)), Misfit.NUMBER, around)
        return values

    def _narrowed(
        self, column: Column, values: Array, dtype: np.dtype[Any], node: Node, around: Around
    ) -> Array:
        """Numbers of another width."""
        if values.dtype == dtype or dtype.kind == "b":
            return values.view(dtype) if dtype.kind == "b" else values
        if dtype.kind == "f":
            with np.errstate(over="ignore", invalid="ignore"):
                found = values.astype(dtype)
                if values.dtype.kind == "f":
                    wrong = np.isinf(found) & np.isfinite(values)
                else:
                    wrong = _rounded(values, found)
            if wrong.any():
                self._refuse(column.path, np.flatnonzero(_where(wrong, node)), Misfit.RANGE, around)
            return found
        known, wanted = np.iinfo(values.dtype), np.iinfo(dtype)
        if (known.min < wanted.min or known.max > wanted.max) and len(values):
            least, most = int(values.min()), int(values.max())
            if least < wanted.min or most > wanted.max:
                wrong = np.zeros(len(values), bool)
                if known.min < wanted.min:
                    wrong |= values < max(wanted.min, known.min)
                if known.max > wanted.max:
                    wrong |= values > min(wanted.max, known.max)
                self._refuse(column.path, np.flatnonzero(_where(wrong, node)), Misfit.RANGE, around)
        return values.astype(dtype)

    def _named(
        self,
        path: str,
        node: Node,
        known: dict[bytes, int],
        around: Around,
        *,
        digits: bool = False,
    ) -> Array:
        """Numbers of names; those of enums that have none may be given by their `digits`."""
        if node.dictionary is not None:
            names = _strings(node.dictionary)
            numbers = [_number_of(name, known, digits) for name in names]
            found = np.array([0 if each is None else each for each in numbers], np.int64)
            if len(found) and found.min() >= 0 and found.max() < 256:
                found = found.astype(np.uint8)
            misses = np.array([each is None for each in numbers], bool)
            assert node.values is not None
            places = _places(path, node, len(names))
            if not len(names):
                return np.zeros(node.length, np.int64)
            if misses.any():
                wrong = _where(misses[places], node)
                self._refuse(path, np.flatnonzero(wrong), Misfit.NAME, around)
            return found[places]
        if node.format == "n":
            return np.zeros(node.length, np.int64)
        if node.format == PYTHON:
            assert node.values is not None
            texts = [
                each.encode() if isinstance(each, str) else b"" for each in node.values.tolist()
            ]
        elif node.format in TEXTS or node.format in VIEWS:
            texts = _strings(node)
        else:
            raise TableError(f"column {path!r} is {node.type}, not the names of an enum or oneof")
        by_name: dict[bytes, int | None] = {
            name: _number_of(name, known, digits) for name in set(texts)
        }
        wrong = np.array([by_name[name] is None for name in texts], bool)
        self._refuse(path, np.flatnonzero(_where(wrong, node)), Misfit.NAME, around)
        return np.array([by_name[name] or 0 for name in texts], np.int64)

    def _objects(self, column: Column, node: Node, around: Around) -> Array:
        """Numbers of Python's, or names of an enum."""
        assert node.values is not None
        field = column.field if column.wrapper is None else column.wrapper
        assert field is not None
        dtype = DTYPES[column.format]
        names = {} if field.enum is None else field.enum.values
        found, kinds = [], []
        for each in node.values.tolist():
            number, misfit = _number(each, dtype, names)
            found.append(number)
            kinds.append(misfit)
        misfits = _where(np.array(kinds, np.uint8), node)
        for misfit in np.unique(misfits[misfits != 0]).tolist():
            self._refuse(column.path, np.flatnonzero(misfits == misfit), Misfit(misfit), around)
        return np.array(found, dtype)

    # -- strings -----------------------------------------------------------------------------

    def _texts(self, column: Column, node: Node, data: Data, around: Around) -> None:
        """Bytes, which are checked where they are to be text."""
        if node.format == "n":
            data.offsets, data.values = np.zeros(node.length + 1, np.int32), np.zeros(0, np.uint8)
            return
        if node.format == PYTHON:
            node = self._encoded(column, node, around)
        elif node.dictionary is not None:
            node = _undictionaried(column, node)
        if node.format not in TEXTS and node.format not in VIEWS and node.format[:2] != "w:":
            raise _wrong_type(column, node)
        assert node.offsets is not None
        assert node.values is not None
        data.offsets, data.values = node.offsets, node.values
        if column.is_utf8 and not _all_texts(node.offsets, node.values):
            texts = _strings(node)
            wrong = np.array([not _is_text(text) for text in texts], bool)
            self._refuse(column.path, np.flatnonzero(_where(wrong, node)), Misfit.UTF8, around)

    def _encoded(self, column: Column, node: Node, around: Around) -> Node:
        """Strings and bytes of Python's."""
        assert node.values is not None
        parts, wrong = [], []
        for each in node.values.tolist():
            part, misfit = _bytes(each, column.is_utf8)
            parts.append(part)
            wrong.append(misfit)
        misfits = _where(np.array(wrong, np.uint8), node)
        for misfit in np.unique(misfits[misfits != 0]).tolist():
            self._refuse(column.path, np.flatnonzero(misfits == misfit), Misfit(misfit), around)
        offsets = np.zeros(len(parts) + 1, np.int64)
        np.cumsum([len(part) for part in parts], out=offsets[1:])
        values = np.frombuffer(b"".join(parts), np.uint8)
        return Node("z", node.length, validity=node.validity, offsets=offsets, values=values)


# -- helpers of the above --------------------------------------------------------------------------


def _is_element(column: Column) -> bool:
    """Whether it is in a list, or the key or value of a map: these are never null."""
    parent = column.parent
    assert parent is not None
    if parent.shape in (Shape.LIST, Shape.MAP):
        return True
    return parent.message is not None and parent.message.is_map_entry


def _where(wrong: Array, node: Node) -> Array:
    """What is wrong of what is there."""
    return wrong if node.validity is None else wrong * node.validity.astype(wrong.dtype)


def _rounded(values: Array, found: Array) -> Array:
    """Which whole numbers have become others as floats."""
    exact = 1 << np.finfo(found.dtype).nmant + 1
    wrong: Array = np.zeros(len(values), bool)
    if values.dtype.itemsize > 2 and len(values):
        far = values > exact
        if values.dtype.kind == "i":
            far |= values < -exact
        for at in np.flatnonzero(far).tolist():
            wrong[at] = int(found[at]) != int(values[at])
    return wrong


def _among(values: Array, known: Array) -> Array:
    """Which values are among some, which are in order."""
    least, most = int(known[0]), int(known[-1])
    if most - least == len(known) - 1:
        found: Array = (values >= least) & (values <= most)
        return found
    if most - least >= SPAN:
        return np.isin(values, known)
    table = np.zeros(most - least + 2, bool)  # with one behind the last, for all others
    table[known - least] = True
    distance = values.astype(np.int64) - least
    distance[(distance < 0) | (distance > most - least)] = most - least + 1
    return table[distance]


def _without(data: Data, validity: Array) -> Data:
    """The same where what is null is empty."""
    assert data.offsets is not None
    there = validity == 1
    found = kept(data, there)
    lengths = np.where(there, data.offsets[1:] - data.offsets[:-1], 0)
    found.length = data.length
    found.offsets = np.concatenate(([0], np.cumsum(lengths)))
    return found


def _places(path: str, node: Node, count: int) -> Array:
    """Places in a dictionary; of what is null any."""
    assert node.values is not None
    places = node.values
    if node.validity is not None:
        places = np.where(node.validity == 1, places, 0)
    if len(places) and (int(places.min()) < 0 or int(places.max()) >= count):
        if not count and node.validity is not None and not node.validity.any():
            return places
        raise TableError(f"{path}: a dictionary has fewer values than the data says")
    return places


def _undictionaried(column: Column, node: Node) -> Node:
    """Values that lie in a dictionary, one after the other."""
    assert node.dictionary is not None
    inner = node.dictionary
    validity = node.validity
    if inner.validity is not None:
        there = inner.validity[_places(column.path, node, inner.length)]
        validity = there if validity is None else validity & there
    if inner.format in NUMBERS or inner.format == "b":
        assert inner.values is not None
        places = _places(column.path, node, inner.length)
        values = inner.values[places] if inner.length else np.zeros(node.length, np.uint8)
        return Node(inner.format, node.length, validity=validity, values=values)
    if inner.format not in TEXTS and inner.format not in VIEWS:
        raise _wrong_type(column, node)
    texts = _strings(inner)
    places = _places(column.path, node, len(texts)).tolist()
    parts = [texts[place] for place in places] if texts else [b""] * node.length
    offsets = np.zeros(node.length + 1, np.int64)
    np.cumsum([len(part) for part in parts], out=offsets[1:])
    values = np.frombuffer(b"".join(parts), np.uint8)
    return Node(inner.format, node.length, validity=validity, offsets=offsets, values=values)


def _strings(node: Node) -> list[bytes]:
    """Values one by one."""
    assert node.offsets is not None
    assert node.values is not None
    data, ends = node.values.tobytes(), node.offsets.tolist()
    return [data[first:last] for first, last in pairwise(ends)]


def _all_texts(offsets: Array, values: Array) -> bool:
    """Whether all strings are valid UTF-8."""
    first, last = int(offsets[0]), int(offsets[-1])
    if first or offsets.dtype.itemsize != 4:
        offsets = (offsets - first).astype("<u4")
    return are_texts(values[first:last], offsets)


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _number_of(name: bytes, known: dict[bytes, int], may_be_digits: bool) -> int | None:
    """The number of a name; what has none may be given by its digits, as it is read."""
    if (number := known.get(name)) is not None or not may_be_digits:
        return number
    digits = name.removeprefix(b"-")
    if digits.isdigit() and len(digits) < 11 and -(1 << 31) <= int(name) < 1 << 31:
        return int(name)
    return None


def _number(value: Any, dtype: np.dtype[Any], names: dict[str, int]) -> tuple[Any, int]:
    """A number of Python's, and what is wrong with it."""
    if isinstance(value, str) and names:
        found = names.get(value)
        return (0, Misfit.NAME) if found is None else (found, 0)
    if dtype.kind == "b":
        return (value, 0) if isinstance(value, bool | np.bool_) else (False, Misfit.TYPE)
    if isinstance(value, bool | np.bool_):
        return 0, Misfit.TYPE
    if dtype.kind == "f":
        if not isinstance(value, int | float | np.integer | np.floating):
            return 0.0, Misfit.TYPE
        try:
            number = float(value)
        except OverflowError:
            return 0.0, Misfit.RANGE
        if dtype.itemsize == 4 and abs(number) > _LARGEST and number not in _INFINITE:
            return 0.0, Misfit.RANGE
        return number, 0
    if not isinstance(value, int | np.integer):
        return 0, Misfit.TYPE
    limits = np.iinfo(dtype)
    return (int(value), 0) if limits.min <= value <= limits.max else (0, Misfit.RANGE)


_INFINITE = (float("inf"), float("-inf"))
_LARGEST = float(np.finfo("f4").max)
"""The largest float of 32 bits."""


def _bytes(value: Any, is_utf8: bool) -> tuple[bytes, int]:
    """A string or bytes of Python's, and what is wrong with it."""
    if isinstance(value, str):
        try:
            return value.encode(), 0
        except UnicodeEncodeError:
            return b"", Misfit.UTF8
    if isinstance(value, bytes | bytearray | memoryview):
        data = bytes(value)
        return (b"", Misfit.UTF8) if is_utf8 and not _is_text(data) else (data, 0)
    return b"", Misfit.TYPE


def _times(column: Column, node: Node) -> list[Data]:
    """Seconds and nanoseconds of times; those of negative durations are both negative."""
    assert node.values is not None
    unit = UNITS[node.format[2]]
    seconds = node.values // unit
    rest = node.values - seconds * unit
    if node.format.startswith("tD"):
        is_split = (seconds < 0) & (rest > 0)
        seconds, rest = seconds + is_split, rest - is_split * unit
    parts = {"seconds": seconds, "nanos": (rest * (NANOSECONDS // unit)).astype("<i4")}
    return [Data(child, node.length, values=parts[child.name]) for child in column.children]


def _wrong_type(column: Column, node: Node) -> TableError:
    from jitvm.guests.wire.table import type_of

    hint = ""
    if node.format in "efg" and column.shape is Shape.FIXED:
        hint = "; cast it (a column with nulls becomes floats in pandas: take a nullable type)"
    return TableError(
        f"column {column.path!r} is {node.type}, which does not fit {type_of(column)}{hint}"
    )


def _similar(name: str, known: set[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, known, 1)
    return f"; did you mean {close[0]!r}" if close else ""
