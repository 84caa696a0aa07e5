"""Recorded sessions: all external input of a program, so that it can be replayed.

Without the host's clock and files, and without a user, a replayed program shows the same pictures
and plays the same sound at every tier. A session is a text file with one JSON object per line:

    {"session": 1, "jitvm": "0.1.0", "rom": "<sha256>", "args": [...], "files": true, ...}
    {"frame": 0, "clock": [[2024, 1, 29, ...], 3]}
    {"frame": 12, "events": ["press A", "move 10 20"], "picture": "3f1c2a9be0d4571c"}
    {"frame": 13, "files": [[0, "read 32", 32, "aGVsbG8="]], "sound": "09d1c2b7aa34f58e"}
    {"end": 600, "state": 128}
    {"check": 1893722901}

Frame 0 is the reset vector and the command line. Frames without input that look and sound like the
previous one have no line. Its keys:

    events   user input, as in an input script
    clock    reads of the clock: a time is read from here on, a number says how often
    files    operations of the File devices: device, request, success, returned bytes; success is
             null if it failed
    picture  hash of the picture, if it has changed; sound: of the samples, if they have changed

The end is the number of frames, and System/state. The check is the CRC-32 of all previous lines.

This file reads sessions; `recorder` writes them and `replayer` runs them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import struct_time
from typing import TYPE_CHECKING, Any

from jitvm.platform.script import ScriptError, parse_events
from jitvm.platform.sessions import SessionError
from jitvm.version import __version__

if TYPE_CHECKING:
    from jitvm.guests.uxn.varvara.program import Rom
    from jitvm.platform.events import Event

VERSION = 1
"""Of the format."""

MAX_SIZE = 256 << 20
"""Most bytes taken of a file: hours of a program that reads the clock and a file in each frame."""

MAX_READS = 1 << 24
"""Most reads of the clock taken of a session: each takes memory."""

Json = dict[str, Any]

REMOVE = "delete"
"""What is asked of a File device, as text: this, or what the functions below give."""


def read_request(size: int) -> str:
    """Read up to `size` bytes."""
    return f"read {size}"


def write_request(data: memoryview, *, append: bool) -> str:
    """Write these bytes."""
    return f"{'append' if append else 'write'} {len(data)} {zlib.crc32(data):08x}"


def describe_request(width: int) -> str:
    """Describe a file in `width` characters."""
    return f"stat {width}"


def checksum(rom: Rom) -> str:
    """A digest that identifies a program: SHA-256, in hexadecimal."""
    return hashlib.sha256(rom.data).hexdigest()


@dataclass(frozen=True, slots=True)
class FileCall:
    """An operation of a File device.

    Attributes:
        device: 0 or 1.
        request: what was asked for, without the path.
        success: how many bytes, as the program is told; None if it failed.
        data: what memory was given.
    """

    device: int
    request: str
    success: int | None
    data: bytes = b""


@dataclass(slots=True)
class Inputs:
    """What came in during one frame, apart from events."""

    clock: list[struct_time] = field(default_factory=list)
    files: list[FileCall] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RecordedFrame:
    """A frame of a session; `picture` and `sound` are hashes, None if they are as before."""

    events: tuple[Event, ...] = ()
    inputs: Inputs = field(default_factory=Inputs)
    picture: str | None = None
    sound: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A recorded session.

    Attributes:
        name: of its file.
        jitvm: the version that recorded it.
        rom: SHA-256 of the program, in hexadecimal.
        args: the program's command line.
        has_files: whether the program had any files.
        has_sound: whether the frame loop rendered sound.
        length: frames, not counting frame 0.
        state: System/state at the end.
        frames: those that have a line, by number.
    """

    name: str
    jitvm: str
    rom: str
    args: tuple[str, ...]
    has_files: bool
    has_sound: bool
    length: int
    state: int
    frames: dict[int, RecordedFrame]

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Session:
        """Read a session, all of it.

        Raises:
            SessionError: the file cannot be read, is damaged, cut off, or of another version.
        """
        name = os.fspath(path)
        try:
            with open(name, "rb") as file:
                data = file.read(MAX_SIZE + 1)
        except OSError as error:
            raise SessionError(f"{name}: cannot be read: {error.strerror}") from error
        if len(data) > MAX_SIZE:
            raise SessionError(f"{name}: is longer than {MAX_SIZE >> 20} MiB; is it a session?")
        return _Reader(name, data).session()


# -- reading -------------------------------------------------------------------------------------


class _Reader:
    """Makes a session of the bytes of its file."""

    def __init__(self, name: str, data: bytes) -> None:
        self._name = name
        self._data = data
        self._time: struct_time | None = None
        self._reads = 0

    def session(self) -> Session:
        lines = self._data.split(b"\n")
        head = self._header(lines[0])
        self._check(lines)
        end = _object(lines[-3])
        if end is None or not (_is_count(end.get("end")) and _is_count(end.get("state"))):
            raise SessionError(
                f"{self._name}:{len(lines) - 2}: its end is damaged; record the session again"
            )
        frames: dict[int, RecordedFrame] = {}
        for number, line in enumerate(lines[1:-3], 2):
            try:
                found = _object(line)
                if found is None or not _is_count(found.get("frame")):
                    raise ValueError("a line is a JSON object with the number of its frame")
                frames[found["frame"]] = self._frame(found)
            except (ValueError, TypeError, OverflowError, ScriptError) as error:
                raise SessionError(
                    f"{self._name}:{number}: makes no sense: {error}; record the session again"
                ) from error
        return Session(
            name=self._name,
            jitvm=str(head["jitvm"]),
            rom=str(head["rom"]),
            args=tuple(head["args"]),
            has_files=bool(head["files"]),
            has_sound=bool(head["sound"]),
            length=end["end"],
            state=end["state"],
            frames=frames,
        )

    def _header(self, line: bytes) -> Json:
        head = _object(line)
        if head is None or "session" not in head:
            raise SessionError(f"{self._name}: is not a recorded session")
        if head["session"] != VERSION:
            raise SessionError(
                f"{self._name}: is a session of version {head['session']}, recorded with "
                f"jitvm {head.get('jitvm')}; jitvm {__version__} reads version {VERSION}"
            )
        if not {"jitvm", "rom", "args", "files", "sound"} <= head.keys():
            raise SessionError(f"{self._name}:1: its first line is damaged")
        args = head["args"]
        if not (isinstance(args, list) and all(isinstance(arg, str) for arg in args)):
            raise SessionError(f"{self._name}:1: its arguments are no list of strings")
        return head

    def _check(self, lines: list[bytes]) -> None:
        """Be sure that the file is whole."""
        last = _object(lines[-2]) if len(lines) > 3 and not lines[-1] else None
        if last is None or "check" not in last:
            raise SessionError(
                f"{self._name}: is cut off in line {len(lines)}: its recording did not end; "
                "record it again"
            )
        size = len(self._data) - len(lines[-2]) - 1
        if zlib.crc32(self._data[:size]) != last["check"]:
            raise SessionError(f"{self._name}: is damaged: its checksum is wrong")

    def _frame(self, line: Json) -> RecordedFrame:
        return RecordedFrame(
            events=tuple(event for text in line.get("events", ()) for event in _parsed(text)),
            inputs=Inputs(
                list(self._clock(line.get("clock", ()))),
                [_file_call(*call) for call in line.get("files", ())],
            ),
            picture=_hash(line.get("picture")),
            sound=_hash(line.get("sound")),
        )

    def _clock(self, words: list[int | list[int]]) -> Iterator[struct_time]:
        for word in words:
            if isinstance(word, list):
                if not all(type(part) is int for part in word):
                    raise ValueError("a time is made of whole numbers")
                self._time = struct_time(word)
            elif self._time is None:
                raise ValueError("a read of the clock before there is a time")
            elif not _is_count(word):
                raise ValueError("a read of the clock is a time or a count")
            else:
                self._reads += word
                if self._reads > MAX_READS:
                    raise ValueError(f"more than {MAX_READS} reads of the clock")
                yield from [self._time] * word


def _parsed(text: object) -> tuple[Event, ...]:
    if not isinstance(text, str):
        raise ValueError("an event is a string")
    return parse_events(text)


def _is_count(value: object) -> bool:
    # JSON's true and false are numbers to Python, and its numbers have no end.
    return type(value) is int and 0 <= value < 1 << 32


def _hash(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise ValueError("a hash is a string")


def _file_call(device: object, request: object, success: object, data: object) -> FileCall:
    """An operation as its line has it, of the types and sizes a program can meet."""
    if type(device) is not int or device not in (0, 1):
        raise ValueError("a File device is 0 or 1")
    if not isinstance(request, str) or not isinstance(data, str):
        raise ValueError("an operation and its data are strings")
    if success is not None and (type(success) is not int or not 0 <= success <= 0xFFFF):
        raise ValueError("the success of an operation is null or 0 to 65535")
    return FileCall(device, request, success, base64.b64decode(data, validate=True))


def _object(line: bytes) -> Json | None:
    """The JSON object of a line; None if there is none."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):  # the latter: nested too deep
        return None
    return found if isinstance(found, dict) else None
