"""The latest states of a run, in memory, so that it can be gone back in.

    state 1    | page a | page b | page c |
    state 2    |   "    | page d |   "    |     what is the same is there once
    state 3    |   "    |   "    | page e |

Long pieces of bytes are cut into pages, which are compressed unless they are those of the state
before. From one moment of a program to the next few are not. When all together take more than they
may, the oldest state goes.
"""

from __future__ import annotations

import zlib
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jitvm.platform.device import Plain

PAGE = 4096
LEVEL = 1
"""Of compression: the fastest."""
OVERHEAD = 600
"""Bytes that a state takes besides its pages, about."""


class _Pages:
    """A long piece of bytes."""

    __slots__ = ("pages",)

    def __init__(self, pages: list[bytes]) -> None:
        self.pages = pages

    def joined(self) -> bytes:
        return b"".join(map(zlib.decompress, self.pages))


class Ring:
    """States in the order they were taken, which take no more memory than they may.

    Args:
        most: bytes of all together; the latest is kept whatever it takes.

    Attributes:
        size: bytes they take, about.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.size = 0
        self._states: deque[Any] = deque()
        self._latest: Plain = None

    def __len__(self) -> int:
        return len(self._states)

    def add(self, state: Plain) -> None:
        """Keep one more, and perhaps fewer old ones."""
        before = self._states[-1] if self._states else None
        kept = _kept(state, self._latest, before)
        self._states.append(kept)
        self._latest = state
        self.size += _extra(kept, before)
        while self.size > self.most and len(self._states) > 1:
            oldest = self._states.popleft()
            self.size -= _extra(oldest, self._states[0])

    def pop(self) -> Plain:
        """Take the latest away."""
        latest, kept = self._latest, self._states.pop()
        before = self._states[-1] if self._states else None
        self.size -= _extra(kept, before)
        self._latest = _whole(before)
        return latest

    def clear(self) -> None:
        """Forget all of them."""
        self._states.clear()
        self._latest, self.size = None, 0


def _kept(value: Any, raw: Any, before: Any) -> Any:
    """A value as it is kept, with what it shares with the one before.

    Args:
        value: to be kept.
        raw: the one before, as it was given.
        before: the one before, as it is kept.
    """
    if isinstance(value, tuple):
        if not isinstance(raw, tuple) or len(raw) != len(value):
            raw = before = (None,) * len(value)
        return tuple(map(_kept, value, raw, before))
    if not isinstance(value, bytes) or len(value) <= PAGE:
        return value
    if not isinstance(before, _Pages) or len(raw) != len(value):
        return _Pages([_page(value, at) for at in range(0, len(value), PAGE)])
    if value == raw:
        return before
    return _Pages([
        old if value[at : at + PAGE] == raw[at : at + PAGE] else _page(value, at)
        for at, old in zip(range(0, len(value), PAGE), before.pages, strict=True)
    ])  # fmt: skip


def _page(value: bytes, at: int) -> bytes:
    return zlib.compress(value[at : at + PAGE], LEVEL)


def _extra(kept: Any, other: Any) -> int:
    """Bytes that a value takes and another one does not share."""
    return OVERHEAD + _own(kept, other)


def _own(kept: Any, other: Any) -> int:
    if isinstance(kept, tuple):
        if not isinstance(other, tuple) or len(other) != len(kept):
            other = (None,) * len(kept)
        return sum(map(_own, kept, other))
    if not isinstance(kept, _Pages) or kept is other:
        return 0
    if not isinstance(other, _Pages) or len(other.pages) != len(kept.pages):
        return sum(map(len, kept.pages))
    pairs = zip(kept.pages, other.pages, strict=True)
    return sum(len(page) for page, one in pairs if page is not one)


def _whole(kept: Any) -> Any:
    """A value as it was given."""
    if isinstance(kept, tuple):
        return tuple(map(_whole, kept))
    return kept.joined() if isinstance(kept, _Pages) else kept
