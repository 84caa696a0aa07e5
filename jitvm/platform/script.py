r"""Input scripts: user input, frame by frame, as plain text.

    # frame  what            frames count from 1; blank lines and comments are skipped
    10       key a           one key: a character, or one of: backspace tab enter esc delete,
    10       key 0x1b        or a byte
    +5       text "hello\n"  five frames after the previous line; one event per byte of UTF-8
    20       press A left    buttons go down, as one event: A B select start up down left right
    22       release A left  ... and up
    22       press A pad 2   the same on pad 2, 3 or 4
    24       keydown q       a key goes down, of a guest whose keys are held: a character or one of
    25       keyup q         backspace tab enter escape delete; ... and up
    30       move 100 50     the pointer is at this pixel
    31       click 1         mouse button 1 left, 2 middle, 3 right: down and up again
    32       down 1          only down
    40       up 1            only up
    41       wheel 0 -1      steps to the right and down
    50       stdin "abc\x00" bytes on standard input
    51       eof             its end
    60       reset           start the program over; `reset soft` keeps the zero page

Lines are ordered by frame; those of one frame happen in the order they are written. Strings are in
double quotes and support \n \r \t \e \\ \" and, for a byte, \x and two digits; what
is not ASCII is UTF-8. In `text` bytes of 0x80 and more make up UTF-8, too.

Scripts can be written back: ``parse_script(str(script)) == script``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable

from jitvm.engine.tables.struct import Struct
from jitvm.platform import events
from jitvm.platform.events import Button, Event
from jitvm.platform.widetext import wide_encoding

MAX_SIZE = 16 << 20
"""Most bytes taken of a script file."""

MAX_FRAME = 10**9

_KEYS = {"backspace": 0x08, "tab": 0x09, "enter": 0x0D, "esc": 0x1B, "delete": 0x7F}
_KEY_NAMES = {byte: name for name, byte in _KEYS.items()}
_BUTTONS = {button.name.lower(): button for button in Button if button.name}
_SHOWN = {Button.A: "A", Button.B: "B"}

_WORD = re.compile(r'\s*(?:(#.*)|"((?:[^"\\]|\\.)*)"(?=\s|$)|([^\s"]+)(?=\s|$))')
_NUMBER = re.compile(r"-?[0-9]{1,10}|0x[0-9a-fA-F]{1,8}", re.ASCII)
_ESCAPE = re.compile(rb"\\(x[0-9a-fA-F]{2}|.)", re.DOTALL)
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"e": b"\x1b", b"\\": b"\\", b'"': b'"'}
_SIGNS = {byte[0]: sign.decode() for sign, byte in _ESCAPED.items()}


class ScriptError(Exception):
    """An input script cannot be read; the message says where and what is expected."""


class Script(Struct, frozen=True):
    """Events by frame.

    Attributes:
        frames: what happens at each frame that has something; frames rise, none is empty.
    """

    frames: dict[int, tuple[Event, ...]]

    @property
    def last(self) -> int:
        """The last frame with an event; 0 if there is none."""
        return max(self.frames, default=0)

    def at(self, frame: int) -> tuple[Event, ...]:
        """The events of a frame."""
        return self.frames.get(frame, ())

    def __str__(self) -> str:
        return "".join(
            f"{frame} {event_text(event)}\n"
            for frame, happened in self.frames.items()
            for event in happened
        )


def make_script(events: Iterable[tuple[int, Event]]) -> Script:
    """Gather (frame, event) in the order they happen.

    Raises:
        ValueError: a frame is smaller than the one before it, or than 1.
    """
    frames: dict[int, tuple[Event, ...]] = {}
    last = 1
    for frame, event in events:
        if frame < last:
            raise ValueError(f"frame {frame} comes after frame {last}")
        frames[frame] = (*frames.get(frame, ()), event)
        last = frame
    return Script(frames)


def load_script(path: str | os.PathLike[str]) -> Script:
    """Read a script from a file.

    Raises:
        ScriptError: the file cannot be read or has an error.
    """
    name = os.fspath(path)
    try:
        with open(name, "rb") as file:
            data = file.read(MAX_SIZE + 1)
    except OSError as error:
        raise ScriptError(f"{name}: cannot be read: {error.strerror}") from error
    if len(data) > MAX_SIZE:
        raise ScriptError(f"{name}: is longer than {MAX_SIZE >> 20} MiB; is it an input script?")
    encoding = wide_encoding(data)
    if encoding is not None:
        raise ScriptError(f"{name}: is {encoding} text; save it as UTF-8")
    try:
        # Editors put a byte order mark before UTF-8; it is no part of the first line.
        return parse_script(data.decode("utf-8-sig"), name)
    except UnicodeDecodeError as error:
        raise ScriptError(f"{name}: is not UTF-8 text, at byte {error.start}") from None


def parse_script(text: str, name: str = "<script>") -> Script:
    """Read a script.

    Args:
        text: its lines.
        name: what errors call it.

    Raises:
        ScriptError: with the name, the line and what is expected there.
    """
    happened: list[tuple[int, Event]] = []
    frame = 0
    for number, line in enumerate(text.split("\n"), 1):
        try:
            words = _words(line)
            if words:
                frame = _frame(words[0], frame)
                happened += ((frame, event) for event in _events(words[1:]))
        except ValueError as error:
            raise ScriptError(f"{name}:{number}: {error}") from None
    return make_script(happened)


def parse_events(text: str) -> tuple[Event, ...]:
    """Read what follows the frame in a line of a script; a click is two events.

    Raises:
        ScriptError: with what is expected.
    """
    try:
        return _events(_words(text))
    except ValueError as error:
        raise ScriptError(f"{text!r}: {error}") from None


# -- reading; all raise ValueError with what is expected -------------------------------------------


class _Quoted(Struct, frozen=True):
    """A string of a line, as bytes."""

    data: bytes


_Word = str | _Quoted


def _words(line: str) -> list[_Word]:
    words: list[_Word] = []
    at, end = 0, len(line.rstrip())
    while at < end:
        found = _WORD.match(line, at)
        if found is None:
            rest = line[at:].strip()
            if rest.startswith('"'):
                raise ValueError(f'{rest}: a string ends with ", and a space behind it')
            raise ValueError(f"{rest}: quotes belong around a whole word")
        comment, quoted, plain = found.groups()
        if comment is not None:
            break
        words.append(plain if quoted is None else _Quoted(_unescaped(quoted)))
        at = found.end()
    return words


def _unescaped(text: str) -> bytes:
    def replace(found: re.Match[bytes]) -> bytes:
        code = found[1]
        if len(code) == 3:
            return bytes([int(code[1:], 16)])
        if code not in _ESCAPED:
            known = r"\n \r \t \e \\ \" or \x and two hexadecimal digits"
            raise ValueError(f"\\{code.decode('utf-8', 'replace')} is unknown; take {known}")
        return _ESCAPED[code]

    return _ESCAPE.sub(replace, text.encode("utf-8"))


def _frame(word: _Word, before: int) -> int:
    expected = f"a line begins with its frame, 1 to {MAX_FRAME}, or + and frames since the last"
    if isinstance(word, _Quoted) or not re.fullmatch(r"\+?[0-9]{1,10}", word, re.ASCII):
        raise ValueError(f"{_shown(word)}: {expected}")
    frame = before + int(word) if word.startswith("+") else int(word)
    if not 1 <= frame <= MAX_FRAME:
        raise ValueError(f"{word}: {expected}")
    if frame < before:
        raise ValueError(f"{word}: lines go in order of frames, and the one before has {before}")
    return frame


def _events(words: list[_Word]) -> tuple[Event, ...]:
    command = words[0] if words else None
    if not isinstance(command, str) or command not in _COMMANDS:
        given = "nothing" if command is None else _shown(command)
        raise ValueError(f"{given}: what happens is one of: {' '.join(_COMMANDS)}")
    usage, make = _COMMANDS[command]
    try:
        return make(words[1:])
    except _UsageError:
        raise ValueError(f"{command} is written: {usage}") from None


class _UsageError(Exception):
    """The words after a command are not valid for it."""


def _numbers(words: list[_Word], count: int) -> list[int]:
    if len(words) != count:
        raise _UsageError
    return [_number(word) for word in words]


def _number(word: _Word) -> int:
    if isinstance(word, _Quoted) or not _NUMBER.fullmatch(word):
        raise _UsageError
    return int(word, 0) if word.startswith("0x") else int(word)


def _string(words: list[_Word]) -> bytes:
    if len(words) != 1 or not isinstance(words[0], _Quoted):
        raise _UsageError
    return words[0].data


def _key(words: list[_Word]) -> tuple[Event, ...]:
    if len(words) != 1:
        raise _UsageError
    word = words[0]
    text = _utf8(word.data) if isinstance(word, _Quoted) else word
    if len(text) == 1:
        return (events.Key(ord(text)) if text.isascii() else events.Text(text),)
    if isinstance(word, _Quoted):
        raise _UsageError
    return (events.Key(_KEYS[word] if word in _KEYS else _number(word)),)


def _utf8(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("text is UTF-8; send other bytes with `key 0xff`") from None


def _pad(make: type[events.Press | events.Release], words: list[_Word]) -> tuple[Event, ...]:
    pad = 1
    if len(words) > 2 and words[-2] == "pad":
        pad = _number(words[-1])
        words = words[:-2]
    buttons = 0
    for word in words:
        if isinstance(word, _Quoted) or word.lower() not in _BUTTONS:
            raise _UsageError
        buttons |= _BUTTONS[word.lower()]
    if not buttons:
        raise _UsageError
    return (make(int(buttons), pad),)


def _held(make: type[events.KeyDown | events.KeyUp], words: list[_Word]) -> tuple[Event, ...]:
    if len(words) != 1:
        raise _UsageError
    word = words[0]
    return (make(word if isinstance(word, str) else _utf8(word.data)),)


def _eof(words: list[_Word]) -> tuple[Event, ...]:
    _numbers(words, 0)
    return (events.EndOfInput(),)


def _reset(words: list[_Word]) -> tuple[Event, ...]:
    if words not in ([], ["soft"]):
        raise _UsageError
    return (events.Reset(soft=bool(words)),)


_Command = tuple[str, Callable[[list[_Word]], tuple[Event, ...]]]
"""How a command is written, and what turns the words after it into events."""


def _pad_command(name: str, make: type[events.Press | events.Release]) -> _Command:
    buttons = "A B select start up down left right"
    usage = f"{name} BUTTONS, or {name} BUTTONS pad 2; buttons are: {buttons}"
    return usage, lambda words: _pad(make, words)


def _held_command(name: str, make: type[events.KeyDown | events.KeyUp]) -> _Command:
    usage = f"{name} CHARACTER, or one of: {' '.join(events.KEYS)}"
    return usage, lambda words: _held(make, words)


def _mouse_command(name: str, *makes: type[events.MouseDown | events.MouseUp]) -> _Command:
    usage = f"{name} BUTTON, with 1 left, 2 middle, 3 right"
    return usage, lambda words: tuple(make(*_numbers(words, 1)) for make in makes)


_COMMANDS: dict[str, _Command] = {
    "key": (f"key CHARACTER, a byte as 0x1b, or one of: {' '.join(_KEYS)}", _key),
    "text": ('text "..."', lambda words: (events.Text(_utf8(_string(words))),)),
    "press": _pad_command("press", events.Press),
    "release": _pad_command("release", events.Release),
    "keydown": _held_command("keydown", events.KeyDown),
    "keyup": _held_command("keyup", events.KeyUp),
    "move": ("move X Y", lambda words: (events.Move(*_numbers(words, 2)),)),
    "click": _mouse_command("click", events.MouseDown, events.MouseUp),
    "down": _mouse_command("down", events.MouseDown),
    "up": _mouse_command("up", events.MouseUp),
    "wheel": ("wheel X Y", lambda words: (events.Wheel(*_numbers(words, 2)),)),
    "stdin": ('stdin "..."', lambda words: (events.Stdin(_string(words)),)),
    "eof": ("eof, and nothing else", _eof),
    "reset": ("reset, or reset soft", _reset),
}


# -- writing -------------------------------------------------------------------------------------


def event_text(event: Event) -> str:
    """An event as it is written in a script, without its frame."""
    match event:
        case events.Press(buttons, pad):
            return f"press {_button_names(buttons, pad)}"
        case events.Release(buttons, pad):
            return f"release {_button_names(buttons, pad)}"
        case events.Key(byte):
            return f"key {_key_name(byte)}"
        case events.Text(text):
            return f"text {_quoted(text.encode('utf-8'), is_text=True)}"
        case events.KeyDown(key):
            return f"keydown {_held_name(key)}"
        case events.KeyUp(key):
            return f"keyup {_held_name(key)}"
        case events.Move(x, y):
            return f"move {x} {y}"
        case events.MouseDown(button):
            return f"down {button}"
        case events.MouseUp(button):
            return f"up {button}"
        case events.Wheel(x, y):
            return f"wheel {x} {y}"
        case events.Stdin(data):
            return f"stdin {_quoted(data)}"
        case events.EndOfInput():
            return "eof"
        case events.Reset(soft):
            return "reset soft" if soft else "reset"


def _button_names(buttons: int, pad: int) -> str:
    names = [_SHOWN.get(button, name) for name, button in _BUTTONS.items() if buttons & button]
    return " ".join(names if pad == 1 else [*names, "pad", str(pad)])


def _key_name(byte: int) -> str:
    char = chr(byte)
    if byte in _KEY_NAMES:
        return _KEY_NAMES[byte]
    return char if byte < 0x80 and char.isprintable() and char not in ' "#' else f"0x{byte:02x}"


def _held_name(key: str) -> str:
    return _quoted(key.encode("utf-8"), is_text=True) if key in ' "#' else key


def _quoted(data: bytes, *, is_text: bool = False) -> str:
    """Bytes as a string of a script: text as it is, bytes that are none by their numbers."""
    text = data.decode("utf-8", "strict" if is_text else "surrogateescape")
    return '"' + "".join(map(_sign, text)) + '"'


def _sign(char: str) -> str:
    code = ord(char)
    if code in _SIGNS:
        return f"\\{_SIGNS[code]}"
    if char.isprintable():
        return char
    return "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))


def _shown(word: _Word) -> str:
    return word if isinstance(word, str) else _quoted(word.data)
