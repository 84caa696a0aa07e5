"""The debugger's screen: which pane shows what, and what keys do.

    status                                       why it stands still, and when
    listing            | stacks, calls, stops
    memory, ports, screen, and in a narrow terminal console, by tabs
    command line
    keys

Keys and clicks become commands; commands wait in a queue and are done one after the other on the
session's thread, whose answers fill the panes.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterable
from functools import cache, partial
from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import events, on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer, Label, Tab, Tabs

from jitvm.debugger.commands import Commands
from jitvm.debugger.expressions import ExpressionError
from jitvm.engine.tables.names import shown
from jitvm.terminal.debugger import looks
from jitvm.terminal.debugger.cells import Cells, Section
from jitvm.terminal.debugger.colors import Part, of_source
from jitvm.terminal.debugger.completion import Names, names_of
from jitvm.terminal.debugger.console import Console
from jitvm.terminal.debugger.dialogs import Help, Question, Second
from jitvm.terminal.debugger.listing import Key, Listing, Row
from jitvm.terminal.debugger.lists import Calls, Stops
from jitvm.terminal.debugger.looks import Line, Look
from jitvm.terminal.debugger.picture import Picture
from jitvm.terminal.debugger.prompt import Prompt
from jitvm.terminal.debugger.session import Answer, Session
from jitvm.terminal.debugger.status import Status

if TYPE_CHECKING:
    from jitvm.platform.language import Analysis

WIDE = 110
"""Columns from which on the console has a place of its own."""
BEAT = 0.1
"""Seconds between two looks at a running program."""
MOST_WAITING = 50
"""Commands that wait; keys that are held down would make more."""
FEW_CELLS = 256
"""Bytes of the largest space that is shown beside the stacks: a file of registers."""
BACK = {
    "c": ("continue", "reverse-continue"),
    "n": ("next", "reverse-next"),
    "s": ("step", "reverse-step"),
    "i": ("instruction", "reverse-stepi"),
    "f": ("finish", "reverse-finish"),
    "u": ("undo", "undo"),
}
"""The second key behind `r`: what it says, and the command."""

HELP = (
    ("Tab", "the next pane; in the command line: complete"),
    ("Enter", "memory, ports, stacks: change bytes; calls: show; breakpoints: disable, enable"),
    ("Delete", "remove the breakpoint at hand"),
    ("Ctrl-P", "everything else, among it colours"),
)
"""Keys of panes."""

Job = Callable[[], Awaitable[None]]
Reading = Callable[[], "Analysis | None"]
Result = TypeVar("Result")


def _shown(key: str, action: str, name: str, about: str) -> Binding:
    """A key that the last line of the screen shows."""
    return Binding(key, action, name, tooltip=about)


def _known(key: str, action: str, about: str) -> Binding:
    """A key that only the help shows."""
    return Binding(key, action, about, show=False)


def run(session: Session, name: str, lines: Iterable[str], reading: Reading) -> int:
    """Show a session until the user leaves it, or a signal ends it; what the command ends with.

    See `DebuggerApp` for the arguments.
    """
    app = DebuggerApp(session, name, lines, reading)

    async def show() -> int:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, app.action_interrupt)
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, app.leave, 128 + number)
        code = await app.run_async()
        return app.return_code or 0 if code is None else code

    return asyncio.run(show())


class DebuggerApp(App[int]):
    """The screen of a session.

    Args:
        session: what it shows.
        name: of the program.
        lines: commands to begin with.
        reading: reads its sources, for their colours; None if there is no language of them.
    """

    CSS_PATH = "debugger.tcss"
    TITLE = "jitvm debug"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        _shown("c", "do('continue')", "Continue", "run on to the next stop"),
        _shown("n", "do('next')", "Next", "go to another line, over calls"),
        _shown("s", "do('step')", "Step", "go to another line"),
        _shown("f", "do('finish')", "Finish", "run until the routine has returned"),
        _known("i", "do('stepi')", "execute one instruction"),
        _shown("b", "breakpoint", "Break", "set a breakpoint at the cursor, or remove it"),
        _shown("r", "backwards", "Back", "back in time; a second key says how"),
        _shown("t", "time", "Time", "go to a time"),
        _known("u", "until", "run to the cursor"),
        _known("d", "code", "show instructions, or the source again"),
        _known("g", "memory", "go to a place in memory"),
        _known("m", "space", "show another memory"),
        _known("1", "tab('memory')", "memory"),
        _known("2", "tab('ports')", "ports"),
        _known("3", "tab('screen')", "the program's screen"),
        _known("4", "tab('console')", "the console"),
        _known("p", "begin('print ')", "type a `print`"),
        _known("e", "begin('display ')", "type a `display`: an expression to show at each stop"),
        _known("w", "begin('watch ')", "type a `watch`: memory to stop at when it changes"),
        _known("z", "zoom", "make the pane as large as the terminal, or small again"),
        _known("f5", "do('continue')", "run on to the next stop"),
        _known("f10", "do('next')", "go to another line, over calls"),
        _known("f11", "do('step')", "go to another line"),
        _known("shift+f11", "do('finish')", "run until the routine has returned"),
        _known("f9", "breakpoint", "set a breakpoint at the cursor, or remove it"),
        _shown("colon", "prompt", "Command", "go to the command line"),
        _shown("question_mark,f1", "help", "Help", "show this"),
        _shown("q", "quit", "Quit", "leave the debugger"),
        Binding("ctrl+c", "interrupt", "interrupt the program", show=False, priority=True),
        _known("escape", "leave", "interrupt the program; leave the command line"),
    ]

    def __init__(
        self,
        session: Session,
        name: str,
        lines: Iterable[str] = (),
        reading: Reading = lambda: None,
    ) -> None:
        super().__init__()
        self._analysis = cache(reading)
        self._session = session
        self._program = name
        self._first = list(lines)
        self._look = session.look
        self._before = session.look
        self._names = Names((), (), ())
        self._queue: asyncio.Queue[Job] = asyncio.Queue()
        self._is_busy = self._is_over = False
        self._why = ""
        self._wants_code = False
        self._listed: str | None = None
        self._around = 0
        self._coded = 0, b""
        self._is_wide = False
        self._space = self._commands.debugger.guest.code_index
        self._sources: dict[str, list[Row]] = {}

    @property
    def _commands(self) -> Commands:
        """Of which only what never changes may be used here."""
        return self._session.commands

    # -- the screen --------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """All panes."""
        yield Status(os.path.basename(self._program), id="status")
        with Horizontal(id="upper"):
            yield Listing(id="listing")
            with Vertical(id="side"):
                yield Cells(addresses=False, text=False, id="stacks")
                yield Calls(id="calls")
                yield Stops(id="stops")
        tabs = Tabs(*self._tabs(), id="tabs")
        tabs.can_focus = False
        yield tabs
        with Horizontal(id="lower"):
            yield Cells(addresses=True, text=True, id="memory")
            yield Cells(addresses=True, text=True, id="ports")
            yield Picture(id="screen")
            yield Console(id="console")
        with Horizontal(id="line"):
            yield Label("(jitvm) ")
            yield Prompt(lambda: self._names, id="prompt")
        yield Footer(compact=True, show_command_palette=False)

    def _tabs(self) -> list[Tab]:
        debugger = self._commands.debugger
        tabs = [Tab("1 Memory", id="tab-memory")]
        if debugger.guest.ports:
            tabs.append(Tab("2 Ports", id="tab-ports"))
        if debugger.computer.has_screen:
            tabs.append(Tab("3 Screen", id="tab-screen"))
        return [*tabs, Tab("4 Console", id="tab-console")]

    async def on_mount(self) -> None:
        """Show the beginning; do the first commands."""
        self.query_one("#stacks").border_title = "Stacks"
        self.query_one("#calls").border_title = "Calls"
        self.query_one("#stops").border_title = "Watches, breakpoints"
        self._listing.focus()
        self._is_wide = self.size.width >= WIDE
        if not self._is_wide:
            self._tabbed.active = "tab-console"
        self._why = self._look.where
        for line in self._first:
            self._queue.put_nowait(partial(self._command, line))
        self.run_worker(self._work(), exit_on_error=True)
        self.set_interval(BEAT, self._beat)

    def on_resize(self, event: events.Resize) -> None:
        """The console has a place of its own, or a tab."""
        self._is_wide = event.size.width >= WIDE
        self._arrange()

    @on(Tabs.TabActivated)
    def _on_tab(self) -> None:
        self._arrange()

    def _arrange(self) -> None:
        """Have the pane of the tab seen, and the console where there is room."""
        tabs = self._tabbed
        (tabs.hide if self._is_wide else tabs.show)("tab-console")
        active = tabs.active.removeprefix("tab-")
        for name in ("memory", "ports", "screen", "console"):
            pane = self.query_one(f"#{name}")
            pane.display = name == active or (self._is_wide and name == "console")

    @property
    def _listing(self) -> Listing:
        return self.query_one(Listing)

    @property
    def _console(self) -> Console:
        return self.query_one(Console)

    @property
    def _tabbed(self) -> Tabs:
        return self.query_one(Tabs)

    # -- commands ----------------------------------------------------------------------------

    def submit(self, line: str) -> None:
        """Have a command done, after those that wait."""
        self._put(partial(self._command, line))

    def _put(self, job: Job) -> None:
        if self._queue.qsize() < MOST_WAITING:
            self._queue.put_nowait(job)

    async def _work(self) -> None:
        """Do all that is to be done, as long as the screen is there."""
        self._names = await asyncio.wrap_future(self._session.ask(names_of))
        await self._adopt(self._look, goes=True)
        self._console.write_lines(self._where())
        while True:
            job = await self._queue.get()
            await job()
            self._queue.task_done()

    def _where(self) -> list[str]:
        return [self._look.where] if self._look.where else []

    async def _command(self, line: str) -> None:
        """Do a command, and show what came of it."""
        self._drain()
        self._console.write_lines([f"(jitvm) {line}"], "command")
        self._session.forget_pause()
        self._is_busy = True
        try:
            answer = await asyncio.wrap_future(self._session.execute(line))
        finally:
            self._is_busy = False
        await self._show(answer)

    async def _show(self, answer: Answer) -> None:
        if self._is_over or answer.is_last:
            self.exit(self.return_value or 0)
            return
        self._drain()
        if answer.failed:
            self._console.write_lines([f"error: {answer.failed}"], "error")
            if self._console not in self._seen():
                self.notify(answer.failed, severity="error", markup=False)
        self._console.write_lines(answer.lines)
        if answer.stopped is not None:
            self._why = answer.lines[0] if answer.lines else answer.stopped.reason
        await self._adopt(answer.look, goes=answer.stopped is not None)

    def _seen(self) -> list[object]:
        return [pane for pane in self.query("#lower > *") if pane.display]

    def _drain(self) -> None:
        """Show what the program has written."""
        for kind, data in self._session.sayings.take():
            if kind == "log":
                self._console.write_lines(data.decode("utf-8", "replace").splitlines(), "note")
            else:
                self._console.write_output(data, "error" if kind == "error" else "plain")

    def _beat(self) -> None:
        """Now and then: how far is it?"""
        self._drain()
        if not self._is_busy:
            return
        progress = self._session.progress()
        time = self._look.time if progress is None else progress.time
        self._status.show("running; Esc interrupts it", time, self._look.horizon, is_running=True)
        if progress is not None:
            self.query_one(Picture).show(progress.picture)

    @property
    def _status(self) -> Status:
        return self.query_one(Status)

    # -- what panes show ---------------------------------------------------------------------

    async def _adopt(self, look: Look, *, goes: bool) -> None:
        """Show another look; the cursor goes to where the program is, if that is another place or
        it has moved."""
        goes |= look.pc != self._look.pc
        if look.time != self._look.time:
            self._before = self._look
        self._look = look
        self._status.show(self._why, look.time, look.horizon, is_running=False)
        self.query_one(Calls).show(look)
        self.query_one(Stops).show(look)
        self.query_one(Picture).show(look.picture)
        self._show_cells()
        if goes and look.pc is not None:
            await self._list(look.line, look.pc)
            return
        if self._listed is None:
            await self._list_code(self._around)  # it may have been changed
        self._mark()

    def _show_cells(self) -> None:
        look, before = self._look, self._before
        memory, was = look.spaces[self._space], before.spaces[self._space]
        code = self._commands.debugger.guest.code_index
        name = "" if self._space == code else memory.name
        cells = self.query_one("#memory", Cells)
        cells.show([Section("", memory.cells, was.cells, partial(_of_space, name))])
        ports = Section("", look.ports, before.ports, partial(_of_space, "port"))
        self.query_one("#ports", Cells).show([ports])
        self.query_one("#stacks", Cells).show([*self._stacks(), *self._registers()])

    def _stacks(self) -> Iterable[Section]:
        for stack, was in zip(self._look.stacks, self._before.stacks, strict=True):
            name_of = partial(_of_stack, stack.name, len(stack.live) - 1)
            yield Section(f"{stack.name} {len(stack.live)}", stack.live, was.live, name_of)

    def _registers(self) -> Iterable[Section]:
        """Spaces so small that they are registers."""
        code = self._commands.debugger.guest.code_index
        for number, space in enumerate(self._look.spaces):
            if number != code and 0 < len(space.cells) <= FEW_CELLS:
                was = self._before.spaces[number].cells
                yield Section(space.name, space.cells, was, partial(_of_space, space.name))

    async def _list(self, line: Line | None, address: int) -> None:
        """Show the source around a line, or the instructions around an address."""
        key: Key = address
        rows = await self._source(line[0]) if line is not None and not self._wants_code else []
        if line is not None and rows:
            key = line
            if self._listed != line[0]:
                self._listed = line[0]
                self._listing.show(rows, shown(os.path.basename(line[0])))
        else:
            await self._list_code(address)
        self._mark()
        self._listing.go_to(key)

    async def _list_code(self, address: int) -> None:
        """Show the instructions around an address, unless they are shown, and still the same."""
        self._around = address
        cells = self._look.spaces[self._commands.debugger.guest.code_index].cells
        start, shown_code = self._coded
        if (
            self._listed is None
            and self._listing.has(address)
            and cells[start : start + len(shown_code)] == shown_code
        ):
            return
        self._listed = None
        code = await self._ask(lambda commands: looks.code(commands.debugger, address))
        rows = [
            Row(
                each.address,
                f"{each.address:04x}",
                ((f"{each.raw:8} ", "note"), (each.text, "plain"), (f"  {each.label}", "label")),
            )
            for each in code
        ]
        start, last = code[0].address, code[-1]
        self._coded = start, bytes(cells[start : last.address + len(last.raw) // 2])
        self._listing.show(rows, "Instructions")

    async def _ask(self, question: Callable[[Commands], Result]) -> Result:
        return await asyncio.wrap_future(self._session.ask(question))

    async def _source(self, file: str) -> list[Row]:
        """Rows of a source, none if it cannot be read."""
        if file not in self._sources:
            lines = await self._ask(partial(_parts_of, file, self._analysis))
            width = max(len(str(len(lines))), 4)
            self._sources[file] = [
                Row((file, number), f"{number:{width}}", tuple(parts))
                for number, parts in enumerate(lines, 1)
            ]
        return self._sources[file]

    def _mark(self) -> None:
        """Show breakpoints, and where the program is."""
        look, marks = self._look, dict[Key, bool]()
        is_source = self._listed is not None
        for stop in look.stops:
            for key in stop.lines if is_source else stop.addresses:
                marks[key] = marks.get(key, False) or stop.is_enabled
        self._listing.mark(marks, look.line if is_source else look.pc)

    # -- keys --------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Ctrl-C interrupts what runs, and else does what it always does."""
        del parameters
        return action != "interrupt" or self._is_busy

    def action_do(self, line: str) -> None:
        """A key that is a command."""
        self.submit(line)

    def action_interrupt(self) -> None:
        """Have the program stand still, and do nothing of what waits."""
        while not self._queue.empty():
            self._queue.get_nowait()
            self._queue.task_done()
        self._session.pause()

    def action_leave(self) -> None:
        """Interrupt; or go back to the source."""
        if self._is_busy:
            self.action_interrupt()
        else:
            self._listing.focus()

    async def action_quit(self) -> None:
        """Leave the debugger."""
        self.leave(0)

    def leave(self, code: int) -> None:
        """End with a code; a program that runs is interrupted."""
        self._is_over = True
        self.action_interrupt()
        self.exit(code)

    def action_breakpoint(self) -> None:
        """Set a breakpoint at the cursor, or remove it."""
        if (key := self._listing.cursor) is not None:
            self._put(partial(self._toggle, key))

    @on(Listing.Clicked)
    def _on_margin(self, event: Listing.Clicked) -> None:
        self._put(partial(self._toggle, event.key))

    async def _toggle(self, key: Key) -> None:
        numbers = [
            stop.number for stop in self._look.stops if key in stop.lines or key in stop.addresses
        ]
        if numbers:
            await self._command("delete " + " ".join(map(str, numbers)))
        elif (place := await self._place(key)) is not None:
            await self._command(f"break {place}")

    def action_until(self) -> None:
        """Run to the cursor."""
        if (key := self._listing.cursor) is not None:
            self._put(partial(self._run_to, key))

    async def _run_to(self, key: Key) -> None:
        if (place := await self._place(key)) is not None:
            await self._command(f"until {place}")

    async def _place(self, key: Key) -> str | None:
        """A row of the listing as commands name it."""
        if isinstance(key, int):
            return f"*{key:#06x}"
        file, line = key
        found = await self._ask(lambda commands: commands.places.at_line(file, line))
        if found is None:
            self.notify(f"no instruction comes from line {line} or below", severity="warning")
            return None
        return f"*{found[0]:#06x}"

    def action_backwards(self) -> None:
        """The next key goes back in time."""
        choices = {key: about for key, (about, _) in BACK.items()}

        def go(key: str | None) -> None:
            if key is not None:
                self.submit(BACK[key][1])

        self.push_screen(Second("back:", choices), go)

    def action_time(self) -> None:
        """Ask for a time to go to."""

        def go(text: str | None) -> None:
            if text is not None:
                self.submit(f"goto {text}")

        look = self._look
        hint = f"0 to {look.horizon}, later ones run on; time - 100"
        self.push_screen(Question("Go to which time?", hint), go)

    @on(Status.Chosen)
    def _on_time(self, event: Status.Chosen) -> None:
        self.submit(f"goto {event.time}")

    def action_memory(self) -> None:
        """Ask for a place in memory to show."""

        def go(text: str | None) -> None:
            if text is not None:
                self._put(partial(self._go_to_memory, text))

        hint = "a label or an expression: main, 0x0200, wst[0]:2"
        self.push_screen(Question("Show which memory?", hint, self._names.labels), go)

    async def _go_to_memory(self, text: str) -> None:
        try:
            self._space, address = await self._ask(lambda commands: commands.spot(text))
        except ExpressionError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self.action_tab("memory")
        self._show_cells()
        self.query_one("#memory", Cells).go_to(address)

    def action_space(self) -> None:
        """Show another space in the pane of memory."""
        spaces = self._look.spaces
        following = [(self._space + i) % len(spaces) for i in range(1, len(spaces) + 1)]
        self._space = next(i for i in following if len(spaces[i].cells) or i == self._space)
        self.action_tab("memory")
        self._show_cells()
        self.query_one("#memory", Cells).go_to(0)

    def action_code(self) -> None:
        """Show instructions in place of the source, or the source again."""
        self._wants_code = not self._wants_code
        self._put(self._list_anew)

    async def _list_anew(self) -> None:
        await self._adopt(self._look, goes=True)

    @on(Calls.Chosen)
    def _on_call(self, event: Calls.Chosen) -> None:
        self._put(partial(self._list, event.call.line, event.call.pc))

    @on(Stops.Wanted)
    def _on_stop(self, event: Stops.Wanted) -> None:
        self.submit(event.command)

    @on(Cells.Changed)
    def _on_cell(self, event: Cells.Changed) -> None:
        self.submit(f"set {event.name} = {event.value:#04x}")

    def action_tab(self, name: str) -> None:
        """Show a pane, and go there."""
        if self.query(f"#tab-{name}"):
            if name != "console" or not self._is_wide:
                self._tabbed.active = f"tab-{name}"
            self._arrange()
            self.query_one(f"#{name}").focus()

    def action_zoom(self) -> None:
        """Have the pane at hand fill the screen, or no more."""
        if self.screen.maximized is not None:
            self.screen.minimize()
        elif self.focused is not None:
            self.screen.maximize(self.focused)

    def action_prompt(self) -> None:
        """Go to the command line."""
        self.query_one(Prompt).focus()

    def action_begin(self, text: str) -> None:
        """Go to the command line, with the beginning of a command on it."""
        self.query_one(Prompt).begin(text)

    @on(Prompt.Given)
    def _on_line(self, event: Prompt.Given) -> None:
        if self._is_busy:
            self.notify("waits until the program stands still; Esc interrupts it")
        self.submit(event.line)

    @on(Prompt.Choices)
    def _on_choices(self, event: Prompt.Choices) -> None:
        self._console.write_lines(["  ".join(event.lines)], "note")

    async def action_help(self) -> None:
        """Show keys and commands."""
        keys = dict[str, list[str]]()
        for binding in self.BINDINGS:
            assert isinstance(binding, Binding)
            about = binding.tooltip or binding.description
            keys.setdefault(about, []).extend(binding.key.split(","))
        rows = [(" ".join(map(_spelled, names)), about) for about, names in keys.items()]
        rows += [(f"r {key}", f"back in time: {about}") for key, (about, _) in BACK.items()]
        rows += HELP
        lines = self._commands.do_help("").lines  # the table, which never changes
        self.push_screen(Help(rows, lines))

    def get_key_display(self, binding: Binding) -> str:
        """A key in the last line."""
        return binding.key_display or _spelled(binding.key)


def _spelled(key: str) -> str:
    """A key as people write it."""
    names = {"colon": ":", "question_mark": "?", "escape": "Esc", "ctrl+c": "Ctrl-C"}
    return names.get(key) or "-".join(
        part if len(part) == 1 else part.capitalize() for part in key.split("+")
    )


def _parts_of(file: str, analysis: Reading, commands: Commands) -> list[list[Part]]:
    """A source's lines in parts; on the session's thread."""
    return of_source(analysis(), file, commands.debugger.program.source(file))


def _of_stack(name: str, top: int, index: int) -> str:
    """A byte of a stack as an expression."""
    return f"{name}[{top - index}]"


def _of_space(name: str, address: int) -> str:
    """A byte of a space as an expression; of the code space, if it has no name."""
    return f"{name}[{address:#x}]"
