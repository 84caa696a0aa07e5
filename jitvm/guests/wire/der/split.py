"""Values that stand one behind the other, each of which tells where it ends."""

from __future__ import annotations

from array import array

from jitvm.guests.wire.faults import Fault
from jitvm.guests.wire.records.tagging import NoHead, content, tag_size

LARGEST = (1 << 31) - 1
"""Bytes of the largest value there may be."""


class BrokenValue(Exception):
    """What comes behind so many values is none."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count


class Found:
    """Values that were found.

    Attributes:
        blocks: where each begins and ends, and 1: int64.
        behind: where the last one that is whole ends.
        wanted: bytes that the next one has, if that is known, else 0.
    """

    __slots__ = ("_words", "behind", "wanted")

    def __init__(self, words: array[int], behind: int, wanted: int) -> None:
        self._words = words
        self.behind = behind
        self.wanted = wanted

    @property
    def blocks(self) -> memoryview:
        return memoryview(self._words)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._words) // 3


def split(view: memoryview, at: int = 0) -> Found:
    """The values of a buffer from a place on.

    Raises:
        BrokenValue: what stands there is no value, and will not become one.
    """
    words = array("q")
    end, wanted = len(view), 0
    while at < end:
        try:
            behind = content(view, at + tag_size(view, at, end), end)[1]
        except NoHead as error:
            if error.fault is Fault.TRUNCATED:
                break
            raise BrokenValue(len(words) // 3) from None
        if behind - at > LARGEST:
            raise BrokenValue(len(words) // 3)
        if behind > end:
            wanted = behind - at
            break
        words.extend((at, behind, 1))
        at = behind
    return Found(words, at, wanted)
