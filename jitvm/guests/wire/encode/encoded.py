"""Messages that were written: side by side, with what tells where each begins.

Encoded ── data, lengths        one buffer
        ├─ list(it)             bytes
        ├─ to_arrow()           an Arrow array of binary values; or hand it over (PyCapsule)
        └─ file.write(it.data)  behind their lengths, if they were asked for so
"""

from __future__ import annotations

from bisect import bisect_right
from functools import partial
from itertools import pairwise

import numpy as np

from jitvm.guest.light import cached_property
from jitvm.guests.wire.columns import Column, RowSpace, Shape
from jitvm.guests.wire.data import Data

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Any

    from jitvm.guests.wire.data import Array
    from jitvm.guests.wire.pool import OutputSpace


class Piece:
    """Messages that lie side by side.

    Attributes:
        data: their bytes, uint8.
        offsets: int32, one more than there are messages.
        nulls: which are null; they have no bytes.
    """

    __slots__ = ("data", "nulls", "offsets")

    def __init__(self, data: Array, offsets: Array, nulls: Iterable[int] = ()) -> None:
        self.data = data
        self.offsets = offsets
        self.nulls = frozenset(nulls)

    @staticmethod
    def of(
        space: OutputSpace, begin: int, end: int, starts: int, count: int, nulls: Iterable[int] = ()
    ) -> Piece:
        """Messages in some memory: their bytes, and words of 4 bytes, one more than there are
        messages, that tell where each begins."""
        data: Array = np.frombuffer(space.buffer(begin, end - begin), np.uint8)
        words: Array = np.frombuffer(space.buffer(starts, 4 * (count + 1)), "<u4")
        return Piece(data, (words - np.uint32(begin)).view("<i4"), nulls)

    @staticmethod
    def empty() -> Piece:
        """One without messages."""
        return Piece(np.zeros(0, np.uint8), np.zeros(1, "<i4"))

    def among(self, there: Array) -> Piece:
        """The same messages, in this order, where something is there; null elsewhere."""
        sizes = np.zeros(len(there), "<i4")
        sizes[there] = np.diff(self.offsets)
        offsets = np.zeros(len(there) + 1, "<i4")
        np.cumsum(sizes, out=offsets[1:])
        return Piece(self.data, offsets, np.flatnonzero(~there).tolist())

    def __len__(self) -> int:
        return len(self.offsets) - 1


class Pieces:
    """Messages in their order, as buffers and as Arrow's data.

    Libraries that take Arrow's data take it as an array of binary values:
    ``pyarrow.chunked_array(encoded)``, ``polars.Series(encoded)``.

    Args:
        pieces: they lie in so many pieces: more than one where they have more than 2 GiB.

    Attributes:
        pieces: the same.
    """

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = list(pieces)

    def __len__(self) -> int:
        return sum(map(len, self.pieces))

    @property
    def nbytes(self) -> int:
        """Bytes of all messages, with what stands in front of them."""
        return sum(len(piece.data) for piece in self.pieces)

    @cached_property
    def data(self) -> memoryview:
        """All of them side by side, as bytes. Nothing is copied unless there are 2 GiB."""
        if not self.pieces:
            return memoryview(b"")
        if len(self.pieces) == 1:
            whole = self.pieces[0].data
        else:
            whole = np.concatenate([piece.data for piece in self.pieces])
        shown: Any = whole  # NumPy's stubs lack the protocol
        return memoryview(shown).toreadonly()

    @property
    def lengths(self) -> Array:
        """Bytes of each message, with what stands in front of it: an array of int64."""
        found = [np.diff(piece.offsets) for piece in self.pieces]
        return np.concatenate([*found, np.zeros(0, np.int64)]).astype(np.int64)

    def listed(self) -> list[bytes | None]:
        """A list of them; None for those that are null."""
        found: list[bytes | None] = []
        for piece in self.pieces:
            found += _listed(piece)
        return found

    def one(self, index: int) -> bytes | None:
        """One message; None where it is null.

        Raises:
            IndexError: there is none.
        """
        ends = np.cumsum([len(piece) for piece in self.pieces]).tolist()
        count = ends[-1] if ends else 0
        place = index + count if index < 0 else index
        if not 0 <= place < count:
            raise IndexError(f"there are {count} messages, and none {index}")
        which = bisect_right(ends, place)
        piece = self.pieces[which]
        at = place - (ends[which - 1] if which else 0)
        if at in piece.nulls:
            return None
        return piece.data[piece.offsets[at] : piece.offsets[at + 1]].tobytes()

    # -- Arrow -----------------------------------------------------------------------------------

    def __arrow_c_schema__(self) -> object:
        """A capsule of the type: binary."""
        from jitvm.guests.wire.arrow import schema_capsule, schema_export

        return schema_capsule(schema_export(_BINARY))

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """A capsule of a stream of its pieces."""
        from jitvm.guests.wire.arrow import column_export, exported_stream, schema_export

        parts = [column_export(_shown(piece)) for piece in self.pieces]
        return exported_stream(partial(schema_export, _BINARY), iter(parts))

    def to_arrow(self) -> Any:
        """A `pyarrow.ChunkedArray` that shows the same memory.

        Raises:
            ModuleNotFoundError: pyarrow is not there.
        """
        from jitvm.guests.wire.table import needed

        return needed("pyarrow").chunked_array(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {len(self)} messages, {self.nbytes} bytes>"


class Encoded(Pieces):
    """Messages, in the order of their rows; none is null."""

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            yield from _whole(piece)

    def __getitem__(self, index: int) -> bytes:
        """One message.

        Raises:
            IndexError: there is none.
        """
        found = self.one(index)
        assert found is not None
        return found

    def to_list(self) -> list[bytes]:
        """A list of them."""
        return list(self)


_BINARY = Column("", Shape.BYTES, RowSpace(0, None), None)
_BINARY.format = "z"
_BINARY.is_nullable = True


def _shown(piece: Piece) -> Data:
    validity = None
    if piece.nulls:
        validity = np.ones(len(piece), np.uint8)
        validity[list(piece.nulls)] = 0
    return Data(_BINARY, len(piece), validity, piece.offsets, piece.data)


def _whole(piece: Piece) -> list[bytes]:
    data, ends = piece.data.tobytes(), piece.offsets.tolist()
    return [data[first:last] for first, last in pairwise(ends)]


def _listed(piece: Piece) -> list[bytes | None]:
    found: list[bytes | None] = [*_whole(piece)]
    for row in piece.nulls:
        found[row] = None
    return found
