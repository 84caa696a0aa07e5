"""The debugger's commands, a line each: what is typed, piped in, or read from a file.

    reply = commands.execute("break main if wst > 2")      Reply(lines, stopped, ...)

The commands are those of GDB where it has them, with their short forms; `help` lists all. Each is a
method with a row in `TABLE`. A command that fails changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jitvm.debugger import report
from jitvm.debugger.breakpoints import Breakpoint, Kind
from jitvm.debugger.debugger import Debugger
from jitvm.debugger.expressions import ExpressionError, Place
from jitvm.debugger.places import Places
from jitvm.debugger.stopped import Paused, Stopped

MOST = 65536
"""Bytes, instructions or lines that one command shows."""
FEW = 10


class CommandError(ValueError):
    """A command that cannot be done; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a command.

    Attributes:
        lines: what there is to show.
        stopped: why the program stands still, after a command that moved it.
        is_last: whether there is to be no other command.
    """

    lines: tuple[str, ...] = ()
    stopped: Stopped | None = None
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A command: its names, what follows, what it does, and the method."""

    names: str
    arguments: str
    about: str
    method: str


TABLE = (
    Row("break b", "PLACE [if EXPR]", "stop before the instruction at a place", "do_break"),
    Row("tbreak tb", "PLACE [if EXPR]", "the same, once", "do_tbreak"),
    Row("opcode", "NAME [if EXPR]", "stop before every instruction of a name", "do_opcode"),
    Row("watch w", "MEMORY [if EXPR]", "stop when bytes change: [EXPR], [EXPR]:2, or a label",
        "do_watch"),
    Row("wwatch", "MEMORY [if EXPR]", "stop when bytes are written, changed or not", "do_wwatch"),
    Row("rwatch", "MEMORY [if EXPR]", "stop before bytes are read (slow)", "do_rwatch"),
    Row("port", "r|w NUMBER [if EXPR]", "stop after a port is read or written", "do_port"),
    Row("log", "NUMBER TEXT", "have a breakpoint print a text, with {EXPR}, and go on", "do_log"),
    Row("condition", "NUMBER [EXPR]", "give a breakpoint a condition, or none", "do_condition"),
    Row("ignore", "NUMBER COUNT", "let a breakpoint pass so often", "do_ignore"),
    Row("delete d", "[NUMBER...]", "remove breakpoints, or all", "do_delete"),
    Row("enable", "NUMBER...", "have breakpoints stop again", "do_enable"),
    Row("disable", "NUMBER...", "have breakpoints not stop for now", "do_disable"),
    Row("continue c", "", "run on to the next stop", "do_continue"),
    Row("step s", "[COUNT]", "go to another line; without lines, one instruction", "do_step"),
    Row("next n", "[COUNT]", "the same, over calls", "do_next"),
    Row("stepi si", "[COUNT]", "execute instructions", "do_stepi"),
    Row("nexti ni", "[COUNT]", "the same, over calls", "do_nexti"),
    Row("finish fin", "", "run until the routine has returned", "do_finish"),
    Row("until u", "PLACE", "run to a place", "do_until"),
    Row("vector v", "", "run to where the next event or frame begins", "do_vector"),
    Row("reverse-continue rc", "", "go back to the last hit of a breakpoint or watch",
        "do_reverse_continue"),
    Row("reverse-step rs", "[COUNT]", "go back by lines", "do_reverse_step"),
    Row("reverse-next rn", "[COUNT]", "the same, over calls", "do_reverse_next"),
    Row("reverse-stepi rsi", "[COUNT]", "take instructions back", "do_reverse_stepi"),
    Row("reverse-finish rfin", "", "go back to the call of the routine", "do_reverse_finish"),
    Row("goto", "TIME", "be at a time: so many instructions from the start", "do_goto"),
    Row("undo", "", "be where the last command that moved was given", "do_undo"),
    Row("who", "MEMORY", "show who has written bytes last", "do_who"),
    Row("print p", "EXPR", "show a value", "do_print"),
    Row("display", "[EXPR]", "show a value at each stop; none: show all of them now", "do_display"),
    Row("undisplay", "[NUMBER...]", "show the first, second, ... of these no more, or none",
        "do_undisplay"),
    Row("x", "MEMORY [COUNT]", "show bytes of memory", "do_x"),
    Row("disassemble dis", "[PLACE] [COUNT]", "show instructions", "do_disassemble"),
    Row("list l", "[PLACE]", "show lines of source", "do_list"),
    Row("backtrace bt", "", "show who has called whom", "do_backtrace"),
    Row("screen", "FILE", "write what the program shows to a picture, .png", "do_screen"),
    Row("save", "FILE", "save the state, for `jitvm run --load-state`", "do_save"),
    Row("info i", "[WHAT]", "show registers, breakpoints, stacks, ports, labels or history",
        "do_info"),
    Row("set", "WHAT = EXPR", "change pc, a stack's pointer, or memory", "do_set"),
    Row("input", "TEXT", r"give the program input; \n, \t, \\ and \xNN are bytes", "do_input"),
    Row("eof", "", "end its input", "do_eof"),
    Row("events", "EVENT...", "give the next frame input, as scripts have it: press A, move 3 4",
        "do_events"),
    Row("help h", "[COMMAND]", "show this", "do_help"),
    Row("quit q exit", "", "leave the debugger", "do_quit"),
)  # fmt: skip
BY_NAME = {name: row for row in TABLE for name in row.names.split()}


class Commands:
    """The commands of a debugger."""

    def __init__(self, debugger: Debugger) -> None:
        self.debugger = debugger
        self.places = Places(debugger)
        self._before: list[int] = []
        self._displayed: list[str] = []
        self._shown_to: tuple[str, int] | None = None
        self._next_code: int | None = None

    def take_over(self, before: Commands) -> None:
        """Have the breakpoints, and what is displayed, of another run of the program."""
        self.debugger.take_over(before.debugger)
        self._displayed = list(before._displayed)

    def execute(self, line: str) -> Reply:
        """Do what a line says; nothing for an empty one and a comment.

        Raises:
            CommandError: it cannot be done.
            KeyboardInterrupt: Ctrl-C; the program stands still where it is.
        """
        words = line.strip().split(None, 1)
        if not words or words[0].startswith("#"):
            return Reply()
        name, rest = words[0], words[1].strip() if len(words) > 1 else ""
        if name.startswith("x/"):
            name, rest = "x", f"{rest} {name[2:]}"
        row = BY_NAME.get(name)
        if row is None:
            raise CommandError(f"there is no command {name}; see `help`")
        method: Callable[[str], Reply] = getattr(self, row.method)
        try:
            return method(rest)
        except ExpressionError as error:
            raise CommandError(str(error)) from error

    def interrupted(self) -> Reply:
        """What to say when Ctrl-C has stopped a command."""
        stopped = Stopped("pause")
        return Reply(tuple(report.stopped(self.debugger, stopped)), stopped)

    # -- breakpoints -------------------------------------------------------------------------

    def _condition(self, rest: str) -> tuple[str, str]:
        """What is before `if`, and behind."""
        if rest.startswith("if "):
            return "", rest[3:].strip()
        place, _, condition = rest.partition(" if ")
        return place.strip(), condition.strip()

    def _set(self, kind: Kind, spans: frozenset[int], what: str, **options: Any) -> Reply:
        row = self.debugger.breakpoint(kind, spans, what, **options)
        return Reply((report.breakpoint(row),))

    def do_break(self, rest: str, *, once: bool = False) -> Reply:
        place, condition = self._condition(rest)
        address = self.places.address(place) if place else self.debugger.state.pc
        what = self.debugger.name(address)
        return self._set(
            Kind.CODE, frozenset([address]), what, condition=condition, is_temporary=once
        )

    def do_tbreak(self, rest: str) -> Reply:
        return self.do_break(rest, once=True)

    def do_opcode(self, rest: str) -> Reply:
        name, condition = self._condition(rest)
        codes = frozenset(
            row.code for row in self.debugger.guest.opcodes if row.name.lower() == name.lower()
        )
        if not codes:
            raise CommandError(f"{self.debugger.guest.name} has no opcode {name or 'without name'}")
        return self._set(Kind.OPCODE, codes, name, condition=condition)

    def _place(self, text: str) -> tuple[Place, str]:
        """Memory that a user names, and how to call it."""
        if (address := self.debugger.address_of(text)) is not None:
            return Place("space", self.debugger.guest.code_index, lambda: address, 1), text
        place = self.debugger.expression(text).place
        if place is None:
            raise CommandError(f"{text or 'nothing'} is no memory; name some, as in [0x200]:2")
        return place, text

    def _span(self, text: str) -> frozenset[int]:
        """Bytes of the code space that a user names."""
        text, _, count = text.partition(",")
        place, _ = self._place(text.strip())
        guest = self.debugger.guest
        if place.kind != "space" or place.index != guest.code_index:
            raise CommandError(f"only memory that code is in can be watched, which {text} is not")
        size = self._number(count, place.size) if count.strip() else place.size
        return frozenset((place.address() + i) % guest.code_space.size for i in range(size))

    def _watch(self, rest: str, kind: Kind) -> Reply:
        text, condition = self._condition(rest)
        return self._set(kind, self._span(text), text, condition=condition)

    def do_watch(self, rest: str) -> Reply:
        return self._watch(rest, Kind.CHANGE)

    def do_wwatch(self, rest: str) -> Reply:
        return self._watch(rest, Kind.WRITE)

    def do_rwatch(self, rest: str) -> Reply:
        return self._watch(rest, Kind.READ)

    def do_port(self, rest: str) -> Reply:
        text, condition = self._condition(rest)
        way, _, number = text.partition(" ")
        kinds = {"r": Kind.PORT_READ, "w": Kind.PORT_WRITE}
        if way not in kinds or not number.strip():
            raise CommandError("say `port r NUMBER` or `port w NUMBER`")
        port = self.debugger.expression(number).value()
        return self._set(kinds[way], frozenset([port]), f"port {port:02x}", condition=condition)

    def _row(self, text: str) -> Breakpoint:
        row = self.debugger.table.rows.get(int(text)) if text.isdecimal() else None
        if row is None:
            raise CommandError(f"there is no breakpoint {text or 'without a number'}")
        return row

    def do_log(self, rest: str) -> Reply:
        number, _, text = rest.partition(" ")
        row = self._row(number)
        row.log = text.strip() or None
        return Reply((report.breakpoint(row),))

    def do_condition(self, rest: str) -> Reply:
        number, _, text = rest.partition(" ")
        row = self._row(number)
        row.condition = self.debugger.expression(text) if text.strip() else None
        return Reply((report.breakpoint(row),))

    def do_ignore(self, rest: str) -> Reply:
        number, _, count = rest.partition(" ")
        row = self._row(number)
        row.ignore = row.hits + self._number(count, 0)
        return Reply((report.breakpoint(row),))

    def do_delete(self, rest: str) -> Reply:
        rows = self.debugger.table.rows
        for number in [self._row(word).number for word in rest.split()] or list(rows):
            rows.pop(number, None)
        return Reply()

    def _enable(self, rest: str, *, on: bool) -> Reply:
        rows = [self._row(word) for word in rest.split() or [""]]
        for row in rows:
            row.is_enabled = on
        return Reply(tuple(map(report.breakpoint, rows)))

    def do_enable(self, rest: str) -> Reply:
        return self._enable(rest, on=True)

    def do_disable(self, rest: str) -> Reply:
        return self._enable(rest, on=False)

    # -- moving ------------------------------------------------------------------------------

    def _number(self, text: str, otherwise: int) -> int:
        """A number of things, 1 or more."""
        if not text.strip():
            return otherwise
        number = self.debugger.expression(text).value()
        if not 1 <= number < 1 << 62:
            raise CommandError(f"{text.strip()} is no number from 1 on")
        return number

    def _move(self, move: Callable[[], Stopped], count: int = 1) -> Reply:
        before = self.debugger.history.time
        self._shown_to = self._next_code = None
        stopped = move()
        for _ in range(count - 1):
            if stopped.reason != "step":
                break
            stopped = move()
        if self.debugger.history.time != before:
            self._before.append(before)
        return Reply((*report.stopped(self.debugger, stopped), *self.displays()), stopped)

    def displays(self) -> list[str]:
        """What `display` was told to show, as it is now."""
        return [f"{text} = {value}" for text, value in self.displayed()]

    def displayed(self) -> list[tuple[str, str]]:
        """The expressions that are shown at each stop, with their values."""
        return [(text, self._value(text)) for text in self._displayed]

    def do_continue(self, _rest: str) -> Reply:
        return self._move(self.debugger.go_on)

    def do_step(self, rest: str) -> Reply:
        return self._move(self.debugger.step_line, self._number(rest, 1))

    def do_next(self, rest: str) -> Reply:
        return self._move(lambda: self.debugger.step_line(over=True), self._number(rest, 1))

    def do_stepi(self, rest: str) -> Reply:
        count = self._number(rest, 1)
        return self._move(lambda: self.debugger.step(count))

    def do_nexti(self, rest: str) -> Reply:
        return self._move(self.debugger.step_over, self._number(rest, 1))

    def do_finish(self, _rest: str) -> Reply:
        return self._move(self.debugger.step_out)

    def do_until(self, rest: str) -> Reply:
        address = self.places.address(rest)
        return self._move(lambda: self.debugger.run_to([address], one_act=False))

    def do_vector(self, _rest: str) -> Reply:
        return self._move(self.debugger.next_vector)

    def do_reverse_continue(self, _rest: str) -> Reply:
        return self._move(self.debugger.past.reverse)

    def do_reverse_step(self, rest: str) -> Reply:
        return self._move(self.debugger.past.back_line, self._number(rest, 1))

    def do_reverse_next(self, rest: str) -> Reply:
        return self._move(lambda: self.debugger.past.back_line(over=True), self._number(rest, 1))

    def do_reverse_stepi(self, rest: str) -> Reply:
        count = self._number(rest, 1)
        return self._move(lambda: self.debugger.past.back(count))

    def do_reverse_finish(self, _rest: str) -> Reply:
        return self._move(self.debugger.past.back_out)

    def do_goto(self, rest: str) -> Reply:
        time = self.debugger.expression(rest).value()
        if time < 0:
            raise CommandError("times begin with 0")
        return self._move(lambda: self.debugger.go_to(time))

    def do_undo(self, _rest: str) -> Reply:
        if not self._before:
            raise CommandError("there is nothing to undo")
        reply = self._move(lambda: self.debugger.go_to(self._before.pop()))
        if self._before and reply.stopped is not None:
            self._before.pop()  # the undoing itself
        return reply

    # -- looking -----------------------------------------------------------------------------

    def _value(self, text: str) -> str:
        try:
            number = self.debugger.expression(text).value()
        except ExpressionError as error:
            return str(error)
        character = f" {chr(number)!r}" if 0x20 < number < 0x7F else ""
        return f"{number} {number:#x}{character}" if abs(number) > 9 else str(number)

    def do_who(self, rest: str) -> Reply:
        span = sorted(self._span(rest))
        try:
            found = self.debugger.past.last_write(span[0], len(span))
        except Paused:
            raise CommandError("it was interrupted") from None
        if found is None:
            return Reply((f"nobody has written {rest}",))
        time, pc, change = found
        if pc is None:
            return Reply((f"at time {time}: you have",))
        lines = [f"at time {time}: {self.debugger.name(pc)}  {self.debugger.spell(pc)[0]}", change]
        if (line := self.debugger.line(pc)) is not None:
            lines.append(f"{line[0]}:{line[1]}  {report.source_line(self.debugger, *line)}")
        return Reply(tuple(lines))

    def do_print(self, rest: str) -> Reply:
        self.debugger.expression(rest).value()
        return Reply((self._value(rest),))

    def do_display(self, rest: str) -> Reply:
        if not rest:
            return Reply(tuple(self.displays()))
        self.debugger.expression(rest)
        self._displayed.append(rest)
        return Reply((f"{rest} = {self._value(rest)}",))

    def do_undisplay(self, rest: str) -> Reply:
        numbers = {self._number(word, 0) for word in rest.split()}
        if numbers and max(numbers) > len(self._displayed):
            raise CommandError(f"{len(self._displayed)} expressions are shown")
        self._displayed = [
            text for number, text in enumerate(self._displayed, 1)
            if numbers and number not in numbers
        ]  # fmt: skip
        return Reply()

    def do_x(self, rest: str) -> Reply:
        text, _, count = rest.rpartition(" ")
        if not text or not count.strip().isdecimal():
            text, count = rest, ""
        space, address = self.spot(text)
        most = min(self._number(count, 64), MOST)
        return Reply(tuple(report.memory(self.debugger.state.spaces[space], address, most)))

    def spot(self, text: str) -> tuple[int, int]:
        """The space and the address in it that a label or an expression names.

        Raises:
            ExpressionError: it makes no sense.
        """
        debugger = self.debugger
        space, address = debugger.guest.code_index, debugger.address_of(text.strip())
        if address is None:
            expression = debugger.expression(text)
            place = expression.place
            if place is not None and place.kind == "space":
                space, address = place.index, place.address()
            else:
                address = expression.value()
        if not (size := len(debugger.state.spaces[space])):
            raise ExpressionError("there is no memory")
        return space, address % size

    def do_disassemble(self, rest: str) -> Reply:
        text, _, count = rest.rpartition(" ")
        if not text:
            text, count = (rest, "") if not rest.isdecimal() else ("", rest)
        start = self._next_code if self._next_code is not None else self.debugger.state.pc
        start = self.places.address(text) if text else start
        lines = report.code(self.debugger, start, min(self._number(count, FEW), MOST))
        self._next_code = int(lines[-1][2:6], 16)
        self._next_code += max(self.debugger.spell(self._next_code)[1], 1)
        return Reply(tuple(lines))

    def do_list(self, rest: str) -> Reply:
        if rest:
            at = self.debugger.line(self.places.address(rest))
        elif self._shown_to is not None:
            at = self._shown_to[0], self._shown_to[1] + FEW
        else:
            at = self.debugger.line()
        if at is None:
            return self.do_disassemble("")
        lines = report.source(self.debugger, *at, FEW)
        if not lines:
            raise CommandError(f"{at[0]} cannot be read")
        self._shown_to = at
        return Reply(tuple(lines))

    def do_backtrace(self, _rest: str) -> Reply:
        return Reply(tuple(report.frames(self.debugger)))

    def do_screen(self, rest: str) -> Reply:
        from jitvm.engine.host.part import write_result
        from jitvm.platform.picture import PictureError, png

        computer = self.debugger.computer
        if not computer.has_screen or not computer.is_graphical:
            raise CommandError("the program has no screen, or has not set it up yet")
        if not rest.lower().endswith(".png"):
            raise CommandError("say `screen FILE.png`")
        try:
            computer.screen.compose()
            write_result(rest, png(computer.screen.pixels))
        except PictureError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{rest}: cannot be written: {error.strerror}") from error
        return Reply()

    def do_save(self, rest: str) -> Reply:
        from jitvm.platform.device import StateError
        from jitvm.platform.states import file

        if not rest:
            raise CommandError("say `save FILE`")
        if not self.debugger.history.is_at_the_end_of_answers:
            raise CommandError(
                "it is in the past, and its files are where they were last; `continue` to there"
            )
        try:
            file.write(rest, self.debugger.computer)
        except StateError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{rest}: cannot be written: {error.strerror}") from error
        return Reply()

    def do_info(self, rest: str) -> Reply:
        debugger, what = self.debugger, rest.strip() or "registers"
        if "breakpoints".startswith(what):
            rows = [report.breakpoint(row) for row in debugger.table.rows.values()]
            return Reply(tuple(rows or ["no breakpoints"]))
        if "registers".startswith(what):
            state = f"time {debugger.history.time}, pc {debugger.name(debugger.state.pc)}"
            return Reply((state, *report.stacks(debugger)))
        if "stacks".startswith(what):
            return Reply(tuple(report.stacks(debugger)))
        if "ports".startswith(what):
            page = debugger.machine.page
            return Reply(tuple(report.memory(page, 0, len(page))) if len(page) else ("no ports",))
        if "history".startswith(what):
            return Reply(tuple(self._history()))
        raise CommandError(
            f"there is nothing called {what}; registers, breakpoints, stacks, ports or history"
        )

    def _history(self) -> list[str]:
        history = self.debugger.history
        act = history.act
        return [
            f"time {history.time} of {history.horizon}, in {act.kind.value if act else 'nothing'}",
            f"{len(history.moments)} snapshots, {history.moments.size >> 10} KiB",
        ]

    # -- changing ----------------------------------------------------------------------------

    def do_set(self, rest: str) -> Reply:
        what, sign, text = rest.partition("=")
        if not sign or text.startswith("="):
            raise CommandError("say `set WHAT = EXPR`")
        value, what = self.debugger.expression(text).value(), what.strip()
        if what.isidentifier() and self.debugger.address_of(what) is None:
            self.debugger.set_register(what, value)
        else:
            self.debugger.write(self._place(what)[0], value)
        return Reply()

    def do_input(self, rest: str) -> Reply:
        try:
            data = rest.encode("utf-8", "surrogateescape")
            data = data.decode("unicode_escape").encode("latin-1") if b"\\" in data else data
        except ValueError as error:
            raise CommandError(f"{rest} is no text: {error}") from error
        self.debugger.history.tell(lambda source: source.type(data))
        return Reply()

    def do_eof(self, _rest: str) -> Reply:
        self.debugger.history.tell(lambda source: source.close())
        return Reply()

    def do_events(self, rest: str) -> Reply:
        from jitvm.platform.script import ScriptError, parse_events

        try:
            events = parse_events(rest)
        except ScriptError as error:
            raise CommandError(str(error)) from error
        self.debugger.history.tell(
            lambda source: setattr(source, "events", (*source.events, *events))
        )
        return Reply()

    # -- the rest ----------------------------------------------------------------------------

    def do_help(self, rest: str) -> Reply:
        if rest and rest not in BY_NAME:
            raise CommandError(f"there is no command {rest}")
        rows = [BY_NAME[rest]] if rest else TABLE
        heads = [f"{row.names.replace(' ', ', ')} {row.arguments}".rstrip() for row in rows]
        width = max(map(len, heads))
        return Reply(
            tuple(f"{head:{width}}  {row.about}" for head, row in zip(heads, rows, strict=True))
        )

    def do_quit(self, _rest: str) -> Reply:
        return Reply(is_last=True)
