"""Canonical form in bulk: messages are read to columns, put in order, and written again.

    messages --Reader--> Data --ordered--> Data --Writer--> messages

What a reader reads is what messages mean, and a writer has one way to write it: fields in their
order, each once, packed where the schema says so. What is left to do is the order of entries of
maps, and of unknown fields, and what columns have as bytes because types are nested too deep: these
messages are understood one by one (`meaning`).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from jitvm.guests.wire.columns import Column, Shape, TooManyColumns
from jitvm.guests.wire.data import Data
from jitvm.guests.wire.encode.encoded import Piece
from jitvm.guests.wire.encode.writing import Writer
from jitvm.guests.wire.faults import Fault
from jitvm.guests.wire.maps import kept
from jitvm.guests.wire.project.meaning import Meaning
from jitvm.guests.wire.project.passing import past, rewritten, tag_at
from jitvm.guests.wire.project.selection import Fate
from jitvm.guests.wire.reading import DEPTHS, DecodeError, Reader
from jitvm.guests.wire.table import RowError

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator

    from jitvm.guests.wire.data import Array
    from jitvm.guests.wire.messages import Messages
    from jitvm.guests.wire.project.selection import Part, Selection


class NoColumns(Exception):
    """A selection that columns cannot show."""


class Canonical:
    """Writes messages in their canonical form.

    Args:
        selection: what is kept of them.
        where, errors: as for `Reader`.

    Raises:
        NoColumns: there are no columns for what is kept; `Meaning` does without.
    """

    def __init__(self, selection: Selection, where: str | None, errors: str) -> None:
        fields = _paths(selection.root, "")
        longest = max((path.count(".") + 1 for path in fields or ()), default=1)
        unknown = selection.root.keeps_unknown
        message, errors = selection.message, errors
        for depth in DEPTHS if fields is None else (max(DEPTHS[0], longest),):
            try:
                self._reader = Reader(
                    message, fields=fields, where=where, errors=errors, depth=depth,
                    wrappers=False, unknown=unknown,
                )  # fmt: skip
                self._writer = Writer(
                    message, fields=fields, depth=depth, wrappers=False, unknown=unknown
                )
                break
            except TooManyColumns:
                continue
        else:
            raise NoColumns
        self._meaning = Meaning(keeps_unknown=unknown)

    def written(
        self, piece: Messages, first: int, last: int, *, delimited: bool
    ) -> tuple[list[Piece], list[RowError]]:
        """Some messages in canonical form, and what could not be read, counted from the first.

        Raises:
            DecodeError: as `Reader.read` does.
            Bad: what is nested too deep for columns is wrong.
        """
        offsets = np.asarray(piece.offsets[first : last + 1])
        data = piece.data[int(offsets[0]) : int(offsets[-1])]
        try:
            table = self._reader.read(data, np.diff(offsets))
        except DecodeError as error:
            raise DecodeError(_named(error.error, piece, first)) from None
        errors = [_named(error, piece, first) for error in table.errors]
        found: list[Piece] = []
        for each in table.parts():
            there, part = each.validity, each
            if there is not None and not there.all():
                part = kept(each, there == 1)
            ordered = self._ordered(part)
            encoded = self._writer.write_columns([ordered], delimited=delimited)
            if part is not each:
                assert there is not None
                (one,) = encoded.pieces or [Piece.empty()]
                found.append(one.among(there == 1))
            else:
                found += encoded.pieces
        return found, errors

    # -- order -----------------------------------------------------------------------------------

    def _ordered(self, data: Data) -> Data:
        """Values in canonical order, with all below them."""
        column = data.column
        found = Data(column, data.length, data.validity, data.offsets, data.values)
        found.children = [
            self._ordered(child) for child in data.children if child.column.shape is not Shape.ONEOF
        ]
        if column.is_raw or column.is_unknown:
            return self._rewritten(found)
        return _by_key(found) if column.shape is Shape.MAP else found

    def _rewritten(self, data: Data) -> Data:
        """Bytes that are messages, or unknown fields, in their canonical form."""
        assert data.offsets is not None
        assert data.values is not None
        if data.offsets[0] == data.offsets[-1]:
            return data
        raw, ends = data.values.tobytes(), data.offsets.tolist()
        parts = [self._anew(data.column, raw[a:b]) if a != b else b"" for a, b in pairwise(ends)]
        data.offsets = np.concatenate(([0], np.cumsum([len(part) for part in parts])))
        data.values = np.frombuffer(b"".join(parts), np.uint8)
        return data

    def _anew(self, column: Column, raw: bytes) -> bytes:
        shown = memoryview(raw)
        if column.is_raw:
            assert column.field is not None
            assert column.field.message is not None
            message = column.field.message
            return self._meaning.written(self._meaning.parsed(shown, message), message)
        dropped = _dropped(column.parent)
        fields = sorted(_fields(shown), key=lambda each: each[0])
        return b"".join(field for number, field in fields if number not in dropped)


def _dropped(struct: Column | None) -> set[int]:
    """Numbers of fields that have no column."""
    assert struct is not None
    assert struct.message is not None
    return {each.number for each in struct.message.fields if struct.child_of(each) is None}


def _fields(data: memoryview) -> Iterator[tuple[int, bytes]]:
    """Numbers and bytes of fields."""
    place, end = 0, len(data)
    while place < end:
        tag, begin = tag_at(data, place, end)
        place = past(data, begin, end, tag, end)
        yield tag >> 3, rewritten(data[:place], begin, tag)


def _named(error: RowError, piece: Messages, first: int) -> RowError:
    """An error of a message that is null is that."""
    if first + error.row in piece.nulls:
        return RowError(error.row, 0, "", Fault.NULL)
    return error


def _paths(part: Part, path: str) -> list[str] | None:
    """The paths of what is kept in a message; None for all of it."""
    if all(fate is Fate.KEEP for fate in part.fates.values()):
        return None
    found: list[str] = []
    for number, fate in part.fates.items():
        field = part.by_number[number]
        name = f"{path}.{field.name}" if path else field.name
        if part.message.is_map_entry and not part.keeps(field):
            raise NoColumns
        if fate is Fate.ENTER and part.keeps(field):
            inner = _paths(part.inner(field), name)
            found += [name] if inner is None else inner
        elif fate is Fate.KEEP:
            found.append(name)
    if not found:
        raise NoColumns
    return found


# -- maps ----------------------------------------------------------------------------------------


def _by_key(map: Data) -> Data:
    """A map with the entries of each row in the order of their keys."""
    assert map.offsets is not None
    lengths = np.diff(map.offsets)
    if int(lengths.max(initial=0)) < 2:
        return map
    entries = map.children[0]
    key = entries.children[0]
    assert key.values is not None
    rows = np.repeat(np.arange(map.length), lengths)
    if key.offsets is None:
        order = np.lexsort((key.values, rows))
    else:
        heads = _heads(key)
        order = np.lexsort((heads, rows))
        _settle(order, heads, rows, key)
    if (order[1:] > order[:-1]).all():
        return map
    offsets = map.offsets - map.offsets[0]
    return Data(map.column, map.length, map.validity, offsets, None, [_picked(entries, order)])


def _heads(key: Data) -> Array:
    """The first eight bytes of strings, as numbers that are in the order of strings."""
    assert key.offsets is not None
    assert key.values is not None
    padded = np.zeros(len(key.values) + 8, np.uint8)
    padded[: len(key.values)] = key.values
    words = np.ndarray((len(padded) - 7,), ">u8", padded, strides=(1,))
    sizes = np.minimum(np.diff(key.offsets), 8).astype("u8")
    shift = 8 * (8 - sizes)
    heads = words[key.offsets[:-1]].astype("u8")
    found: Array = np.where(sizes == 0, 0, heads >> np.minimum(shift, 63) << np.minimum(shift, 63))
    return found


def _settle(order: Array, heads: Array, rows: Array, key: Data) -> None:
    """Put keys in order that begin with the same eight bytes."""
    assert key.offsets is not None
    assert key.values is not None
    is_tie = (heads[order[1:]] == heads[order[:-1]]) & (rows[order[1:]] == rows[order[:-1]])
    if not is_tie.any():
        return
    raw, ends = key.values.tobytes(), key.offsets
    edges = np.flatnonzero(np.diff(np.concatenate(([0], is_tie.astype(np.int8), [0]))))
    for first, last in edges.reshape(-1, 2).tolist():
        some = order[first : last + 1].tolist()
        some.sort(key=lambda at: raw[ends[at] : ends[at + 1]])
        order[first : last + 1] = some


def _picked(data: Data, places: Array) -> Data:
    """Some values, in the order of their places, with all below them."""
    found = Data(data.column, len(places))
    if data.validity is not None:
        found.validity = data.validity[places]
    inner = places
    if data.offsets is not None:
        lengths = np.diff(data.offsets)[places]
        found.offsets = np.concatenate(([0], np.cumsum(lengths)))
        starts = np.repeat(data.offsets[:-1][places] - found.offsets[:-1], lengths)
        inner = starts + np.arange(int(found.offsets[-1]))
    if data.values is not None:
        found.values = data.values[inner]
    found.children = [_picked(child, inner) for child in data.children]
    return found
