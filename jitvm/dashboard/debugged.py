"""A computer that the debugger runs, as the dashboard sees it: `jitvm dashboard --debug`.

    page --command--> Commands     on the guest's thread, between two slices
    page <--view----- Debugger     where it stands and why; made anew after each command and stop
    page <--reply---- Replies      what commands answer, as in the terminal

The same runner takes the same slices; a slice is `Debugger.go_on` up to a deadline. So all else of
the page works as it does without a debugger, and what stops, steps and goes back is
`jitvm.debugger` alone: a page's buttons are its commands. A program that has ended stands still, as
it can be gone back in.

Where the run is behind the latest time it has been at, it repeats what was: keys and pointer count
again from there on. A line of input, and what somebody changes, begin a new future.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from os.path import basename
from time import monotonic
from typing import TYPE_CHECKING, Any

from jitvm.dashboard import source
from jitvm.dashboard.computer import WatchedComputer
from jitvm.dashboard.console import Replies
from jitvm.dashboard.target import InputError, Progress
from jitvm.debugger import report
from jitvm.debugger.acts import Source
from jitvm.debugger.breakpoints import Breakpoint, Kind
from jitvm.debugger.commands import BY_NAME, CommandError, Commands
from jitvm.debugger.debugger import Debugger, Options
from jitvm.debugger.stopped import Stopped
from jitvm.engine.machine.inspect import Tier
from jitvm.engine.tables.names import shown
from jitvm.platform import events
from jitvm.platform.frames import RATE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jitvm.dashboard.source import Message
    from jitvm.engine.tables.params import Parameters

LONGEST = 1000
"""Characters of a command."""
MOST_LINES = 1000
"""Lines of a reply."""
MOST_BYTES = 4096
"""Bytes of memory, or instructions, that one request gets."""
MOST_CELLS = 256
"""Bytes of a stack that are shown, from the top."""
MOST_FRAMES = 200
WITHHELD = frozenset({"do_screen", "do_save", "do_quit"})
"""Commands that a page does not get: they write to files, or end the debugger."""


class DebuggedComputer(WatchedComputer):
    """One program, run by a debugger; see the head of this file.

    Implements `jitvm.dashboard.target.Target`, and its `Debugging`. Arguments are those of
    `WatchedComputer`; it begins where nothing was executed, and is to begin paused.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.debugging = self
        self.view: Message | None = None
        self.replies = Replies()
        self.is_wanted: Callable[[], bool] = lambda: False
        self._debugger: Debugger | None = None
        self._commands: Commands | None = None
        self._stopped: Stopped | None = None
        self._is_passing = False
        self._looks = 0

    @property
    def debugger(self) -> Debugger:
        """Of the program; `restart` makes a new one."""
        assert self._debugger is not None
        return self._debugger

    @property
    def commands(self) -> Commands:
        """Of the debugger."""
        assert self._commands is not None
        return self._commands

    # -- running -----------------------------------------------------------------------------

    def restart(self, params: Parameters) -> None:
        """Start over on a new computer, with the breakpoints there were."""
        self.close()
        self._start_input()
        self._stdin.clear()  # the debugger's source has it
        before, self._commands = self._commands, None
        self._debugger = self._computer = self.view = None
        made = Debugger(
            self._platform,
            self._program,
            Options(
                args=self._args, tier=Tier.JIT, params=params, running=self._options,
                source=Source(self._given or b"", is_whole=self._given is not None),
                write=lambda data, _: self._printed.write(data),
                log=lambda line: self._reply("", [line]),
            ),
        )  # fmt: skip
        made.history.is_wanted = self.is_wanted
        self._debugger, self._computer = made, made.computer
        self._commands = commands = Commands(made)
        if before is not None:
            commands.take_over(before)
        self._stopped, self._is_passing = Stopped("start"), False
        self._look()

    def advance(self, *, seconds: float | None, instructions: int | None) -> Progress:
        """Run on: a frame, or so long; or so many instructions, and stand still."""
        if instructions is not None:
            return self._move(lambda: self.debugger.step(instructions))
        computer, history, now = self.computer, self.debugger.history, monotonic()
        if computer.is_graphical and not history.is_running:
            if now < self._due:
                return Progress.WAITING
            self._due = max(self._due + 1 / RATE, now)
        deadline = now if computer.is_graphical else now + (seconds or 0.0)
        passing, self._is_passing = self._is_passing, False
        self._stopped = None
        stopped = self._guarded(lambda: self.debugger.go_on(passing=passing, deadline=deadline))
        self._show_screen(finished=not history.is_running)
        if stopped.reason == "input":
            return Progress.WAITING
        if stopped.reason == "pause":
            is_over = computer.is_graphical and not history.is_running
            return Progress.WAITING if is_over else Progress.RUNNING
        return self._stand(stopped)

    def step_frame(self) -> Progress:
        """Run to where the next frame or event begins."""
        return self._move(lambda: self.debugger.go_on(one_act=True))

    def halt(self) -> None:
        """It is paused: say where, at the next instruction if there is one."""
        if self._debugger is None or self._stopped is not None:
            return
        stopped, history = Stopped("pause"), self._debugger.history
        if not history.is_running:
            found = self._guarded(
                lambda: self.debugger.go_on(history.time, passing=False, deadline=0.0)
            )
            stopped = stopped if found.reason in ("step", "pause") else found
        self._stand(stopped)

    def _move(self, move: Callable[[], Stopped]) -> Progress:
        return self._stand(self._guarded(move))

    @staticmethod
    def _guarded(move: Callable[[], Stopped]) -> Stopped:
        """Run; what a device cannot do stops the program."""
        try:
            return move()
        except (OSError, RuntimeError, ImportError, MemoryError) as error:
            return Stopped("exception", (), (str(error) or type(error).__name__,))

    def _stand(self, stopped: Stopped) -> Progress:
        """Stand still, and tell why."""
        self._rest_at(stopped)
        self._reply("", report.stopped(self.debugger, stopped))
        return Progress.STOPPED

    def _rest_at(self, stopped: Stopped) -> None:
        self._stopped, self._is_passing = stopped, stopped.reason != "pause"
        self._look()
        self._picture_due = 0.0
        self._show_screen(finished=True)

    def _show_screen(self, *, finished: bool) -> None:
        """Nothing composes frames while the debugger runs them."""
        computer = self.computer
        if computer.has_screen and computer.is_graphical and monotonic() >= self._picture_due:
            self._is_stale |= computer.screen.compose()
        self._show(finished=finished)

    # -- input -------------------------------------------------------------------------------

    def input(self, event: Mapping[str, object]) -> None:
        """Input from the page; keys and pointer only where nobody has been."""
        super().input(event)
        if self._debugger is None:
            return
        history, given = self._debugger.history, self._events
        data = bytes(self._stdin)
        self._events = []
        self._stdin.clear()
        if data and self.computer.is_graphical:
            given = [events.Stdin(data)]
        elif data:
            history.tell(lambda user: user.type(data))
        if self._given is None and self._is_input_over:
            self._is_input_over = False
            history.tell(lambda user: user.close())
        if not given:
            return
        if history.time < history.horizon:
            raise InputError("the run repeats what was")
        history.source.events += tuple(given)

    # -- commands ----------------------------------------------------------------------------

    def goes_on(self, line: str) -> bool:
        """Whether a command is to run on, which is the runner's to do.

        Raises:
            CommandError: it is too long, or pages do not have it.
        """
        if len(line) > LONGEST:
            raise source.CommandError(f"a command of the debugger has at most {LONGEST} characters")
        row = BY_NAME.get((line.split(None, 1) or [""])[0])
        if row is not None and row.method in WITHHELD:
            raise source.CommandError(f"{row.names} is for `jitvm debug`; pages do not have it")
        return row is not None and row.method == "do_continue"

    def execute(self, line: str) -> Progress:
        """Do a command, and keep what it answers."""
        if self._debugger is None:
            self._reply(line, error="the program has not begun; change what is wrong, and restart")
            return Progress.RUNNING
        try:
            reply = self.commands.execute(line)
        except CommandError as error:
            self._reply(line, error=str(error))
        except (OSError, RuntimeError, ImportError, MemoryError) as error:
            stopped = Stopped("exception", (), (str(error) or type(error).__name__,))
            self._rest_at(stopped)
            self._reply(line, error=stopped.notes[0])
            return Progress.STOPPED
        else:
            if reply.stopped is not None:
                self._rest_at(reply.stopped)
            else:
                self._look()
            self._reply(line, reply.lines)
            return Progress.RUNNING if reply.stopped is None else Progress.STOPPED
        return Progress.RUNNING

    def _reply(self, line: str, lines: Iterable[str] = (), error: str = "") -> None:
        rows = list(lines)
        if len(rows) > MOST_LINES:
            rows = [*rows[:MOST_LINES], f"... {len(rows) - MOST_LINES} more lines"]
        self.replies.append({"line": line, "lines": rows, "error": error})

    # -- what a page sees --------------------------------------------------------------------

    def _look(self) -> None:
        """Make the view."""
        debugger, stopped, guest = self.debugger, self._stopped, self.debugger.guest
        spaces = [
            {"name": space.name, "prefix": "" if i == guest.code_index else space.name,
             "size": len(debugger.state.spaces[i])}
            for i, space in enumerate(guest.spaces)
        ]  # fmt: skip
        if guest.ports:
            spaces.append({"name": "ports", "prefix": "port", "size": guest.ports})
        self._looks += 1
        self.view = {
            "serial": self._looks,  # memory may be another where all else is as before
            "files": [shown(basename(file)) for file in self.commands.places.lines],
            "spaces": spaces,
            "code": guest.code_index,
            "breakpoints": [self._row(row) for row in list(debugger.table.rows.values())],
            "watches": [[text, value] for text, value in self.commands.displayed()],
            "stopped": None if stopped is None else self._standing(stopped),
        }

    def _standing(self, stopped: Stopped) -> Message:
        """Where it stands, and why."""
        debugger = self.debugger
        history, pc, guest = debugger.history, debugger.state.pc, debugger.guest
        return {
            "reason": stopped.reason,
            "why": report.why(debugger, stopped),
            "time": history.time,
            "horizon": history.horizon,
            "pc": pc,
            "text": debugger.spell(pc)[0] if history.is_running else "",
            "place": str(debugger.program.place(pc)),
            "line": self._line(pc),
            "frames": [
                [frame.pc, str(debugger.program.place(frame.pc)), self._line(frame.pc)]
                for frame in debugger.frames()[:MOST_FRAMES]
            ] if history.is_running else [],
            "stacks": [
                {"name": stack.name, "pointer": pointer,
                 "cells": list(cells[max(pointer - MOST_CELLS, 0) : pointer])}
                for stack, cells, pointer in zip(
                    guest.stacks, debugger.state.stacks, debugger.state.pointers, strict=True
                )
            ],
        }  # fmt: skip

    def _line(self, address: int) -> list[int] | None:
        """The number of the file, and the line, that an address comes from."""
        at = self.debugger.line(address)
        files = list(self.commands.places.lines)
        return None if at is None or at[0] not in files else [files.index(at[0]), at[1]]

    def _row(self, row: Breakpoint) -> Message:
        is_code = row.kind is Kind.CODE
        return {
            "number": row.number,
            "kind": row.kind.value,
            "what": row.what,
            "condition": row.condition.text if row.condition is not None else "",
            "about": report.breakpoint(row),
            "enabled": row.is_enabled,
            "hits": row.hits,
            "addresses": sorted(row.spans) if is_code else [],
            "line": self._line(min(row.spans)) if is_code else None,
        }

    def listing(self, file: int) -> Message | None:
        """A source file of the program."""
        if self._debugger is None:
            return None
        for number, (path, rows) in enumerate(self.commands.places.lines.items()):
            if number == file:
                lines = [shown(text.expandtabs(4)) for text in self.source(path)]
                return {"lines": lines, "addresses": {str(at): rows[at] for at in rows}}
        return None

    def code(self, start: int, skipped: int, count: int) -> Message | None:
        """Instructions around an address."""
        debugger = self._debugger
        if debugger is None or max(skipped, count) > MOST_BYTES:
            return None
        rows, memory = [], debugger.machine.memory
        for at in report.around(debugger, start, -skipped, skipped + count):
            if at is None:
                continue
            text, length = debugger.spell(at)
            place = debugger.program.place(at)
            label = place.label if place.label and not place.offset else ""
            raw = bytes(memory[at : at + max(length, 1)]).hex()
            rows.append({"address": at, "text": text, "bytes": raw, "label": label})
        return {"rows": rows}

    def memory(self, space: int, start: int, count: int) -> Message | None:
        """Bytes of a space; the one behind the last is that of the ports."""
        debugger = self._debugger
        if debugger is None or count > MOST_BYTES or space > len(debugger.guest.spaces):
            return None
        is_ports = space == len(debugger.guest.spaces)
        cells = debugger.machine.page if is_ports else debugger.state.spaces[space]
        return {"start": start, "bytes": bytes(cells[start : start + count]).hex()}
