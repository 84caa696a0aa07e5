"""All events of the JIT so far, for readers that come and go at their own pace.

    journal(event)              on the guest's or the compile thread: counted, and kept in a ring
    journal.since(cursor)       on a reader's thread: what is new, as far as it is still kept

A reader that is too slow misses events but never a count: totals are kept apart from the ring. So
no reader can block the writer or make memory grow.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from jitvm.engine.tables import events

if TYPE_CHECKING:
    from jitvm.engine.tables.events import Event

Key = TypeVar("Key")

KEPT = 65536
"""Events in the ring."""
PLACES = 4096
"""Places whose refusals and overwrites are counted separately; others are counted together."""


@dataclass(frozen=True, slots=True)
class News:
    """What a reader has not seen.

    Attributes:
        cursor: where to go on reading.
        missed: events that were dropped before they could be read.
    """

    cursor: int
    missed: int
    events: tuple[Event, ...]


class Journal:
    """A listener of one machine.

    Attributes:
        kinds: events by kind.
        refused: refusals by reason and address.
        overwritten: overwrites of compiled code by address.
        failing: exits that were reported as hot, by reason and start of their region.
    """

    def __init__(self) -> None:
        self._ring: deque[Event] = deque(maxlen=KEPT)
        self._lock = Lock()
        self.total = 0
        self.kinds: Counter[str] = Counter()
        self.refused: Counter[tuple[str, int]] = Counter()
        self.overwritten: Counter[int] = Counter()
        self.failing: Counter[tuple[str, int]] = Counter()

    def __call__(self, event: Event) -> None:
        """Take an event; from any thread."""
        with self._lock:
            self._ring.append(event)
            self.total += 1
            self.kinds[event.kind] += 1
            if isinstance(event, events.Refused):
                _count(self.refused, (event.reason, event.address), (event.reason, -1))
            elif isinstance(event, events.Overwritten):
                _count(self.overwritten, event.address, -1)
            elif isinstance(event, events.ExitHot):
                _count(self.failing, (event.reason, event.address), (event.reason, -1))

    def since(self, cursor: int, most: int = KEPT) -> News:
        """The last events after the first `cursor` ever, at most `most` of them."""
        with self._lock:
            unread = self.total - cursor
            fresh = min(unread, len(self._ring), most)
            last = tuple(islice(reversed(self._ring), fresh))
            return News(self.total, unread - fresh, last[::-1])

    def totals(self) -> dict[str, int]:
        """How many events of each kind there were."""
        with self._lock:
            return dict(self.kinds)

    def places(
        self,
    ) -> tuple[dict[tuple[str, int], int], dict[int, int], dict[tuple[str, int], int]]:
        """Copies of `refused`, `overwritten` and `failing`; address -1 is for all others."""
        with self._lock:
            return dict(self.refused), dict(self.overwritten), dict(self.failing)


def _count(counter: Counter[Key], key: Key, others: Key) -> None:
    counter[key if key in counter or len(counter) < PLACES else others] += 1
