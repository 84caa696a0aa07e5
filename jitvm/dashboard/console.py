"""The last part of a program's output, for readers that come and go.

transcript.append("...")         on any thread
transcript.since(cursor)         text after the first `cursor` characters, as far as kept
"""

from __future__ import annotations

from threading import Lock

KEPT = 1 << 16
"""Characters."""


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
