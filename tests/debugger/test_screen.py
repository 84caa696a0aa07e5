"""The debugger's screen: keys, panes, the command line; and the real thing in a terminal."""

from __future__ import annotations

import asyncio
import io
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Coroutine
from fcntl import ioctl
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

from jitvm.cli.exits import Exit
from jitvm.cli.main import main
from jitvm.debugger.acts import Source
from jitvm.debugger.debugger import Debugger, Options
from jitvm.engine.machine.machine import Tier
from jitvm.platform import registry
from jitvm.platform.bare import BarePlatform
from jitvm.terminal.debugger.cells import Cells
from jitvm.terminal.debugger.colors import of_source
from jitvm.terminal.debugger.completion import Names, completed, shared
from jitvm.terminal.debugger.console import Console
from jitvm.terminal.debugger.prompt import Prompt
from jitvm.terminal.debugger.session import MOST_HELD, Sayings
from tests.clock import until
from tests.debugger.screen import SMALL, Screen, screen
from tests.debugger.test_commands import PROGRAM
from tests.debugger.walking import CHIP8
from tests.toy.guest import TOY

ENDLESS = "|0100 @main #00 &loop INC !&loop\n"
FLOOD = "|0100 @main #00 &loop INC DUP #19 DEO !&loop\n"
PAINT = """|20 @Screen &vector $2 &width $2 &height $2 &auto $2 &x $2 &y $2 &addr $2 &pixel $1
|00 @n $1
|0100 #f000 #08 DEO2 #0f00 #0a DEO2 #00f0 #0c DEO2 #0010 .Screen/width DEO2
    #0008 .Screen/height DEO2 ;on-frame .Screen/vector DEO2 #81 .Screen/pixel DEO BRK
@on-frame .n LDZ INC .n STZ BRK
"""
WRITE = '|0100 ;text &more LDAk #18 DEO INC2 LDAk ?&more POP2 BRK @text "hi 0a 09 "there 1b 00\n'


def made(
    source: str | bytes, tier: Tier = Tier.INTERPRETER, stdin: bytes = b""
) -> Callable[[Sayings], Debugger]:
    """What makes a debugger of a source of Uxntal, which is in the current folder, or a program of
    CHIP-8."""

    def make(sayings: Sayings) -> Debugger:
        platform = registry.named("uxn" if isinstance(source, str) else "chip8")
        if isinstance(source, str):
            Path("half.tal").write_text(source)
            program = platform.load("half.tal")
        else:
            program = platform.read(io.BytesIO(source), "half.ch8")
        return Debugger(
            platform, program,
            Options(tier=tier, source=Source(stdin), write=sayings.write, log=sayings.log),
        )  # fmt: skip

    return make


Test = Callable[..., Coroutine[Any, Any, None]]


def waits(test: Test) -> Callable[..., None]:
    """A test that waits, in a loop of its own."""

    @wraps(test)
    def runs(*arguments: Any, **named: Any) -> None:
        asyncio.run(test(*arguments, **named))

    return runs


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


# -- a session -----------------------------------------------------------------------------------


@waits
async def test_keys_step_forwards_and_backwards() -> None:
    async with screen(made(PROGRAM), "half.tal") as on:
        assert on.shows("status", "half.tal", "0x0100 main  #0300", "time 0")
        assert "▶   3     #0300 ,&n STR2" in on.rows("listing")[2]
        await on.press("s", "s")
        assert on.shows("listing", "▶  12     #10 quarter")
        assert on.shows("calls", "half  half.tal:12", "main/loop  half.tal:5")
        assert on.shows("stacks", "wst 0", "rst 2", "01 09")
        await on.press("f11", "f11", "r", "s")
        assert on.shows("listing", "▶  16     #02 SFT JMP2r")
        await on.press("f", "shift+f11")
        assert on.shows("listing", "▶   6         [ LIT2 &n $2 ] POP2")
        await on.press("n", "f10", "r", "n")
        assert on.shows("listing", "▶   7         .count LDZ INC")
        await on.press("i", "r", "i", "r", "f")
        assert on.shows("status", "this is the start")
        await on.press("f5")
        assert on.shows("status", "the program has ended")
        assert "▶" not in "\n".join(on.rows("listing"))
        assert on.shows("console", "(jitvm) continue", "exit code")
        await on.press("r", "x", "r", "u")
        assert on.shows("status", "time 0 of")


@waits
async def test_breakpoints_in_the_margin() -> None:
    async with screen(made(PROGRAM), "half.tal") as on:
        await on.tap(*["down"] * 9)
        await on.press("b")
        assert on.shows("listing", "●   12     #10 quarter")
        assert on.shows("stops", "1: breakpoint 0x0128 half")
        await on.press("c")
        assert on.shows("listing", "●▶  12     #10 quarter")
        assert on.shows("status", "breakpoint 1, 0x0128 half")
        on.pane("stops").focus()
        await on.press("down", "enter")
        assert on.shows("listing", "○▶  12     #10 quarter")
        assert on.shows("stops", "disabled")
        await on.press("delete")
        assert not on.session.look.stops
        await on.click("#listing", 1, 13)
        assert [stop.addresses for stop in on.session.look.stops] == [frozenset([0x12D])]
        await on.click("#listing", 9, 6)
        await on.press("f9")
        assert on.shows("listing", "●    6 ")
        assert len(on.session.look.stops) == 2
        await on.press("f9")
        assert len(on.session.look.stops) == 1
        await on.press("end", "b")
        assert len(on.session.look.stops) == 2, "the line's own instruction"


@waits
async def test_running_to_the_cursor_and_other_frames() -> None:
    async with screen(made(PROGRAM), "half.tal") as on:
        await on.tap(*["down"] * 13)
        await on.press("u")
        assert on.shows("status", "0x012f quarter")
        on.pane("calls").focus()
        await on.press("down", "down", "enter")
        assert on.app._listing.cursor == ("half.tal", 5)
        assert on.shows("listing", "▶  16"), "it is still there"


@waits
async def test_instructions_where_there_is_no_source() -> None:
    async with screen(made(PROGRAM), "half.tal") as on:
        await on.command("until quarter")
        await on.press("d")
        assert on.shows("listing", "▶012f 8002     #02  quarter", "0128 8010     #10  half")
        await on.press("b")
        assert on.shows("listing", "●▶012f")
        await on.command("set [0x134] = 0x22")
        assert on.shows("listing", "●▶012f", "0134 22       POP2")
        await on.press("down", "down", "u")
        assert on.shows("listing", "▶0132")
        before = [row[2:] for row in on.rows("listing")]
        await on.press("i")
        assert [row[2:] for row in on.rows("listing")] == before, "only the arrow has moved"
        await on.command("goto 4")
        await on.press("d")
        assert on.shows("listing", "▶  12     #10 quarter", "●   16     #02 SFT JMP2r")


@waits
async def test_going_to_a_time() -> None:
    async with screen(made(PROGRAM), "half.tal") as on:
        await on.command("continue")
        last = on.session.look.time
        await on.press("t")
        await on.type("time - 10")
        assert on.session.look.time == last - 10
        assert on.shows("status", f"time {last - 10} of {last}")
        await on.press("t", "escape")
        assert on.session.look.time == last - 10
        await on.click("#status", 130 - 21, 0)
        assert on.session.look.time == 0


@waits
async def test_displays_are_shown_at_each_stop() -> None:
    async with screen(made(PROGRAM), "half.tal") as on:
        await on.press("e")
        await on.type("[@count]")
        await on.press("escape", "w")
        await on.type("count")
        await on.press("escape")
        assert on.shows("stops", "[@count] = 0", "1: change count")
        await on.press("c", "c")
        assert on.shows("stops", "[@count] = 2")
        on.pane("stops").focus()
        await on.press("home", "delete")
        assert not on.session.look.stops
        await on.press("delete")


# -- memory, ports, stacks -----------------------------------------------------------------------


@waits
async def test_memory_is_shown_and_changed() -> None:
    async with screen(made(PROGRAM), "half.tal") as on:
        await on.press("g")
        await on.type("half")
        assert on.rows("memory")[0].startswith("0120"), "the line it is in"
        await on.press("enter", "f", "e")
        assert on.session.look.spaces[0].cells[0x128] == 0xFE
        assert on.app.query_one("#memory", Cells).is_editing
        assert on.shows("console", "(jitvm) set [0x128] = 0xfe")
        await on.press("0", "escape", "b")  # no digit any more
        assert on.session.look.spaces[0].cells[0x129] == 0x10
        assert len(on.session.look.stops) == 1
        await on.press("g")
        await on.type("nowhere")
        await on.press("left", "right", "up", "down", "pageup", "pagedown", "home", "end")
        assert on.rows("memory")[-1].startswith("fff0")
        await on.press("home")
        assert on.rows("memory")[0].startswith("0000")


@waits
async def test_what_has_changed_is_seen() -> None:
    async with screen(made(PROGRAM), "half.tal", "watch count") as on:
        await on.press("c")
        cells = on.app.query_one("#memory", Cells)
        parts = [part for part in cells.parts_of(0) if part[1] == "changed"]
        assert parts == [("01", "changed")]
        await on.command("print 1")
        assert [part for part in cells.parts_of(0) if part[1] == "changed"] == parts
        await on.press("i")
        assert not [part for part in cells.parts_of(0) if part[1] == "changed"]


@waits
async def test_stacks_and_ports_are_changed() -> None:
    async with screen(made(PROGRAM), "half.tal", "until quarter") as on:
        on.pane("stacks").focus()
        await on.press("right", "enter", "1", "2", "enter")
        assert on.shows("console", "(jitvm) set rst[3] = 0x12")
        assert on.session.look.stacks[1].live[0] == 0x12
        await on.press("2", "right", "enter", "a", "b", "escape")
        assert on.shows("console", "(jitvm) set port[0x1] = 0xab")
        assert on.session.look.ports[1] == 0xAB
        await on.click("#ports", 6, 2)
        await on.press("enter", "7", "7")
        assert on.session.look.ports[0x20] == 0x77


@waits
async def test_another_guest() -> None:
    async with screen(made(CHIP8), "half.ch8") as on:
        assert on.shows("listing", "▶0200 6005     LD V0, 05")
        await on.press("n", "n", "n", "n", "s")
        assert on.shows("listing", "▶0210 7103     ADD V1, 03")
        assert on.shows("stacks", "calls 2", "state", "05 01 00")
        assert on.shows("calls", "0x0210", "0x0208")
        assert not on.app.query("#tab-ports")
        await on.press("2")
        await on.press("m")
        assert on.shows("memory", "0000  05 01 00")
        await on.press("enter", "7", "escape", "enter", "0", "7")
        assert on.session.look.spaces[1].cells[0] == 7
        assert on.shows("console", "(jitvm) set state[0x0] = 0x07")


@waits
async def test_a_guest_with_nothing_but_a_description() -> None:
    platform = BarePlatform(TOY)

    def make(sayings: Sayings) -> Debugger:
        program = platform.read(io.BytesIO(bytes(range(1, 40))), "prog.bin")
        return Debugger(platform, program, Options(tier=Tier.REFERENCE, write=sayings.write))

    async with screen(make, "prog.bin", size=SMALL) as on:
        await on.press("s", "s", "r", "s", "d", "g", "escape", "m", "m", "m", "3", "4")
        assert on.shows("status", "prog.bin")
        assert on.app.is_running


# -- the command line ----------------------------------------------------------------------------


@waits
async def test_commands_are_typed_recalled_and_completed() -> None:
    async with screen(made(PROGRAM), "half.tal") as on:
        prompt = on.app.query_one(Prompt)
        await on.press("colon")
        assert on.app.focused is prompt
        await on.type("break quarter")
        await on.type("c")
        assert on.shows("status", "breakpoint 1")
        await on.press("up", "up")
        assert prompt.value == "break quarter"
        await on.tap("down", "down", *"tbr", "tab", *"ha", "tab")
        assert prompt.value == "tbreak half "
        await on.press("enter", "enter")
        assert len(on.session.look.stops) == 3, "an empty line is the one before again"
        await on.tap(*"bre", "space", *"main/", "tab", "tab")
        assert not on.shows("console", "main/loop  ")
        await on.tap(*["backspace"] * 20, *"print @main", "tab")
        assert on.shows("console", "print @main  print @main/loop  print @main/n")
        await on.press("f10")
        assert on.shows("console", "(jitvm) next")
        await on.tap(*["backspace"] * 20, "tab")
        assert on.app.focused is not prompt
        await on.press("colon", "escape")
        assert on.app.focused is on.pane("listing")


@waits
async def test_all_commands_to_begin_with_are_done() -> None:
    lines = [f"print {number}" for number in range(120)]
    async with screen(made(PROGRAM), "half.tal", *lines) as on:
        assert on.rows("console")[-1] == "119 0x77 'w'"


@waits
async def test_what_cannot_be_done_is_told() -> None:
    async with screen(made(PROGRAM), "half.tal", size=SMALL) as on:
        await on.command("fly")
        assert on.shows("console", "error: there is no command fly")
        await on.press("1")
        await on.command("break nowhere")
        assert on.app._notifications
        await on.press("question_mark")
        await on.press("escape")
        await on.command("quit")
    assert on.app.return_value == 0


@waits
async def test_output_and_lines_of_breakpoints() -> None:
    async with screen(made(WRITE), "half.tal", "opcode DEO", "log 1 byte {wst[1]}", "c") as on:
        rows = on.app.query_one(Console).text.splitlines()
        logged = [row for row in rows if row.startswith("byte")]
        assert logged[:2] == ["byte 104 (0x68)", "byte 105 (0x69)"]
        assert "hi" in rows
        assert "    there\\x1b" in rows


@waits
async def test_input_is_given() -> None:
    source = "|0100 ;on #10 DEO2 BRK @on #12 DEI #18 DEO BRK\n"
    async with screen(made(source), "half.tal", "c") as on:
        assert on.shows("status", "the program waits for input")
        await on.command("input abc\\n")
        await on.command("c")
        assert "abc" in on.app.query_one(Console).text.splitlines()


# -- a program that runs -------------------------------------------------------------------------


async def running(on: Screen) -> None:
    await on.tap("c")
    await on.until(lambda: on.shows("status", "running; Esc interrupts it"))


@pytest.mark.parametrize(
    ("tier", "key"),
    [(Tier.REFERENCE, "escape"), (Tier.INTERPRETER, "ctrl+c"), (Tier.JIT, "escape")],
)
@waits
async def test_a_program_that_runs_is_interrupted(tier: Tier, key: str) -> None:
    async with screen(made(ENDLESS, tier), "half.tal") as on:
        await running(on)
        await on.tap("n")  # waits, and is forgotten
        await on.press(key)
        assert on.shows("status", "interrupted")
        assert on.session.look.time > 0
        assert "(jitvm) next" not in on.app.query_one(Console).text
        await on.press("r", "i", "i")
        assert on.app._why != "interrupted", "it was for the run before"


@waits
async def test_the_screen_is_alive_meanwhile() -> None:
    async with screen(made(ENDLESS), "half.tal") as on:
        await running(on)
        await on.tap("1", "down", "colon", *"p 12", "enter")
        await on.until(lambda: on.app._notifications)
        await on.press("escape")
        assert on.shows("status", "interrupted")


@waits
async def test_one_can_leave_while_it_runs() -> None:
    async with screen(made(ENDLESS), "half.tal") as on:
        await running(on)
        await on.tap("q")
    assert on.app.return_value == 0


@waits
async def test_the_picture_is_shown_also_while_it_runs() -> None:
    async with screen(made(PAINT), "half.tal") as on:
        await on.press("3")
        assert on.shows("screen", "no screen, or nothing on it yet")
        await running(on)
        await on.until(lambda: on.shows("screen", "▀▀▀"))
        await on.press("escape")
        styles = {
            segment.style.color.triplet.hex
            for row in range(on.pane("screen").size.height)
            for segment in on.pane("screen").render_line(row)
            if segment.style and segment.style.color and segment.style.color.triplet
            and "▀" in segment.text
        }  # fmt: skip
        assert styles == {"#00ff00"}
        assert on.session.look.picture is not None


# -- sizes ---------------------------------------------------------------------------------------


@waits
async def test_a_narrow_terminal_has_the_console_in_a_tab() -> None:
    async with screen(made(PROGRAM), "half.tal", size=SMALL) as on:
        assert on.pane("console").display
        assert not on.pane("memory").display
        await on.press("1")
        assert on.app.focused is on.pane("memory")
        assert not on.pane("console").display
        assert on.rows("memory")[0].endswith("." * 16), "all 16 bytes"
        assert on.pane("listing").size.width >= 48
        await on.resize(130, 40)
        assert on.pane("console").display
        assert on.pane("memory").display
        await on.press("4", "2", "z")
        assert on.app.screen.maximized is on.pane("ports")
        await on.press("z")
        assert on.app.screen.maximized is None
        await on.resize(20, 6)
        await on.press("s")
        assert on.shows("status", "half.tal")


# -- parts ---------------------------------------------------------------------------------------


def test_completion() -> None:
    names = Names(("main", "main/loop", "Make"), ("pc", "wst"), ("DEO", "DEI"))
    assert completed("", names) == []
    assert completed("rev", names) == [
        f"reverse-{each}" for each in ("continue", "step", "next", "stepi", "finish")
    ]
    assert completed("b ma", names) == ["b main", "b main/loop"]
    assert completed("b mak", names) == ["b Make"]
    assert completed("break main if w", names) == ["break main if wst"]
    assert completed("print [@mai", names) == ["print [@main", "print [@main/loop"]
    assert completed("opcode de", names) == ["opcode DEO", "opcode DEI"]
    assert completed("info h", names) == ["info history"]
    assert completed("help bre", names) == ["help break"]
    assert completed("fly a", names) == completed("break ", names) == []
    assert shared(["main", "main/loop"]) == "main"


def test_words_of_a_source_have_colours() -> None:
    Path("half.tal").write_text("( a\n\tb ) @main\t#2a\n( \u200b ) BRK\n")
    platform = registry.named("uxn")
    lines = platform.load("half.tal").source("half.tal")
    assert platform.language is not None
    analysis = platform.language.read("half.tal", texts={}, folder=".")
    parts = of_source(analysis, "half.tal", lines)
    assert parts[0] == [("( a", "comment")]
    assert parts[1][:4] == [("    b )", "comment"), (" ", ""), ("@", "operator"),
                            ("main", "definition")]  # fmt: skip
    assert parts[1][4:] == [("   ", ""), ("#", "operator"), ("2a", "number")]
    assert "".join(text for text, _ in parts[2]) == "( \\u200b ) BRK"
    plain = [[("    b ) @main   #2a", "")]]
    assert of_source(analysis, "half.tal", [lines[1]]) == plain, "it has been changed"
    assert of_source(analysis, "other.tal", [lines[1]]) == plain
    assert of_source(None, "half.tal", [lines[1], ""]) == [*plain, []]


@waits
async def test_odd_names_are_shown() -> None:
    def make(sayings: Sayings) -> Debugger:
        platform = registry.named("uxn")
        Path("[b].tal").write_text("|0100 @a[red] BRK\n")
        program = platform.load("[b].tal")
        return Debugger(platform, program, Options(tier=Tier.REFERENCE, write=sayings.write))

    async with screen(make, "[b].tal") as on:
        assert on.pane("listing").border_title == r"\[b].tal"
        assert on.shows("status", "[b].tal", "a[red]")
        await on.command("break \\x1b[31m")
        assert on.app.is_running


def test_what_nobody_takes_does_not_fill_memory() -> None:
    sayings = Sayings()
    for _ in range(8):
        sayings.write(bytes(MOST_HELD // 4), False)
    assert sum(len(data) for _, data in sayings.take()) <= MOST_HELD + 100
    assert sayings.take() == []


@waits
async def test_lines_of_the_console() -> None:
    async with screen(made(PROGRAM), "half.tal") as on:
        console = on.app.query_one(Console)
        before = len(console.text.splitlines())
        for data in (b"na", b"me", b"? ", b"\xe2", b"\x82", b"\xac\nnext", b"\r\n"):
            console.write_output(data)
        console.write_output(b"open")
        console.write_output(b"bad\xff\n", "error")
        console.write_lines(["a\tb", "x" * 1000])
        console.write_output(b"y" * 9000)
        console.write_output(b"z")
        lines = console.text.splitlines()[before:]
        assert lines[:4] == ["name? €", "next", "open", "bad\\xff"]
        assert lines[4:] == ["a   b", "x" * 1000, *("y" * n for n in (4000, 4000, 1000)), "z"]
        await on.settle()
        assert on.rows("console")[-1] == "z"
        for number in range(12000):
            console.write_lines([str(number)])
        assert len(console.text.splitlines()) == 5000
        assert on.rows("console")[-1] == "11999"


# -- the command ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--tui", "half.tal"], "--tui needs a terminal"),
        (["--tui", "--json", "half.tal"], "--json"),
    ],
)
def test_wrong_usage_is_told(
    words: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("half.tal").write_text(PROGRAM)
    assert main(["debug", *words, "half.tal"]) != Exit.OK
    assert said in capfd.readouterr().err


class Terminal:
    """``jitvm debug --tui`` in a terminal of its own."""

    def __init__(self, *arguments: str, before: str = "") -> None:
        self._host, self._guest = pty.openpty()
        ioctl(self._guest, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
        self._modes = termios.tcgetattr(self._guest)
        code = f"{before}\nimport sys\nfrom jitvm.cli.main import program\nprogram()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, "debug", "--tui", *arguments],
            stdin=self._guest, stdout=self._guest, stderr=self._guest, start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color"},
            preexec_fn=lambda: ioctl(self._guest, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.set_blocking(self._host, False)
        self.seen = b""

    def read(self) -> None:
        """What is there."""
        try:
            self.seen += os.read(self._host, 1 << 20)
        except (BlockingIOError, OSError):
            return

    def until(self, word: bytes) -> None:
        """Read until a word was seen."""

        def is_there() -> bool:
            self.read()
            return word in self.seen

        until(is_there)

    def type(self, data: bytes) -> None:
        """Press keys."""
        os.write(self._host, data)

    def end(self) -> int:
        """Wait for the end; what it ends with."""

        def is_over() -> bool:
            self.read()
            return self.process.poll() is not None

        until(is_over)
        assert termios.tcgetattr(self._guest) == self._modes
        return self.process.returncode

    def close(self) -> None:
        """It is over, one way or the other."""
        self.process.kill()
        self.process.wait()
        os.close(self._host)
        os.close(self._guest)


def in_terminal(test: Callable[[Terminal], object], *arguments: str, before: str = "") -> None:
    """Run a test in a terminal."""
    terminal = Terminal(*arguments, before=before)
    try:
        test(terminal)
    finally:
        terminal.close()


def test_in_a_terminal() -> None:
    Path("half.tal").write_text(PROGRAM)

    def test(terminal: Terminal) -> None:
        terminal.until(b"(jitvm) print 7 * 6")
        terminal.until(b"42 0x2a")
        terminal.type(b"c")
        terminal.until(b"the program has ended")
        terminal.type(b"q")
        assert terminal.end() == Exit.OK

    in_terminal(test, "-e", "print 7 * 6", "half.tal")


def test_a_signal_ends_it() -> None:
    Path("half.tal").write_text(ENDLESS)

    def test(terminal: Terminal) -> None:
        terminal.until(b"(jitvm) continue")
        terminal.until(b"running")
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.end() == Exit.TERMINATED

    in_terminal(test, "-e", "continue", "half.tal")


def test_ctrl_c_in_a_terminal() -> None:
    Path("half.tal").write_text(ENDLESS)

    def test(terminal: Terminal) -> None:
        terminal.until(b"running")
        terminal.type(b"\x03")
        terminal.until(b"interrupted")
        terminal.type(b"q")
        assert terminal.end() == Exit.OK

    in_terminal(test, "-e", "continue", "half.tal")


def test_what_breaks_it_is_no_success() -> None:
    Path("half.tal").write_text(PROGRAM)
    breaks = (
        "from jitvm.terminal.debugger import app\n"
        "def fail(*_): raise LookupError('broken')\n"
        "app.DebuggerApp.action_time = fail"
    )

    def test(terminal: Terminal) -> None:
        terminal.until(b"wst")
        terminal.type(b"t")
        assert terminal.end() == Exit.FAILURE

    in_terminal(test, "half.tal", before=breaks)


def test_without_textual_it_says_what_to_install() -> None:
    Path("half.tal").write_text(PROGRAM)

    def test(terminal: Terminal) -> None:
        assert terminal.end() == Exit.FAILURE
        terminal.until(b"pip install 'jitvm[tui]'")
        assert b"Traceback" not in terminal.seen

    in_terminal(test, "half.tal", before="import sys; sys.modules['textual'] = None")


def test_a_program_that_is_none_is_told() -> None:
    def test(terminal: Terminal) -> None:
        assert terminal.end() == Exit.USAGE
        terminal.until(b"nowhere.tal")

    in_terminal(test, "nowhere.tal")


def test_the_line_front_end_loads_nothing_of_it() -> None:
    Path("half.tal").write_text(PROGRAM)
    code = ("import sys; from jitvm.cli.main import main; main(['debug', '-e', 'q', 'half.tal']); "
            "print([n for n in sys.modules if n.split('.')[0] in ('textual', 'rich') "
            "or n.startswith('jitvm.terminal.debugger')])")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")
