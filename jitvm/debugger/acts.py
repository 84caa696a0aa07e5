"""The life of a program as *acts*: what its computer is told to do, one after the other.

    boot      what comes before input and frames
    feed      bytes of standard input, an event each
    end       the end of standard input
    frame     a frame, with the user's events

The acts of a run are kept, so they can be played again. A `Source` says what comes next where
nothing is kept: what the user has typed, a file, a script of events.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jitvm.platform.computer import Computer
    from jitvm.platform.events import Event
    from jitvm.platform.script import Script

CHUNK = 4096
"""Bytes of standard input that are one act at most."""


class Kind(Enum):
    """What an act is."""

    BOOT = "boot"
    FEED = "input"
    END = "end of input"
    FRAME = "frame"


@dataclass(slots=True)
class Act:
    """One act: its bytes, if it feeds; its events, if it is a frame."""

    kind: Kind
    data: bytes = b""
    events: tuple[Event, ...] = ()


class Source:
    """What comes next.

    Args:
        stdin: standard input.
        is_whole: whether nothing comes behind it.
        script: the user's events, by frames.

    Attributes:
        events: those for the next frame, besides the script's.
    """

    def __init__(
        self, stdin: bytes = b"", *, is_whole: bool = False, script: Script | None = None
    ) -> None:
        self._stdin = stdin
        self._is_whole = is_whole
        self._script = script
        self.events: tuple[Event, ...] = ()

    def type(self, data: bytes) -> None:
        """More standard input."""
        self._stdin += data

    def close(self) -> None:
        """Standard input ends."""
        self._is_whole = True

    def give_back(self, acts: list[Act]) -> None:
        """Acts will come again that have not been, or not in full."""
        self._stdin = b"".join(act.data for act in acts) + self._stdin
        self._is_whole |= any(act.kind is Kind.END for act in acts)

    @property
    def waiting(self) -> int:
        """Bytes of standard input that nobody has read."""
        return len(self._stdin)

    def next(self, before: list[Act], computer: Computer) -> Act | None:
        """The act after those before; None if the program has ended, or waits for input."""
        if not before:
            return Act(Kind.BOOT)
        if computer.is_ended or before[-1].kind is Kind.END:
            return None
        if computer.is_graphical:
            number = computer.frames.number + 1
            scripted = () if self._script is None else self._script.at(number)
            events, self.events = (*scripted, *self.events), ()
            return Act(Kind.FRAME, events=events)
        if not computer.listens:
            return None
        if self._stdin:
            data, self._stdin = self._stdin[:CHUNK], self._stdin[CHUNK:]
            return Act(Kind.FEED, data)
        return Act(Kind.END) if self._is_whole else None
