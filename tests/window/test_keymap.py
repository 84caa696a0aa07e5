"""Files of keys, in a window and in a terminal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jitvm.cli import main
from jitvm.guests.uxn.assembler import assemble
from jitvm.platform import events
from jitvm.platform.events import Button
from jitvm.playing.keysfile import KeysError
from jitvm.terminal import keymap as terminal
from jitvm.terminal.keyboard import KEYS, Decoder
from jitvm.terminal.keyboard import Command as TerminalCommand
from jitvm.window.binding import sdl
from jitvm.window.keymap import DEFAULT, of_file
from jitvm.window.keys import END, F1, HOME, INSERT, LEFT_CTRL, PAGE_DOWN, PAGE_UP, Command
from jitvm.window.translate import Told, Translator

FILE = """
[window]
save = "f5"            # was: start over, but keep the zero page
load = ["F9", "Shift+L"]
pause = ["Page Down", "PageUp"]
zoom = []
[pad]
a = ["Z", "Insert"]
start = "Return"
[controller]
select = ["leftshoulder", "y"]
a = "b"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.toml"
    path.write_text(FILE)
    return path


def test_what_a_window_does(file: Path) -> None:
    found = of_file(str(file))

    def command(code: int, shift: bool = False) -> Command | None:
        shortcut = found.shortcut(code, shift=shift)
        return None if shortcut is None else shortcut.command

    assert [command(F1 + number) for number in (4, 8, 0, 1)] == [
        Command.SAVE, Command.LOAD, None, Command.STACKS,
    ]  # fmt: skip
    assert (command(ord("l"), True), command(ord("l"))) == (Command.LOAD, None)
    assert (command(INSERT), command(END)) == (None, None)
    assert command(INSERT, True) is Command.PASTE
    assert (command(PAGE_DOWN), command(PAGE_UP)) == (Command.PAUSE, Command.PAUSE)
    expected = {ord("z"): Button.A, INSERT: Button.A, 13: Button.START}
    assert expected.items() <= found.buttons.items()
    assert LEFT_CTRL not in found.buttons
    assert HOME not in found.buttons
    assert len(found.buttons) == 9
    assert found.controller[sdl.SDL_CONTROLLER_BUTTON_LEFTSHOULDER] is Button.SELECT
    assert found.controller[sdl.SDL_CONTROLLER_BUTTON_Y] is Button.SELECT
    assert found.controller[sdl.SDL_CONTROLLER_BUTTON_B] is Button.A
    assert sdl.SDL_CONTROLLER_BUTTON_BACK not in found.controller
    assert sdl.SDL_CONTROLLER_BUTTON_A not in found.controller


def test_an_empty_file_changes_nothing(file: Path) -> None:
    file.write_text("")
    assert of_file(str(file)) == DEFAULT
    assert terminal.of_file(str(file)) == (KEYS, {})


def test_a_key_that_is_a_button_types_nothing(file: Path) -> None:
    translator = Translator(lambda x, y: (x, y), keys=of_file(str(file)))
    told: list[Told] = []
    for kind, code in ((sdl.SDL_KEYDOWN, ord("z")), (sdl.SDL_TEXTINPUT, 0), (sdl.SDL_KEYUP, 122)):
        event = sdl.SDL_Event()
        event.type = kind
        if kind == sdl.SDL_TEXTINPUT:
            event.text.text = b"z"
        else:
            event.key.keysym.sym = code
        told += translator.told(event)
    assert told == [events.Press(Button.A), events.Release(Button.A)]
    translator.close()


def test_what_a_terminal_does(file: Path) -> None:
    keys, chars = terminal.of_file(str(file))

    def told(data: bytes, *, releases: bool = False) -> list[object]:
        decoder = Decoder(
            lambda x, y: (int(x), int(y)), tells_releases=releases, keys=keys, chars=chars
        )
        return [*decoder.decode(data, 0.0), *decoder.expired(1.0)]

    press, release = events.Press(Button.A), events.Release(Button.A)
    assert told(b"\x1b[15~\x1b[20~\x1b[2~\x1bOS\x1b[F") == [
        TerminalCommand.SAVE, TerminalCommand.LOAD, press, TerminalCommand.RESET, release,
    ]  # fmt: skip
    assert told(b"aZb") == [events.Text("a"), press, events.Text("b"), release]
    assert told(b"\r") == [events.Press(Button.START), events.Release(Button.START)]
    assert told(b"\x1b[122;1:1u\x1b[122;1:3u", releases=True) == [press, release]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[window]\n\nsave = F5", r"Invalid value \(at line 3, column 8\)"),
        ("[window]\nsave = 'F5'\nsvae = 'F6'", r"3: svae: is none of .*save.*zoom"),
        ("[pad]\n'a' = 5", r"2: a: is a key or a list of keys"),
        ("[pad]\na = 'Qq'", r"2: a: there is no key Qq; they are named as SDL does"),
        ("[pad]\na = 'Shift+Q'", r"2: a: Shift\+Q: a button of a pad is a key alone"),
        ("[controller]\n\na = 'z'", r"3: a: game controllers have no button z; they are a, b"),
        ("[window]\nsave = 'X'\n[pad]\na = 'x'", r"4: a: x is that of save as well"),
        ("[pad]\na = 'X'\nb = 'X'", r"3: b: X is that of a as well"),
        ("\n[mouse]\na = 'X'", r"2: mouse: sections are \[window\], \[pad\], \[controller\]"),
        ("a = 'X'", r"1: a: sections are"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(file: Path, text: str, message: str) -> None:
    file.write_text(text)
    with pytest.raises(KeysError, match=re.escape(str(file)) + ":[ ]?" + message):
        of_file(str(file))


def test_files_that_cannot_be_read(file: Path) -> None:
    file.write_bytes(b"\xff")
    with pytest.raises(KeysError, match="is no text in UTF-8"):
        of_file(str(file))
    with pytest.raises(KeysError, match="none: cannot be read: No such file"):
        of_file("none")


def test_the_command_line_says_so(
    file: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    rom = file.with_name("a.rom")
    rom.write_bytes(assemble("|100 #01 #2e DEO BRK", name="a.tal").rom)
    file.write_text("[pad]\nx = 'X'")
    for where in ((), ("--terminal",)):
        assert main(["run", *where, "--keys", str(file), str(rom)]) == 2
        assert capfd.readouterr().err == (
            f"jitvm: error: --keys {file}:2: x: is none of a, b, select, start, up, down, left, "
            "right\n"
        )
    assert main(["run", "--headless", "--keys", str(file), str(rom)]) == 2
    assert "--headless does not go with --keys: there is no window" in capfd.readouterr().err
