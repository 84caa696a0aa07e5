"""Messages of the protocol: a header with their length, then a JSON object.

    Content-Length: 119\\r\\n
    \\r\\n
    {"seq": 3, "type": "request", "command": "continue", "arguments": {"threadId": 1}}

What is no message ends a session where nobody can tell where the next one begins (`FramingError`);
JSON that makes no sense is answered, and the next message is read.
"""

from __future__ import annotations

import json
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import BinaryIO

Json = dict[str, Any]

LONGEST = 16 << 20
"""Bytes of the longest message that is taken."""
LONGEST_HEADER = 4096


class FramingError(ValueError):
    """What comes in is no message, nor is it known where the next one begins."""


class RequestError(ValueError):
    """A request that cannot be done; the message says why."""


def read_message(stream: BinaryIO) -> Json | None:
    """The next message; None at the end of the stream.

    Raises:
        FramingError: there is none.
        RequestError: there is one that is no JSON object.
    """
    size: int | None = None
    read = 0
    while True:
        line = stream.readline(LONGEST_HEADER)
        read += len(line)
        if not line:
            if read:
                raise FramingError("the input ends in the middle of a header")
            return None
        if read > LONGEST_HEADER or not line.endswith(b"\n"):
            raise FramingError(f"a header has at most {LONGEST_HEADER} bytes")
        line = line.strip()
        if not line:
            break
        name, colon, value = line.partition(b":")
        if not colon:
            raise FramingError("a line of a header is NAME: VALUE")
        if name.strip().lower() == b"content-length":
            text = value.strip()
            if not text.isdigit() or len(text) > 9 or int(text) > LONGEST:
                raise FramingError(f"the length of a message is a number up to {LONGEST}")
            size = int(text)
    if size is None:
        raise FramingError("a header without Content-Length")
    data = stream.read(size)
    if len(data) < size:
        raise FramingError("the input ends in the middle of a message")
    try:
        message = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"no JSON: {error}") from error
    if not isinstance(message, dict):
        raise RequestError("a message is a JSON object")
    return message


class Writer:
    """Writes messages, numbered, from any thread."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = Lock()
        self._number = 0

    def write(self, message: Json) -> None:
        """Write one; nothing where nobody reads any more."""
        with self._lock:
            self._number += 1
            data = json.dumps({"seq": self._number, **message}).encode()
            try:
                self._stream.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
                self._stream.flush()
            except (OSError, ValueError):
                return

    def event(self, name: str, **body: object) -> None:
        """Tell of something."""
        self.write({"type": "event", "event": name, "body": body})


class Arguments:
    """The arguments of a request, with their types looked at."""

    def __init__(self, given: object) -> None:
        if given is not None and not isinstance(given, dict):
            raise RequestError("arguments are an object")
        self._given: Json = given or {}

    def __contains__(self, name: str) -> bool:
        return self._given.get(name) is not None

    def text(self, name: str, otherwise: str | None = None) -> str:
        """A string.

        Raises:
            RequestError: it is missing, or something else; also the following.
        """
        return str(self._typed(name, str, otherwise))

    def number(self, name: str, otherwise: int | None = None) -> int:
        """A whole number."""
        return int(self._typed(name, int, otherwise))

    def truth(self, name: str) -> bool:
        """Yes or no; no if it is missing."""
        return bool(self._typed(name, bool, False))

    def rows(self, name: str) -> list[Arguments]:
        """A list of objects; none if it is missing."""
        return [Arguments(each) for each in self._typed(name, list, [])]

    def texts(self, name: str) -> list[str]:
        """A list of strings; none if it is missing."""
        found = self._typed(name, list, [])
        if not all(isinstance(each, str) for each in found):
            raise RequestError(f"{name} is a list of strings")
        return list(found)

    def inner(self, name: str) -> Arguments:
        """An object; an empty one if it is missing."""
        return Arguments(self._typed(name, dict, {}))

    def _typed(self, name: str, kind: type, otherwise: Any) -> Any:
        found = self._given.get(name)
        if found is None:
            if otherwise is None:
                raise RequestError(f"{name} is missing")
            return otherwise
        if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
            raise RequestError(f"{name} is no {kind.__name__}")
        return found
