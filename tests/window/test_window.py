"""The window itself: what it shows, and what reaches the program of what its user does."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jitvm.guests.uxn.varvara import Computer, Ending
from jitvm.platform import events
from jitvm.platform.events import Button
from jitvm.platform.frames import Frame
from jitvm.platform.script import parse_script
from jitvm.window.binding import sdl
from tests.clock import HANGS
from tests.varvara.graphical import CONTROLLER_LOG, MOUSE_LOG, WALKER
from tests.window.conftest import Display, Play, User, computer_of, x_server

COLORS = "#0f0f .System/r DEO2 #00ff .System/g DEO2 #f00f .System/b DEO2\n"

PICTURE = (
    COLORS
    + """
    #0020 .Screen/width DEO2 #0018 .Screen/height DEO2
    #0003 .Screen/x DEO2 #0004 .Screen/y DEO2 #01 .Screen/pixel DEO
    #0010 .Screen/x DEO2 #0008 .Screen/y DEO2 #c3 .Screen/pixel DEO
    ;on-key .Controller/vector DEO2 BRK
@on-key ( a key doubles the width, or draws )
    .Controller/key DEI LIT "w NEQ ?{ #0040 .Screen/width DEO2 BRK }
    #0000 .Screen/x DEO2 #0000 .Screen/y DEO2 #02 .Screen/pixel DEO BRK
"""
)
"""32 by 24 pixels: a point, and a quarter filled; no screen vector."""

BUSY = COLORS + ';on .Screen/vector DEO2 BRK @on LIT "f #18 DEO &l #01 .Screen/pixel DEO !&l'
"""Never comes to the end of its first frame."""


def shown(user: User, zoom: int) -> np.ndarray[Any, Any]:
    """What the guest's screen should look like in a window."""
    pixels = user.computer.screen.pixels[:, :, :3]
    return pixels.repeat(zoom, axis=0).repeat(zoom, axis=1)


# -- the picture ---------------------------------------------------------------------------------


def test_a_screenshot_shows_the_picture(play: Play) -> None:
    def look(user: User) -> None:
        user.needs_x()
        user.until(lambda: np.array_equal(user.screenshot(), shown(user, 4)))

    assert play(computer_of(PICTURE), look, scale=4) is Ending.EXIT


def test_a_change_is_shown_and_so_is_another_size(play: Play) -> None:
    def look(user: User) -> None:
        user.needs_x()
        user.keys("a")
        user.until(lambda: user.computer.screen.layer(0)[0, 0] == 2)
        user.until(lambda: np.array_equal(user.screenshot(), shown(user, 3)))
        user.keys("w")
        user.until(lambda: user.window[2] == 3 * 64)
        user.until(lambda: np.array_equal(user.screenshot(), shown(user, 3)))

    play(computer_of(PICTURE), look, scale=3)


def test_zoom(play: Play) -> None:
    def look(user: User) -> None:
        user.needs_x()
        user.until(lambda: user.window[2:] == (4 * 32, 4 * 24))
        user.keys("F1")
        user.until(lambda: user.window[2:] == (5 * 32, 5 * 24))
        user.until(lambda: np.array_equal(user.screenshot(), shown(user, 5)))

    play(computer_of(PICTURE), look, scale=4)


def test_full_screen_and_border(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    # Both are the window manager's to do, and Xvfb has none.
    asked: list[tuple[str, int]] = []
    for name in ("SDL_SetWindowFullscreen", "SDL_SetWindowBordered"):
        monkeypatch.setattr(sdl, name, lambda _, mode, name=name: asked.append((name, mode)))

    def look(user: User) -> None:
        user.keys("F11", "F12")
        user.until(lambda: len(asked) == 2)

    play(computer_of(PICTURE), look)
    fullscreen = sdl.SDL_WINDOW_FULLSCREEN_DESKTOP
    assert asked == [("SDL_SetWindowFullscreen", fullscreen), ("SDL_SetWindowBordered", 0)]


@pytest.mark.parametrize(("width", "height"), [(1, 1), (4095, 4095), (4095, 1)])
def test_extreme_sizes(play: Play, width: int, height: int) -> None:
    source = f"""#0f00 .System/r DEO2
        #{width:04x} .Screen/width DEO2 #{height:04x} .Screen/height DEO2
        #81 .Screen/pixel DEO ;on .Screen/vector DEO2 BRK @on BRK"""

    def look(user: User) -> None:
        user.needs_x()
        user.until(lambda: (user.screenshot() == (255, 0, 0)).all(axis=2).any())
        _, _, across, down = user.window
        assert 64 <= across <= 1024
        assert 64 <= down <= 768

    play(computer_of(source), look)


def test_nothing_is_presented_when_nothing_changes(play: Play, monkeypatch: Any) -> None:
    presented: list[Any] = []
    present = sdl.SDL_RenderPresent

    def count(renderer: Any) -> None:
        presented.append(renderer)
        present(renderer)

    monkeypatch.setattr(sdl, "SDL_RenderPresent", count)

    def look(user: User) -> None:
        def is_quiet() -> bool:
            before = len(presented)
            user.frames(20)
            return len(presented) == before > 0

        user.until(is_quiet)  # the display may still want something of a window that is new

    source = COLORS + "#81 .Screen/pixel DEO ;on .Screen/vector DEO2 BRK @on BRK"
    play(computer_of(source), look)


def test_a_program_without_a_screen_vector_gets_no_frames_while_nothing_happens(
    play: Play,
) -> None:
    # X itself has a few things to say in the beginning: the pointer is in the window, say.
    play(computer_of(PICTURE), User.stand_still)


def test_title_from_metadata(play: Play) -> None:
    def look(user: User) -> None:
        user.needs_x()
        user.until(lambda: user.title == "Überschrift")
        user.keys("F6")
        user.until(lambda: user.title == "Überschrift - paused")

    source = """;meta .System/metadata DEO2 ;on .Screen/vector DEO2 BRK @on BRK
        @meta 00 "Überschrift 0a "by 20 "us 00 01 83 =icon @icon $90"""
    play(computer_of(source), look)


# -- input ---------------------------------------------------------------------------------------


def test_keys_and_buttons(play: Play) -> None:
    def type_(user: User) -> None:
        user.keys("a", "Return", "Escape")
        user.hold("Left")
        user.let_go("Left")
        user.until(lambda: len(user.computer.stdout) >= 5 * 5)

    computer = computer_of(CONTROLLER_LOG)
    play(computer, type_)
    assert computer.stdout[0::5] == b"\0\0\0\x40\0"
    assert computer.stdout[1::5] == b"a\r\x1b\0\0"


class Events:
    """Gathers the events of frames."""

    def __init__(self) -> None:
        self.seen: list[events.Event] = []

    def begin(self, number: int, happened: tuple[events.Event, ...]) -> None:
        del number
        self.seen += [each for each in happened if not isinstance(each, events.Move)]

    def end(self, frame: Frame) -> None:
        """Nothing of it is looked at."""


def test_keys_of_a_guest_that_holds_them_go_down_and_up(play: Play) -> None:
    computer = computer_of(PICTURE)
    computer.holds_keys = True
    computer.frames.observer = gathered = Events()

    def act(user: User) -> None:
        user.hold("q")
        user.until(lambda: gathered.seen)
        user.let_go("q")
        user.keys("Escape", "Up")
        user.until(lambda: len(gathered.seen) == 6)

    play(computer, act)
    assert gathered.seen == [
        events.KeyDown("q"), events.KeyUp("q"), events.KeyDown("escape"), events.KeyUp("escape"),
        events.Press(Button.UP), events.Release(Button.UP),
    ]  # fmt: skip


def test_text_beyond_ascii_and_shift(play: Play) -> None:
    def type_(user: User) -> None:
        user.needs_x()
        user.type("ä")
        user.keys("A")
        user.until(lambda: b"A" in user.computer.stdout[1::5])

    computer = computer_of(CONTROLLER_LOG)
    play(computer, type_)
    keys = bytes(key for key in computer.stdout[1::5] if key)
    assert keys == "äA".encode()


def test_ctrl_is_a_button_and_the_key_a_plain_character(play: Play) -> None:
    def type_(user: User) -> None:
        user.needs_x()
        user.keys("ctrl+s")
        user.until(lambda: len(user.computer.stdout) >= 15)

    computer = computer_of(CONTROLLER_LOG)
    play(computer, type_)
    assert (computer.stdout[0::5], computer.stdout[1::5]) == (b"\1\1\0", b"\0s\0")


def test_mouse(play: Play) -> None:
    def use(user: User) -> None:
        user.needs_x()
        user.point(20, 31)
        user.until(lambda: user.computer.stdout[-9:-4] == bytes([0, 10, 0, 15, 0]))
        before = len(user.computer.stdout)
        for button in (1, 3, 4, 7):
            user.click(button)
        user.until(lambda: len(user.computer.stdout) >= before + 9 * 6)

    computer = computer_of(MOUSE_LOG)
    play(computer, use, scale=2)
    log = computer.stdout
    events = [log[at + 4 : at + 9] for at in range(0, len(log), 9)]
    wheel_up, wheel_right = b"\0\0\0\xff\xff", b"\0\0\1\0\0"
    clicks = [b"\1\0\0\0\0", bytes(5), b"\4\0\0\0\0", bytes(5)]
    assert events[-6:] == [*clicks, wheel_up, wheel_right]


def test_a_script_acts_beside_the_user(play: Play) -> None:
    computer = computer_of(CONTROLLER_LOG)
    script = parse_script("3 key x\n5 key y")
    ending = play(computer, User.stay, script=script, max_frames=6)
    assert ending is Ending.FRAMES
    assert computer.stdout[1::5] == b"xy"
    assert computer.frames.number == 6


def test_standard_input_reaches_the_program(play: Play, tmp_path: Path) -> None:
    path = tmp_path / "in"
    path.write_bytes(b"x" * 20000 + b".")
    source = """;on .Screen/vector DEO2 ;in .Console/vector DEO2 BRK @on BRK
        @in #12 DEI #18 DEO #17 DEI #04 NEQ ?{ #80 .System/state DEO } BRK"""
    computer = computer_of(source)
    with path.open("rb") as stream:
        play(computer, lambda user: user.until(lambda: user.computer.is_ended), stdin=stream)
    assert computer.stdout == b"x" * 20000 + b".\0"
    assert computer.frames.number >= 3


def test_an_open_pipe_does_not_hold_the_window_up(play: Play) -> None:
    import os

    reader, writer = os.pipe()
    source = ";on .Screen/vector DEO2 ;in .Console/vector DEO2 BRK @on BRK @in #12 DEI #18 DEO BRK"
    computer = computer_of(source)

    def write(user: User) -> None:
        user.frames(5)
        os.write(writer, b"hi")
        user.until(lambda: user.computer.machine.page[0x12] == ord("i"))
        user.frames(5)

    with os.fdopen(reader, "rb") as stream:
        assert play(computer, write, stdin=stream) is Ending.EXIT
    os.close(writer)
    assert computer.stdout == b"hi"


# -- commands ------------------------------------------------------------------------------------


def test_pause_and_single_frames(play: Play, titles: list[str]) -> None:
    numbers = []

    def use(user: User) -> None:
        user.keys("F6")
        user.until(lambda: "paused" in titles[-1])
        numbers.append(user.computer.frames.number)
        for _ in range(2):
            user.keys("F7")
            user.until(lambda: user.computer.frames.number > numbers[-1])
            user.stand_still()
            numbers.append(user.computer.frames.number)
        user.keys("F6")
        user.frames(5)

    play(computer_of(WALKER), use)
    first = numbers[0]
    assert numbers == [first, first + 1, first + 2]


def test_speed(play: Play, titles: list[str]) -> None:
    def is_titled(title: str) -> bool:
        return titles[-1] == title

    told = ["test - speed 2", "test - speed 4", "test - speed 2", "test"]

    def use(user: User) -> None:
        for key, title in zip(("F9", "F9", "F8", "F8"), told, strict=True):
            user.keys(key)
            user.until(partial(is_titled, title))
            user.frames(20)

    play(computer_of(";on .Screen/vector DEO2 BRK @on BRK"), use, title="test")
    assert titles == ["test", *told]


def test_reset_keys(play: Play) -> None:
    source = """#00 LDZ LIT "0 ADD .Console/write DEO #01 #00 STZ
        ;on .Screen/vector DEO2 BRK @on BRK"""

    def use(user: User) -> None:
        user.keys("F5")
        user.until(lambda: len(user.computer.stdout) == 2)
        user.keys("F4")
        user.until(lambda: len(user.computer.stdout) == 3)
        user.keys("F2")
        user.until(lambda: user.computer.stderr.count(b"ST") == 2)
        user.keys("F3")
        user.stay()

    computer = computer_of(source)
    assert play(computer, use) is Ending.EXIT
    assert computer.stdout == b"010"
    assert computer.exit_code == 0


def test_screenshot_key_never_overwrites(
    play: Play, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = pytest.importorskip("PIL.Image")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rom-001.png").write_bytes(b"mine")
    notes: list[str] = []

    def use(user: User) -> None:
        user.keys("F10")
        user.keys("F10")
        user.until(lambda: len(notes) == 2)

    computer = computer_of(PICTURE)
    play(computer, use, notify=notes.append)
    assert (tmp_path / "rom-001.png").read_bytes() == b"mine"
    assert notes == ["wrote ./rom-002.png", "wrote ./rom-003.png"]
    with image.open(tmp_path / "rom-003.png") as picture:
        assert np.array_equal(np.asarray(picture), computer.screen.pixels[:, :, :3])


# -- other programs ------------------------------------------------------------------------------

TALKER = '|0100 LIT "{} #18 DEO ;on #20 DEO2 BRK @on BRK'


def test_reload_when_an_include_changes(play: Play, tmp_path: Path) -> None:
    main, part = tmp_path / "main.tal", tmp_path / "part.tal"
    main.write_text("|0100 ~part.tal ;on #20 DEO2 BRK @on BRK")
    part.write_text('LIT "a #18 DEO')
    notes: list[str] = []

    def edit(user: User) -> None:
        part.write_text('LIT "bb #18 DEO wrong')
        user.until(lambda: notes)
        frames = user.computer.frames.number
        user.until(lambda: user.computer.frames.number > frames)  # the old program goes on
        part.write_text('LIT "c #18 DEO')
        user.until(lambda: user.computer.stdout == b"ac")

    from jitvm import load

    computer = load(main)
    play(computer, edit, source=main, notify=notes.append)
    assert computer.stdout == b"ac"
    assert "part.tal:1" in notes[0]


def test_a_program_that_takes_the_place_keeps_the_arguments(play: Play, tmp_path: Path) -> None:
    path = tmp_path / "echo.tal"
    path.write_text("|0100 ;on #10 DEO2 #17 DEI #18 DEO BRK @on #12 DEI #18 DEO BRK")

    def edit(user: User) -> None:
        user.until(lambda: user.computer.stdout == b"\x01ab\n")
        user.drop(path)
        user.until(lambda: user.computer.stdout == b"\x01ab\n" * 2)
        path.write_text(path.read_text() + " 00")
        user.until(lambda: user.computer.stdout == b"\x01ab\n" * 3)

    from jitvm import load

    play(load(path, args=("ab",)), edit)


def test_errors_of_a_source_are_in_the_title(play: Play, tmp_path: Path) -> None:
    path = tmp_path / "main.tal"
    path.write_text(TALKER.format("a"))

    def edit(user: User) -> None:
        user.needs_x()
        path.write_text("|0100 nothing BRK")
        user.until(lambda: "main:1: " in user.title)
        path.write_text(TALKER.format("b"))
        user.until(lambda: user.title == "main")

    from jitvm import load

    play(load(path), edit, source=path, notify=lambda _: None)


def test_a_dropped_file_takes_the_place(play: Play, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.tal", tmp_path / "bad.rom"
    good.write_text(TALKER.format("g"))
    bad.write_bytes(b"")
    notes: list[str] = []

    def drop(user: User) -> None:
        user.drop(bad)
        user.until(lambda: notes)
        user.drop(good)
        user.until(lambda: user.computer.stdout == b"g")
        good.write_text(TALKER.format("h"))
        user.until(lambda: user.computer.stdout == b"gh")

    play(computer_of(PICTURE), drop, notify=notes.append)
    assert "bad.rom: the ROM is empty" in notes[0]


def test_an_exact_run_keeps_its_program(play: Play, tmp_path: Path) -> None:
    path = tmp_path / "other.tal"
    path.write_text(TALKER.format("x"))
    notes: list[str] = []

    def drop(user: User) -> None:
        user.drop(path)
        user.until(lambda: notes)

    computer = computer_of(PICTURE)
    play(computer, drop, notify=notes.append, on_frame=lambda _: None)
    assert computer.stdout == b""


# -- a guest that keeps the processor ------------------------------------------------------------


def test_a_busy_guest_does_not_keep_the_window_from_closing(play: Play) -> None:
    computer = computer_of(BUSY)
    computer.frames.number = 1  # its first frame never ends
    close = play(computer, lambda user: user.until(lambda: computer.frames.is_unfinished))
    assert close is Ending.EXIT


def test_a_busy_guest_is_shown_and_can_be_reset(play: Play) -> None:
    def look(user: User) -> None:
        user.needs_x()
        user.until(lambda: (user.screenshot()[0, 0] == (255, 0, 0)).all())
        user.keys("F4")
        user.until(lambda: user.computer.stdout.count(b"f") == 2)

    source = BUSY.replace("#0f0f", "#0f00").replace("#00ff", "#0000").replace("#f00f", "#0000")
    computer = computer_of(source)
    computer.frames.number = 1
    play(computer, look)


def test_ctrl_c_ends_a_busy_and_an_idle_program(play: Play) -> None:
    def interrupt(user: User) -> None:
        user.until(lambda: user.computer.screen.touched)
        signal.raise_signal(signal.SIGINT)
        user.stay()

    for source in (BUSY, PICTURE):
        computer = computer_of(source)
        computer.frames.number = 1
        with pytest.raises(KeyboardInterrupt):
            play(computer, interrupt)
        assert computer.frames.sound


def test_limits(play: Play) -> None:
    computer = computer_of(BUSY)
    computer.frames.number = 1
    assert play(computer, User.stay, max_instructions=100_000) is Ending.INSTRUCTIONS
    assert computer.machine.executed == 100_000
    computer = computer_of(PICTURE)
    assert play(computer, User.stay, time_limit=0.2) is Ending.TIME


def test_the_program_ends_by_itself(play: Play) -> None:
    source = """;on .Screen/vector DEO2 BRK
        @on [ LIT &n 00 ] INC DUP ,&n STR #05 EQU ?{ BRK } #83 .System/state DEO BRK"""
    computer = computer_of(source)
    assert play(computer, User.stay) is Ending.EXIT
    assert (computer.exit_code, computer.frames.number) == (3, 5)


# -- processes of their own ----------------------------------------------------------------------

ALONE = f"""
import sys
from jitvm.window import WindowError, run
from tests.window.conftest import computer_of
computer = computer_of(sys.argv[1], stdout=sys.stdout.buffer)
try:
    run(computer, time_limit={HANGS})
except WindowError as error:
    print("error:", error)
"""

HELLO = (
    'LIT "h #18 DEO ;on .Screen/vector DEO2 BRK @on .Screen/x DEI2k INC2 ROT DEO2 #01 #2e DEO BRK'
)


@contextmanager
def alone(environment: dict[str, str], source: str) -> Iterator[subprocess.Popen[str]]:
    """A process with a window, which does not outlive the block."""
    import os

    with subprocess.Popen(
        [sys.executable, "-c", ALONE, source],
        cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **environment},
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def test_a_display_that_goes_away(display: Display) -> None:
    if display.name is None:
        pytest.skip("needs Xvfb")
    with x_server() as (server, shown), alone(shown.environment, HELLO) as program:
        assert program.stdout is not None
        assert program.stdout.read(1) == "h"
        server.kill()
        server.wait()
        out, errors = program.communicate(timeout=HANGS)
    assert "error: the display is gone" in out, errors
    assert program.returncode == 0


@pytest.mark.usefixtures("display")
def test_no_display() -> None:
    nowhere = {"DISPLAY": ":97531", "SDL_VIDEODRIVER": "", "WAYLAND_DISPLAY": ""}
    with alone(nowhere, HELLO) as program:
        out, _ = program.communicate(timeout=HANGS)
    assert "error: there is no display" in out


def test_the_binding_is_missing() -> None:
    code = """
import sys
sys.modules["sdl2"] = None
from jitvm.guests.uxn.varvara import Computer
from jitvm.window import WindowError, run
try:
    run(Computer(bytes([0])))
except WindowError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "pip install 'jitvm[window]'" in done.stdout


def test_scale_is_checked() -> None:
    from jitvm.window import run

    with pytest.raises(ValueError, match="scale 0"):
        run(Computer(bytes([0])), scale=0)
