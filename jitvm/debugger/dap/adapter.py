"""What each request of an editor does, and what an editor is told.

One thread reads requests, another one does them in turn and runs the program. What comes while it
runs makes the run pause; it goes on when that is done, unless it was a request to stop. So
breakpoints may be set at any time.

    references   1 registers, 2 ports, 3 ... the stacks
    memory       addresses of the code space, as 0x0120
    data         memory that expressions name, as [0x0120]:2 or port[0x18]
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING

from jitvm.debugger import report
from jitvm.debugger.acts import Source
from jitvm.debugger.breakpoints import Kind
from jitvm.debugger.commands import CommandError, Commands
from jitvm.debugger.dap.messages import Arguments, Json, RequestError, Writer
from jitvm.debugger.debugger import Debugger, Options
from jitvm.debugger.expressions import ExpressionError, Place
from jitvm.debugger.places import Places
from jitvm.debugger.stopped import Stopped

if TYPE_CHECKING:
    from jitvm.debugger.breakpoints import Breakpoint

CAPABILITIES = (
    "supportsConfigurationDoneRequest", "supportsFunctionBreakpoints",
    "supportsConditionalBreakpoints", "supportsHitConditionalBreakpoints", "supportsLogPoints",
    "supportsStepBack", "supportsSetVariable", "supportsSetExpression",
    "supportsEvaluateForHovers", "supportsReadMemoryRequest", "supportsWriteMemoryRequest",
    "supportsDisassembleRequest", "supportsInstructionBreakpoints", "supportsDataBreakpoints",
    "supportsSteppingGranularity", "supportsTerminateRequest",
)  # fmt: skip
REGISTERS, PORTS, STACKS = 1, 2, 3
THREAD = 1
MOST = 65536
"""Bytes or instructions that one request gets."""
QUIET = frozenset({
    "print", "p", "info", "i", "who", "x", "disassemble", "dis", "list", "l", "backtrace", "bt",
    "input", "eof", "events", "help", "h",
})  # fmt: skip
"""Commands that may be given where expressions are evaluated: those that move nothing."""


class Adapter:
    """One session with an editor.

    Attributes:
        is_over: whether the editor has enough.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._requests: SimpleQueue[Json | None] = SimpleQueue()
        self._debugger: Debugger | None = None
        self._commands: Commands | None = None
        self._groups: dict[str, list[int]] = {}
        self._places: Places | None = None
        self._move: Callable[[], Stopped] | None = None
        self._is_running = self._stops_on_entry = self._stays = False
        self.is_over = False

    # -- messages ----------------------------------------------------------------------------

    def take(self, message: Json | None) -> None:
        """A message came in; None: none will any more. From the thread that reads."""
        self._requests.put(message)
        if self._is_running and self._debugger is not None:
            self._debugger.history.pause()

    def work(self) -> None:
        """Do requests, and run the program, until it is over."""
        try:
            while not self.is_over:
                self._do_waiting(wait=self._move is None)
                if self._move is not None and not self.is_over:
                    self._go(self._move)
        finally:
            if self._debugger is not None:
                self._debugger.history.close()

    def _do_waiting(self, *, wait: bool) -> None:
        """Do all requests that there are, or at least one."""
        while wait or not self._requests.empty():
            message = self._requests.get()
            if message is None:
                self.is_over = True
                return
            self._answer(message)
            if self.is_over:
                return
            wait = False

    def _answer(self, message: Json) -> None:
        """Do a request, and say how it went."""
        command = message.get("command")
        if message.get("type") != "request" or not isinstance(command, str):
            self._say(f"no request: {str(message)[:100]}")
            return
        reply: Json = {
            "type": "response", "request_seq": message.get("seq", 0), "command": command,
            "success": True,
        }  # fmt: skip
        after: list[Callable[[], None]] = []
        try:
            method = getattr(self, f"on_{command}", None)
            if method is None:
                raise RequestError(f"there is no request {command}")
            body = method(Arguments(message.get("arguments")), after)
            if body is not None:
                reply["body"] = body
        except (RequestError, ExpressionError, CommandError) as error:
            reply |= {"success": False, "message": str(error)}
            after.clear()
        self._writer.write(reply)
        for each in after:
            each()

    def _say(self, text: str, category: str = "console") -> None:
        self._writer.event("output", category=category, output=f"{text}\n")

    # -- running -----------------------------------------------------------------------------

    @property
    def debugger(self) -> Debugger:
        """Of the program.

        Raises:
            RequestError: none was launched.
        """
        if self._debugger is None:
            raise RequestError("no program was launched")
        return self._debugger

    def _go(self, move: Callable[[], Stopped]) -> None:
        """Run the program, as long as nobody wants something else."""
        self._is_running = True
        try:
            if not self._requests.empty():
                return  # it came before the run could be told of it
            stopped = move()
        except (OSError, RuntimeError, ImportError, MemoryError) as error:
            stopped = Stopped("exception", (), (str(error),))
            self._say(str(error), "stderr")
        finally:
            self._is_running = False
        if stopped.reason == "pause":  # a request came
            self._move = self._resumed if move == self.debugger.go_on else move
            return
        self._move = None
        self._tell(stopped)

    def _resumed(self) -> Stopped:
        """Run on after a request was done."""
        return self.debugger.go_on(passing=False)

    def _tell(self, stopped: Stopped) -> None:
        """Tell why the program stands still."""
        if stopped.reason == "ended" and not self._stays:
            self._writer.event("exited", exitCode=self.debugger.computer.exit_code)
            self._writer.event("terminated")
            return
        rows = [self.debugger.table.rows.get(number) for number in stopped.breakpoints]
        reason, text = stopped.reason, "\n".join(stopped.notes)
        if rows and rows[0] is not None:
            reason = _reason_of(rows[0], self._groups)
        elif stopped.reason == "input":
            reason, text = "pause", "waits for input: give it some with `input TEXT`"
        elif stopped.reason == "ended":
            reason, text = "pause", "the program has ended; it can be gone back in"
        elif stopped.reason == "start":
            reason, text = "entry", "nothing is before this"
        self._writer.event(
            "stopped", reason=reason, description=text or reason, text=text, threadId=THREAD,
            allThreadsStopped=True, hitBreakpointIds=list(stopped.breakpoints),
        )  # fmt: skip

    # -- the session -------------------------------------------------------------------------

    def on_initialize(self, _arguments: Arguments, _after: list[Callable[[], None]]) -> Json:
        return dict.fromkeys(CAPABILITIES, True)

    def on_launch(self, arguments: Arguments, after: list[Callable[[], None]]) -> None:
        from jitvm.guest import DescriptionError
        from jitvm.platform import ProgramError

        if self._debugger is not None:
            raise RequestError("a program was launched already")
        try:
            self._debugger = self._made(arguments)
        except (ProgramError, DescriptionError, ValueError, OSError) as error:
            raise RequestError(str(error)) from error
        self._commands = Commands(self._debugger)
        self._places = Places(self._debugger)
        self._stops_on_entry = arguments.truth("stopOnEntry")
        self._stays = arguments.truth("stayAtEnd")
        after.append(lambda: self._writer.event("initialized"))

    def _made(self, arguments: Arguments) -> Debugger:
        from jitvm.engine.machine.machine import Tier
        from jitvm.platform import registry
        from jitvm.platform.script import load_script

        path = arguments.text("program")
        guest = arguments.text("guest", "")
        try:
            platform = registry.named(guest) if guest else registry.of_file(path)
        except registry.GuestError as error:
            raise RequestError(str(error)) from error
        stdin = None
        if "input" in arguments:
            with open(arguments.text("input"), "rb") as file:
                stdin = file.read()
        script = load_script(arguments.text("script")) if "script" in arguments else None
        running = {}
        if any(option.name == "sandbox" for option in platform.running):
            folder = os.path.dirname(os.path.abspath(path))
            has_none = arguments.truth("noFiles")
            running["sandbox"] = None if has_none else arguments.text("sandbox", folder)
        program = platform.load(path)
        program.place(0)  # its labels may be damaged
        return Debugger(
            platform,
            program,
            Options(
                args=arguments.texts("args"),
                tier=Tier(arguments.text("tier", "jit")),
                running=running,
                source=Source(stdin or b"", is_whole=stdin is not None, script=script),
                write=self._write,
                log=self._say,
            ),
        )

    def _write(self, data: bytes, is_error: bool) -> None:
        text = data.decode("utf-8", "backslashreplace")
        category = "stderr" if is_error else "stdout"
        self._writer.event("output", category=category, output=text)

    def on_configurationDone(self, _: Arguments, after: list[Callable[[], None]]) -> None:
        debugger = self.debugger
        if self._stops_on_entry:
            after.append(lambda: self._tell(Stopped("entry")))
        else:
            self._move = lambda: debugger.go_on(passing=False)

    def on_disconnect(self, _arguments: Arguments, _after: list[Callable[[], None]]) -> None:
        self.is_over = True

    def on_terminate(self, _arguments: Arguments, after: list[Callable[[], None]]) -> None:
        self._move = None
        after.append(lambda: self._writer.event("terminated"))

    def on_threads(self, _arguments: Arguments, _after: list[Callable[[], None]]) -> Json:
        return {"threads": [{"id": THREAD, "name": "program"}]}

    # -- breakpoints -------------------------------------------------------------------------

    def _forget(self, group: str) -> None:
        for number in self._groups.pop(group, []):
            self.debugger.table.rows.pop(number, None)

    def _placed(self, group: str, kind: Kind, spans: list[int], what: str, row: Arguments) -> Json:
        """Set a breakpoint as a row of a request says; what the answer says of it."""
        try:
            made = self.debugger.breakpoint(
                kind, spans, what,
                condition=row.text("condition", ""),
                ignore=_ignored(row.text("hitCondition", "")),
                log=row.text("logMessage", "") or None,
            )  # fmt: skip
        except (ExpressionError, RequestError) as error:
            return {"verified": False, "message": str(error)}
        self._groups.setdefault(group, []).append(made.number)
        return {"id": made.number, "verified": True}

    def on_setBreakpoints(self, arguments: Arguments, _: list[Callable[[], None]]) -> Json:
        self.debugger  # noqa: B018  there is one
        assert self._places is not None
        path = arguments.inner("source").text("path", "")
        self._forget(f"source {path}")
        file, answers = self._places.file(path), []
        for row in arguments.rows("breakpoints"):
            line = row.number("line")
            found = None if file is None else self._places.at_line(file, line)
            if found is None:
                answers.append({"verified": False, "message": "no instruction comes from here"})
                continue
            address, real = found
            answer = self._placed(f"source {path}", Kind.CODE, [address], f"{path}:{real}", row)
            answers.append({**answer, "line": real, "instructionReference": _reference(address)})
        return {"breakpoints": answers}

    def on_setFunctionBreakpoints(self, arguments: Arguments, _: list[Callable[[], None]]) -> Json:
        self._forget("function")
        answers = []
        for row in arguments.rows("breakpoints"):
            name = row.text("name")
            address = self.debugger.address_of(name)
            answers.append(
                {"verified": False, "message": f"there is no label {name}"}
                if address is None
                else self._placed("function", Kind.CODE, [address], name, row)
            )
        return {"breakpoints": answers}

    def on_setInstructionBreakpoints(
        self, arguments: Arguments, _: list[Callable[[], None]]
    ) -> Json:
        self._forget("instruction")
        answers = []
        for row in arguments.rows("breakpoints"):
            address = self._address(row.text("instructionReference")) + row.number("offset", 0)
            what = _reference(address)
            answers.append(self._placed("instruction", Kind.CODE, [address], what, row))
        return {"breakpoints": answers}

    def on_dataBreakpointInfo(self, arguments: Arguments, _: list[Callable[[], None]]) -> Json:
        name = arguments.text("name")
        text = self._expression_of(arguments.number("variablesReference", 0), name)
        if (address := self.debugger.address_of(name)) is not None:
            text = f"[{address:#x}]"
        place = self.debugger.expression(text).place
        if place is None or not self._can_be_watched(place):
            return {"dataId": None, "description": f"{name} cannot be watched"}
        is_port = place.kind == "port"
        where = f"port[{place.address():#x}]" if is_port else f"[{place.address():#x}]:{place.size}"
        return {
            "dataId": where, "description": text,
            "accessTypes": ["read", "write", "readWrite"], "canPersist": True,
        }  # fmt: skip

    def _can_be_watched(self, place: Place) -> bool:
        is_code = place.kind == "space" and place.index == self.debugger.guest.code_index
        return is_code or place.kind == "port"

    def on_setDataBreakpoints(self, arguments: Arguments, _: list[Callable[[], None]]) -> Json:
        self._forget("data")
        answers = []
        for row in arguments.rows("breakpoints"):
            text, access = row.text("dataId"), row.text("accessType", "write")
            place = self.debugger.expression(text).place
            if place is None or not self._can_be_watched(place):
                answers.append({"verified": False, "message": f"{text} cannot be watched"})
                continue
            is_port = place.kind == "port"
            spans = [place.address() + i for i in range(place.size)]
            answer: Json = {}
            if access in ("write", "readWrite"):
                kind = Kind.PORT_WRITE if is_port else Kind.CHANGE
                answer = self._placed("data", kind, spans, text, row)
            if access in ("read", "readWrite"):
                kind = Kind.PORT_READ if is_port else Kind.READ
                answer = self._placed("data", kind, spans, text, row)
            answers.append(answer or {"verified": False, "message": f"no access {access}"})
        return {"breakpoints": answers}

    # -- moving ------------------------------------------------------------------------------

    def _begin(self, move: Callable[[], Stopped]) -> None:
        self._move = move

    def on_continue(self, _arguments: Arguments, _after: list[Callable[[], None]]) -> Json:
        self._begin(self.debugger.go_on)
        return {"allThreadsContinued": True}

    def on_reverseContinue(self, _arguments: Arguments, _after: list[Callable[[], None]]) -> None:
        self._begin(self.debugger.past.reverse)

    def on_pause(self, _arguments: Arguments, after: list[Callable[[], None]]) -> None:
        self.debugger  # noqa: B018  there is one
        if self._move is not None:
            self._move = None
            after.append(lambda: self._tell(Stopped("pause")))

    def on_next(self, arguments: Arguments, _after: list[Callable[[], None]]) -> None:
        debugger = self.debugger
        if arguments.text("granularity", "statement") == "instruction":
            self._begin(debugger.step_over)
        else:
            self._begin(lambda: debugger.step_line(over=True))

    def on_stepIn(self, arguments: Arguments, _after: list[Callable[[], None]]) -> None:
        is_one = arguments.text("granularity", "statement") == "instruction"
        self._begin(self.debugger.step if is_one else self.debugger.step_line)

    def on_stepOut(self, _arguments: Arguments, _after: list[Callable[[], None]]) -> None:
        self._begin(self.debugger.step_out)

    def on_stepBack(self, arguments: Arguments, _after: list[Callable[[], None]]) -> None:
        debugger = self.debugger
        if arguments.text("granularity", "statement") == "instruction":
            self._begin(debugger.past.back)
        else:
            self._begin(lambda: debugger.past.back_line(over=True))

    # -- looking -----------------------------------------------------------------------------

    def on_stackTrace(self, arguments: Arguments, _after: list[Callable[[], None]]) -> Json:
        debugger = self.debugger
        frames = debugger.frames()
        first, most = arguments.number("startFrame", 0), arguments.number("levels", 0) or MOST
        rows = []
        for number, frame in list(enumerate(frames))[max(first, 0) :][:most]:
            place = debugger.program.place(frame.pc)
            row: Json = {
                "id": number + 1, "name": str(place), "line": place.line, "column": 0,
                "instructionPointerReference": _reference(frame.pc),
            }  # fmt: skip
            if place.line:
                path = os.path.abspath(place.file)
                row |= {"column": 1, "source": {"name": os.path.basename(path), "path": path}}
            rows.append(row)
        return {"stackFrames": rows, "totalFrames": len(frames)}

    def on_scopes(self, _arguments: Arguments, _after: list[Callable[[], None]]) -> Json:
        guest = self.debugger.guest
        names = [("Registers", REGISTERS)]
        names += [(f"Stack {each.name}", STACKS + i) for i, each in enumerate(guest.stacks)]
        if guest.ports:
            names.append(("Ports", PORTS))
        return {
            "scopes": [
                {"name": name, "variablesReference": number, "expensive": number == PORTS}
                for name, number in names
            ]
        }

    def on_variables(self, arguments: Arguments, _after: list[Callable[[], None]]) -> Json:
        debugger, reference = self.debugger, arguments.number("variablesReference")
        state, guest = debugger.state, debugger.guest
        rows: list[tuple[str, int, str]]
        if reference == REGISTERS:
            rows = [("pc", state.pc, _reference(state.pc)), ("time", debugger.history.time, "")]
            rows += [
                (stack.name, pointer, "")
                for stack, pointer in zip(guest.stacks, state.pointers, strict=True)
            ]
        elif reference == PORTS and guest.ports:
            rows = [(f"{port:02x}", byte, "") for port, byte in enumerate(debugger.machine.page)]
        elif STACKS <= reference < STACKS + len(guest.stacks):
            cells, pointer = state.stacks[reference - STACKS], state.pointers[reference - STACKS]
            rows = [(str(depth), cells[pointer - 1 - depth], "") for depth in range(pointer)]
        else:
            raise RequestError(f"there is nothing behind {reference}")
        start, count = arguments.number("start", 0), arguments.number("count", 0) or MOST
        return {
            "variables": [
                {
                    "name": name, "value": f"{value:#04x} ({value})", "variablesReference": 0,
                    "evaluateName": self._expression_of(reference, name),
                    **({"memoryReference": memory} if memory else {}),
                }
                for name, value, memory in rows[max(start, 0) :][:count]
            ]
        }  # fmt: skip

    def _expression_of(self, reference: int, name: str) -> str:
        """What a variable of a scope is as an expression."""
        stacks = self.debugger.guest.stacks
        if reference == PORTS:
            return f"port[0x{name}]"
        if STACKS <= reference < STACKS + len(stacks):
            return f"{stacks[reference - STACKS].name}[{name}]"
        return name

    def on_setVariable(self, arguments: Arguments, _after: list[Callable[[], None]]) -> Json:
        reference = arguments.number("variablesReference")
        return self._assign(
            self._expression_of(reference, arguments.text("name")), arguments.text("value")
        )

    def on_setExpression(self, arguments: Arguments, _after: list[Callable[[], None]]) -> Json:
        return self._assign(arguments.text("expression"), arguments.text("value"))

    def _assign(self, text: str, value: str) -> Json:
        self.debugger  # noqa: B018  there is one
        assert self._commands is not None
        self._commands.execute(f"set {text} = {value}")
        number = self.debugger.expression(text).value()
        return {"value": f"{number:#04x} ({number})", "variablesReference": 0}

    def on_evaluate(self, arguments: Arguments, _after: list[Callable[[], None]]) -> Json:
        text = arguments.text("expression").strip()
        debugger = self.debugger
        word = text.partition(" ")[0]
        if arguments.text("context", "") == "repl" and word in QUIET:
            assert self._commands is not None
            lines = self._commands.execute(text).lines
            return {"result": "\n".join(lines), "variablesReference": 0}
        address = debugger.address_of(text)
        if address is not None:
            value = debugger.machine.memory[address]
            return {
                "result": f"{_reference(address)}: {value:#04x} ({value})",
                "variablesReference": 0, "memoryReference": _reference(address),
            }  # fmt: skip
        number = debugger.expression(text).value()
        answer: Json = {"result": f"{number:#04x} ({number})", "variablesReference": 0}
        if 0 <= number < debugger.guest.code_space.size:
            answer["memoryReference"] = _reference(number)
        return answer

    # -- memory ------------------------------------------------------------------------------

    def _address(self, text: str) -> int:
        try:
            return int(text, 0)
        except ValueError:
            raise RequestError(f"{text} is no address like 0x0120") from None

    def _start(self, arguments: Arguments) -> int:
        return self._address(arguments.text("memoryReference")) + arguments.number("offset", 0)

    def on_readMemory(self, arguments: Arguments, _after: list[Callable[[], None]]) -> Json:
        start, count = self._start(arguments), arguments.number("count")
        memory = self.debugger.machine.memory
        end = min(start + max(count, 0), len(memory))
        data = bytes(memory[start:end]) if 0 <= start < end else b""
        return {
            "address": _reference(start),
            "data": base64.b64encode(data).decode(),
            "unreadableBytes": max(count, 0) - len(data),
        }

    def on_writeMemory(self, arguments: Arguments, _after: list[Callable[[], None]]) -> Json:
        start, debugger = self._start(arguments), self.debugger
        try:
            data = base64.b64decode(arguments.text("data"), validate=True)
        except (binascii.Error, ValueError) as error:
            raise RequestError(f"data is no Base64: {error}") from error
        if not 0 <= start <= start + len(data) <= len(debugger.machine.memory):
            raise RequestError("the bytes are not all in memory")
        debugger.write_bytes(start, data)
        return {"bytesWritten": len(data)}

    def on_disassemble(self, arguments: Arguments, _after: list[Callable[[], None]]) -> Json:
        debugger, start = self.debugger, self._start(arguments)
        count = min(max(arguments.number("instructionCount"), 0), MOST)
        skipped = arguments.number("instructionOffset", 0)
        rows: list[Json] = []
        for at in report.around(debugger, start, skipped, count):
            if at is None:
                rows.append({"address": "0x0", "instruction": "", "presentationHint": "invalid"})
                continue
            text, length = debugger.spell(at)
            raw = bytes(debugger.machine.memory[at : at + max(length, 1)]).hex(" ")
            row: Json = {"address": _reference(at), "instruction": text, "instructionBytes": raw}
            place = debugger.program.place(at)
            if place.label and not place.offset:
                row["symbol"] = place.label
            if place.line:
                path = os.path.abspath(place.file)
                row |= {"location": {"path": path}, "line": place.line}
            rows.append(row)
        return {"instructions": rows}


def _reference(address: int) -> str:
    return f"0x{address:04x}"


def _ignored(text: str) -> int:
    """How many hits are passed by, from what an editor calls a hit condition."""
    text = text.strip().removeprefix(">=").removeprefix("==").strip()
    if not text:
        return 0
    if not text.isdecimal() or not 1 <= int(text) < 1 << 62:
        raise RequestError(f"a hit condition is a number of hits, such as 3, not {text}")
    return int(text) - 1


def _reason_of(row: Breakpoint, groups: dict[str, list[int]]) -> str:
    names = {"function": "function breakpoint", "instruction": "instruction breakpoint",
             "data": "data breakpoint"}  # fmt: skip
    for group, numbers in groups.items():
        if row.number in numbers:
            return names.get(group, "breakpoint")
    return "breakpoint"
