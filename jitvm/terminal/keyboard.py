"""Input from a terminal as events of the guest.

    bytes      a key that has one; text in UTF-8
    CSI ...    keys without one: arrows, function keys; with kitty's protocol, all keys, up and down
    CSI < ...  the pointer, in characters or pixels

Buttons of the first pad are the arrows, Home for start, and Ctrl, Alt and Shift for A, B and
select. An ordinary terminal reports these three only together with another key, so F6, F7 and F8
stand in for them; and it does not report that a key goes up, so a button is released automatically,
a moment after its last repeat (see `Decoder.expired`).

Sources: ECMA-48; xterm control sequences; sw.kovidgoyal.net/kitty/keyboard-protocol.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from itertools import groupby

from jitvm.platform import events
from jitvm.platform.events import Button, Event

HOLD = 0.15
"""Seconds that a button stays down in a terminal that does not tell when it goes up."""

_MOMENT = 0.02
"""Seconds in which the rest of a sequence follows its Escape."""

ENABLE_RELEASES, DISABLE_RELEASES = b"\x1b[>27u", b"\x1b[<u"
ENABLE_PASTES, DISABLE_PASTES = b"\x1b[?2004h", b"\x1b[?2004l"
ENABLE_POINTER = b"\x1b[?1003h\x1b[?1006h"
ENABLE_PIXELS = b"\x1b[?1016h"
DISABLE_POINTER = b"\x1b[?1003l\x1b[?1016l\x1b[?1006l"

KEYS_HELP = """\
keys in a terminal:
  F3, Ctrl-C   quit
  F4, F5       start the program over; F5 keeps the zero page
  Insert, End  save its state in a file; go on from the state that was saved last
  Page Up      go back while it is held
  F9, F10      pause and resume; run a single frame and pause
  F11, F12     half the speed, down to an eighth; twice the speed, up to eight times
buttons of the first pad:
  arrows, Home (start); Ctrl or F6 (A), Alt or F7 (B), Shift or F8 (select)
"""


class Command(Enum):
    """What the user asks of whoever shows the program."""

    QUIT = "quit"
    PAUSE = "pause"
    STEP = "step"
    SLOWER = "slower"
    FASTER = "faster"
    RESET = "reset"
    SOFT_RESET = "soft reset"
    SAVE = "save"
    LOAD = "load"
    REWIND = "rewind"
    GO_ON = "go on"


@dataclass(frozen=True, slots=True)
class Pasted:
    """Text was pasted."""

    text: str


Told = Event | Command | Pasted

Action = Command | Button
KEYS: dict[str, Action] = {
    "A": Button.UP, "B": Button.DOWN, "C": Button.RIGHT, "D": Button.LEFT, "H": Button.START,
    "17": Button.A, "18": Button.B, "19": Button.SELECT,
    "R": Command.QUIT, "S": Command.RESET, "15": Command.SOFT_RESET,
    "2": Command.SAVE, "F": Command.LOAD, "5": Command.REWIND,
    "20": Command.PAUSE, "21": Command.STEP, "23": Command.SLOWER, "24": Command.FASTER,
}  # fmt: skip
"""What keys without a byte do, by the letter or number that ends their sequence."""
_NUMBERED = {1: "H", 4: "F", 7: "H", 8: "F", 11: "P", 12: "Q", 13: "R", 14: "S"}
"""Numbers of keys that have a letter as well."""
_MODIFIERS = ((4, Button.A), (2, Button.B), (1, Button.SELECT))
"""Bits of a key's modifiers: Ctrl, Alt, Shift."""
_CTRL, _ALT, _SHIFT = 4, 2, 1
_ARROWS = "ABCDH"
_LOCKS = 0xC0
_MODIFIER_KEYS = {57441: Button.SELECT, 57442: Button.A, 57443: Button.B}
_BYTES = {127: 0x08, 57414: 0x0D}
"""Keys whose byte is another than their number: backspace, and Enter on the keypad."""
_PRIVATE = range(57344, 63744)
"""Numbers of keys that type nothing."""
_DELETE_KEY, _DELETE, _BACKSPACE, _ESCAPE = 3, 0x7F, 0x08, 0x1B

_SEQUENCE = re.compile(
    rb"\x1b\[(?P<csi>[<?=>]?[0-9;:]{0,64})[ -/]*(?P<end>[@-~])"
    rb"|\x1bO(?P<ss3>[@-~])"
    rb"|\x1b[_P][^\x1b]*\x1b\\"
)
_PARTIAL = re.compile(rb"\x1b(\[[0-9;:<?=>]*[ -/]*|O|[_P][^\x1b]*\x1b?)?")
_PASTE_BEGIN, _PASTE_END = 200, b"\x1b[201~"
_LONGEST_PASTE = 1 << 20
"""Bytes after which one is taken to be over, as a terminal may have forgotten its end."""
_LONGEST = 256
"""Bytes after which what began like a sequence is none."""


class _Action(IntEnum):
    PRESS = 1
    REPEAT = 2
    RELEASE = 3


class Decoder:
    """Makes events of bytes, which may come in any pieces.

    Args:
        pixel_at: the guest's pixel at a place of the terminal, in characters from 0 on.
        cell: width and height of a character in the pointer's units.
        tells_releases: whether the terminal reports when keys go up.
        holds_keys: whether keys go down and up (KeyDown, KeyUp), instead of being typed; where
            the terminal does not tell, they go up by themselves, as buttons do.
        keys: what keys without a byte do.
        chars: what keys do that would type a character otherwise, in lower case.
    """

    def __init__(
        self,
        pixel_at: Callable[[float, float], tuple[int, int]],
        *,
        cell: tuple[int, int] = (1, 1),
        tells_releases: bool = False,
        holds_keys: bool = False,
        keys: Mapping[str, Action] = KEYS,
        chars: Mapping[str, Action] | None = None,
    ) -> None:
        self._keys = keys
        self._chars = chars or {}
        self._pixel_at = pixel_at
        self._cell = cell
        self._tells_releases = tells_releases
        self._rest = b""
        self._now = 0.0
        self._down: dict[Button, float] = {}
        self._holds_keys = holds_keys
        self._held: dict[str, float] = {}
        self._rewinds_since: float | None = None
        self._paste: bytes | None = None

    def decode(self, data: bytes, now: float) -> Iterator[Told]:
        """Events of what has come; an Escape that nothing follows for a moment is the key.

        Args:
            data: the bytes.
            now: the time in seconds.
        """
        for told in self._given(data, now):
            if self._holds_keys and isinstance(told, events.Key | events.Text):
                yield from self._hold(chr(told.byte) if isinstance(told, events.Key) else told.text)
            else:
                yield told

    def _given(self, data: bytes, now: float) -> Iterator[Told]:
        """As `_typed`, but characters whose keys do something else do that."""
        for told in self._typed(data, now):
            if not self._chars or not isinstance(told, events.Key | events.Text):
                yield told
                continue
            text = chr(told.byte) if isinstance(told, events.Key) else told.text
            for does, run in groupby(text, lambda char: self._chars.get(char.lower())):
                if does is None:
                    rest = "".join(run)
                    yield told if rest == text else events.Text(rest)
                else:
                    for _ in run:
                        yield from self._act(does, _Action.PRESS)

    def _hold(self, text: str) -> Iterator[Event]:
        """Keys of what was typed go down, until they expire; those that are down stay so."""
        for char in text:
            name = events.key_name(char)
            if name is not None:
                if name not in self._held:
                    yield events.KeyDown(name)
                self._held[name] = self._now

    def _typed(self, data: bytes, now: float) -> Iterator[Told]:
        """Events for a guest that takes typed text."""
        if self._rest == b"\x1b" and not data:
            if now - self._now >= _MOMENT:
                self._rest = b""
                yield events.Key(_ESCAPE)
            return
        self._now = now
        data, self._rest = self._rest + data, b""
        while data:
            if self._paste is not None:
                data = yield from self._pasted(data)
                continue
            found = _SEQUENCE.match(data)
            if found:
                data = data[found.end() :]
                yield from self._sequence(found)
            elif len(data) < _LONGEST and _PARTIAL.fullmatch(data):
                self._rest = data
                return
            else:
                data = yield from self._plain(data)

    def _pasted(self, data: bytes) -> Generator[Told, None, bytes]:
        """What was pasted, when its end has come; returns the bytes after it."""
        assert self._paste is not None
        self._paste += data
        text, end, rest = self._paste.partition(_PASTE_END)
        if not end and len(self._paste) < _LONGEST_PASTE:
            return b""
        self._paste = None
        yield Pasted(text.decode("utf-8", "replace"))
        return rest

    def expired(self, now: float) -> Iterator[Told]:
        """Releases of buttons and keys that were held long enough."""
        if self._rewinds_since is not None and now - self._rewinds_since >= HOLD:
            self._rewinds_since = None
            yield Command.GO_ON
        for button, since in [*self._down.items()]:
            if now - since >= HOLD:
                del self._down[button]
                yield events.Release(button)
        for name, since in [*self._held.items()]:
            if now - since >= HOLD:
                del self._held[name]
                yield events.KeyUp(name)

    # -- bytes -------------------------------------------------------------------------------

    def _plain(self, data: bytes) -> Generator[Told, None, bytes]:
        """Events of the first bytes; returns the bytes after them."""
        byte = data[0]
        if byte == _ESCAPE:
            yield from self._escaped(data[1:2])
            return data[2:]
        if byte in (0x0D, 0x09, _BACKSPACE, _DELETE):
            yield events.Key(_BACKSPACE if byte == _DELETE else byte)
            return data[1:]
        if byte == 0x03:
            yield Command.QUIT
            return data[1:]
        if byte < 0x20:
            if byte:
                yield from self._with(Button.A, events.Key(byte | 0x60))
            return data[1:]
        text, rest = _text(data)
        if text:
            yield events.Text(text)
        elif len(rest) < 4:
            self._rest = rest  # the beginning of a character
            return b""
        else:
            return rest[1:]
        return rest

    def _escaped(self, char: bytes) -> Iterator[Told]:
        """Alt and a character, or the Escape key twice."""
        if char == b"\x1b" or not 0x20 <= char[0] < 0x80:
            yield events.Key(_ESCAPE)
            if char[0] == _ESCAPE:
                yield events.Key(_ESCAPE)
            return
        yield from self._with(Button.B, events.Key(_BACKSPACE if char[0] == _DELETE else char[0]))

    @staticmethod
    def _with(button: Button, key: events.Key) -> Iterator[Event]:
        yield from (events.Press(button), key, events.Release(button))

    # -- sequences ---------------------------------------------------------------------------

    def _sequence(self, found: re.Match[bytes]) -> Iterator[Told]:
        if found["ss3"]:
            yield from self._named(found["ss3"].decode(), 0, _Action.PRESS)
            return
        if found["csi"] is None:
            return  # an answer that comes late
        parameters, end = found["csi"].decode(), found["end"].decode()
        if parameters[:1] == "<":
            yield from self._pointer(parameters[1:], is_down=end == "M")
            return
        if parameters[:1] in ("?", "=", ">"):
            return
        fields = [[int(part or 0) for part in field.split(":")] for field in parameters.split(";")]
        fields += [[1]] * (2 - len(fields))
        number = fields[0][0]
        modifiers = max(0, fields[1][0] - 1) & ~_LOCKS
        action = _Action(fields[1][1]) if fields[1][1:] in ([1], [2], [3]) else _Action.PRESS
        if end == "u":
            typed = "".join(map(_char, fields[2])) if fields[2:] else ""
            yield from self._key(number, modifiers, action, typed)
        elif end == "~" and number == _DELETE_KEY:
            if action is not _Action.RELEASE:
                yield events.Key(_DELETE)
        elif end == "~" and number == _PASTE_BEGIN:
            self._paste = b""
        elif end == "~":
            yield from self._named(_NUMBERED.get(number, f"{number}"), modifiers, action)
        else:
            yield from self._named(end, modifiers, action)

    def _named(self, name: str, modifiers: int, action: _Action) -> Iterator[Told]:
        """A key that has a letter: an arrow, Home, F1 to F4, or the number of another.

        Modifiers of an arrow are buttons, if the terminal does not report them separately.
        """
        does = self._keys.get(name)
        if isinstance(does, Button) and name in _ARROWS and not self._tells_releases:
            for bit, other in _MODIFIERS:
                if modifiers & bit:
                    yield from self._button(other, action)
        if does is not None:
            yield from self._act(does, action)

    def _act(self, does: Action, action: _Action) -> Iterator[Told]:
        """What a key does goes on, or ends."""
        if isinstance(does, Button):
            yield from self._button(does, action)
        elif does is Command.REWIND:
            yield from self._rewind(action)
        elif action is _Action.PRESS or (action is _Action.REPEAT and does is Command.STEP):
            yield does

    def _rewind(self, action: _Action) -> Iterator[Told]:
        if action is _Action.RELEASE:
            yield Command.GO_ON
            return
        if not self._tells_releases:
            self._rewinds_since = self._now
        if action is _Action.PRESS:
            yield Command.REWIND

    def _button(self, button: Button, action: _Action) -> Iterator[Event]:
        """A button goes down (again if it is held) or up."""
        if action is _Action.RELEASE:
            yield events.Release(button)
            return
        if not self._tells_releases:
            self._down[button] = self._now
        yield events.Press(button)

    def _key(self, number: int, modifiers: int, action: _Action, typed: str) -> Iterator[Told]:
        """A key of kitty's protocol: the number of its character, and what it types."""
        if number in _MODIFIER_KEYS:
            if action is not _Action.REPEAT:
                yield from self._button(_MODIFIER_KEYS[number], action)
            return
        byte = _BYTES.get(number, number)
        if (does := self._chars.get(chr(byte) if byte < 0x110000 else "")) is not None:
            yield from self._act(does, action)
            return
        if self._holds_keys and not (number == ord("c") and modifiers == _CTRL):
            yield from _held_key(number, action)
            return
        if action is _Action.RELEASE:
            return
        if number == ord("c") and modifiers == _CTRL:
            yield Command.QUIT
        elif number in _BYTES or 0 < number < 0x20:
            yield events.Key(_BYTES.get(number, number))
        elif number in _PRIVATE:
            return
        elif modifiers & (_CTRL | _ALT) and 0x20 <= number < 0x80:
            char = chr(number)
            yield events.Key(ord(char.upper() if modifiers & _SHIFT else char))
        elif typed:
            yield events.Text(typed)

    # -- the pointer -------------------------------------------------------------------------

    def _pointer(self, parameters: str, *, is_down: bool) -> Iterator[Event]:
        try:
            kind, x, y = map(int, parameters.split(";"))
        except ValueError:
            return
        # The middle of a character, or the pixel itself.
        yield events.Move(*self._pixel_at((x - 0.5) / self._cell[0], (y - 0.5) / self._cell[1]))
        if kind & 64:
            steps = {0: (0, -1), 1: (0, 1), 2: (-1, 0), 3: (1, 0)}[kind & 3]
            yield events.Wheel(*steps)
        elif not kind & 32 and kind & 3 != 3:
            button = (kind & 3) + 1
            yield events.MouseDown(button) if is_down else events.MouseUp(button)


def _held_key(number: int, action: _Action) -> Iterator[Event]:
    """A key of kitty's protocol goes down or up."""
    byte = _BYTES.get(number, number)
    name = events.key_name(chr(byte)) if 0 < byte < 0x110000 else None
    if name is not None and action is not _Action.REPEAT:
        yield events.KeyDown(name) if action is _Action.PRESS else events.KeyUp(name)


def _char(code: int) -> str:
    """A character by its number; nothing for control characters and for what is none."""
    is_one = 0x20 <= code < 0xD800 or 0xE000 <= code < 0x110000
    return chr(code) if is_one else ""


def _text(data: bytes) -> tuple[str, bytes]:
    """The characters that data begins with, up to a control character, and the rest."""
    plain = re.match(rb"[^\x00-\x1f\x7f]*", data)
    assert plain is not None
    run = plain[0]
    try:
        return run.decode("utf-8"), data[len(run) :]
    except UnicodeDecodeError as error:
        return run[: error.start].decode("utf-8"), data[error.start :]
