"""Snapshots of a run, thinned out as they become old: `Moments`.

    time  0 ........ | ... | .. | . | .||||  now

Of a program's state, most is zeros or as it was: it is pickled and compressed, some tens of
kilobytes of a Varvara computer. When all together are larger than they may be, the one goes whose
neighbours are nearest to each other, measured by how long ago they are. So going back a little is
fast, and going back far takes in proportion to how far.

A moment in the middle of an act holds its *base*, a moment between two acts: Python's generators,
which say what an act does next, cannot be copied, so the acts from there on are performed again,
until the vector at hand begins, which then goes on with the state of the moment
(`jitvm.debugger.history`).
"""

from __future__ import annotations

import pickle
import zlib
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

LEVEL = 1
"""Of compression: the fastest."""


@dataclass(slots=True)
class Moment:
    """A snapshot, and where in the run it was taken.

    Attributes:
        time: instructions before it.
        act: the number of the act at hand.
        state: the computer's, compressed.
        mark: of the tape.
        written: bytes of standard output and standard error before it.
        frame: frames that were complete.
        edits: changes by the user before it.
        is_begun: whether the act has begun. The following say how far it has got:
        fed: bytes of input that were taken.
        vector: the number of the vector at hand, from 0; -1 before the first.
        share: what is left of a share of instructions.
        is_unfinished: whether a vector is in the middle.
        base: the moment to begin from, for one in the middle of vectors; see the head of this file.
    """

    time: int
    act: int
    state: bytes = field(repr=False)
    mark: int
    written: tuple[int, int]
    frame: int
    edits: int
    is_begun: bool = False
    fed: int = 0
    vector: int = -1
    share: int | None = None
    is_unfinished: bool = False
    base: Moment | None = None

    @property
    def size(self) -> int:
        """Bytes that it takes, about."""
        return len(self.state) + 200


def packed(state: Any) -> bytes:
    """A state as a moment keeps it."""
    return zlib.compress(pickle.dumps(state, pickle.HIGHEST_PROTOCOL), LEVEL)


def unpacked(state: bytes) -> Any:
    """The state that a moment of this process keeps."""
    return pickle.loads(zlib.decompress(state))


class Moments:
    """Moments in the order of time, which take no more memory than they may.

    Args:
        most: bytes of all together.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.size = 0
        self._all: list[Moment] = []

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Moment]:
        return iter(self._all)

    @property
    def last(self) -> Moment:
        """The latest."""
        return self._all[-1]

    def add(self, moment: Moment) -> None:
        """Keep one more, and perhaps one less."""
        self._all.insert(bisect_right(self._all, moment.time, key=_time), moment)
        self.size += moment.size
        while self.size > self.most and len(self._all) > 2:
            self._thin_out()

    def at(self, time: int) -> Moment:
        """The latest that is not after a time."""
        return self._all[max(bisect_right(self._all, time, key=_time) - 1, 0)]

    def before(self, time: int) -> Moment | None:
        """The latest before a time."""
        found = self.at(time - 1)
        return found if found.time < time else None

    def cut(self, time: int) -> None:
        """Forget those after a time."""
        keep = bisect_right(self._all, time, key=_time)
        self.size -= sum(moment.size for moment in self._all[keep:])
        del self._all[keep:]

    def _thin_out(self) -> None:
        now = self._all[-1].time

        def gap(i: int) -> float:
            width = self._all[i + 1].time - self._all[i - 1].time
            return width / (now - self._all[i].time + 1)

        least = min(range(1, len(self._all) - 1), key=gap)
        self.size -= self._all.pop(least).size


def _time(moment: Moment) -> int:
    return moment.time
