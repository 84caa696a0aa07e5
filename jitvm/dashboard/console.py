"""The last part of what was printed and answered, for readers that come and go.

transcript.append("...")         on any thread
transcript.since(cursor)         text after the first `cursor` characters, as far as kept
replies.append(row)
replies.since(cursor)            likewise, of rows
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jitvm.dashboard.source import Message

KEPT = 1 << 16
"""Characters."""
REPLIES = 200
"""Rows of replies."""


class Transcript:
    """The last `KEPT` characters of a text that grows. `total`: how many there ever were."""

    def __init__(self) -> None:
        self._text = ""
        self._lock = Lock()
        self.total = 0

    def append(self, text: str) -> None:
        """Add text at the end."""
        with self._lock:
            self.total += len(text)
            joined = self._text + text
            self._text = joined if len(joined) <= 2 * KEPT else joined[-KEPT:]

    def since(self, cursor: int) -> tuple[int, int, str]:
        """New cursor, number of dropped characters, and the text after the first `cursor` ones."""
        with self._lock:
            unread = self.total - cursor
            fresh = min(unread, len(self._text), KEPT)
            return self.total, unread - fresh, self._text[len(self._text) - fresh :]


class Replies:
    """The last `REPLIES` rows of a list that grows. `total`: how many there ever were."""

    def __init__(self) -> None:
        self._rows: deque[Message] = deque(maxlen=REPLIES)
        self._lock = Lock()
        self.total = 0

    def append(self, row: Message) -> None:
        """Add a row at the end."""
        with self._lock:
            self.total += 1
            self._rows.append(row)

    def since(self, cursor: int) -> tuple[int, list[Message]]:
        """New cursor, and the rows after the first `cursor` ones, as far as kept."""
        with self._lock:
            fresh = min(self.total - cursor, len(self._rows))
            return self.total, list(islice(self._rows, len(self._rows) - fresh, None))
