"""The default computer and platform, for guests that do not define their own.

The program's bytes are loaded into the code space at an address, the machine runs from there until
it halts, and what it writes to one port, if so configured, is its standard output:

    PLATFORM = BarePlatform(TOY, suffixes=(".toy",), origin=0x100, output=0x18)

A computer with devices derives from `BareComputer`; one with a screen also defines `is_graphical`,
`screen` and `frames`.
"""

from __future__ import annotations

import os

from jitvm.engine.machine.machine import Machine
from jitvm.engine.tables.names import shown
from jitvm.guest import DescriptionError
from jitvm.guest.light import cached_property
from jitvm.guest.numbers import whole
from jitvm.platform import Option, Platform, Program, ProgramError, number, port
from jitvm.platform.computer import Face, file_stem
from jitvm.platform.device import Devices
from jitvm.platform.evaluator import Ending, Evaluator, LimitReached, Run
from jitvm.platform.output import Output
from jitvm.platform.tape import Tape

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from jitvm.engine.machine.machine import Tier
    from jitvm.engine.machine.watch import Watch
    from jitvm.engine.tables.params import Parameters
    from jitvm.guest import Guest
    from jitvm.platform.computer import Computer, Settings
    from jitvm.platform.device import Plain
    from jitvm.platform.events import Event
    from jitvm.platform.input import Readable
    from jitvm.platform.output import Closed, Stream
    from jitvm.platform.screen import Screen
    from jitvm.platform.sound import Sound


class BareComputer(Run):
    """A machine with a program, and a port for what it writes; see `jitvm.platform.computer`.

    Args:
        program: what runs.
        guest: its guest.
        args: its command line; a guest without devices has none.
        tier: what executes it.
        params: limits of the JIT.
        stdout, stderr: binary streams; None to capture what is written.
        origin: where its bytes are put, and its first instruction is.
        output: the port whose bytes are standard output; None for no such port.
        error: the port whose bytes are standard error; None for no such port.

    Attributes:
        args: the command line as bytes.
        devices: what is connected to ports; a computer with devices adds its own.
        is_graphical, holds_keys, has_sound, listens, draws_pointer: False; see there.

    Raises:
        ProgramError: the program does not fit in.
        TypeError, ValueError: the origin is no address, or a port none of the guest's.
        BlockError: the operating system refused the memory.
    """

    is_graphical = False
    holds_keys = False
    has_sound = False
    listens = False
    draws_pointer = False
    exit_code = 0

    def __init__(
        self,
        program: Program,
        guest: Guest,
        *,
        args: Iterable[str | bytes] = (),
        tier: Tier,
        params: Parameters | None = None,
        stdout: Stream | Closed | None = None,
        stderr: Stream | Closed | None = None,
        origin: int = 0,
        output: int | None = None,
        error: int | None = None,
    ) -> None:
        self.args = tuple(os.fsencode(arg) for arg in args)
        self.program = program
        self.origin = whole("origin", origin)
        self.machine = Machine(guest, tier=tier, params=params)
        self.output = Output(self.machine, (output, error), stdout, stderr)
        self.evaluator = Evaluator(self.machine)
        self.devices = Devices()
        self.output.while_waiting = self.evaluator.check_time
        self._has_begun = False
        self._settings = {"origin": origin, "output": output, "error": error}
        self._put(program)

    def _put(self, program: Program) -> None:
        """Write the program's bytes to memory."""
        end = self.origin + len(program.data)
        if end > len(self.machine.memory):
            raise ProgramError(
                f"{program.name}: {len(program.data)} bytes from {self.origin:#x} on do not fit "
                f"into the {len(self.machine.memory)} bytes of {self.machine.guest.name}"
            )
        self.machine.memory[self.origin : end] = program.data
        self.machine.code_written(self.origin, len(program.data))

    @property
    def name(self) -> str:
        """Of the program."""
        return self.program.name

    @property
    def is_ended(self) -> bool:
        """Whether it has halted."""
        return self._has_begun and self.evaluator.has_halted

    # -- running -----------------------------------------------------------------------------

    def boot(self) -> None:
        """Run from the origin until the guest halts; continue if a limit has stopped it.

        Raises:
            LimitReached: a limit of `limited` was reached.
            KeyboardInterrupt: Ctrl-C.
        """
        if self._has_begun:
            self.evaluator.follow(iter(()))
        else:
            self._has_begun = True
            self.evaluator.run(self.origin)

    def run_console(
        self,
        stdin: bytes | Readable | None = b"",  # noqa: ARG002  it does not listen
        *,
        max_instructions: int | None = None,
        time_limit: float | None = None,
        on_end: Callable[[], object] | None = None,
    ) -> Ending:
        """Run to the end.

        Args:
            stdin: not read.
            max_instructions: stop exactly after so many.
            time_limit: stop after so many seconds.
            on_end: called when it has ended or was stopped, before devices are closed.

        Raises:
            OutputError: an output stream cannot be written.
            KeyboardInterrupt: Ctrl-C.
        """
        with self.limited(max_instructions=max_instructions, time_limit=time_limit) as watch:
            return self.to_the_end(lambda: self._live(watch), on_end)

    def _live(self, watch: Watch) -> Ending:
        ending = Ending.EXIT
        try:
            self.boot()
        except LimitReached as reached:
            ending = reached.ending
        if ending is not Ending.TIME:
            self.output.flush()
        watch.stopped()  # for a failure of the last tick that nobody has seen yet
        return ending

    def feed_some(self, data: bytes, /) -> int:
        """Discard the data: nothing reads it."""
        return len(data)

    def end_of_input(self) -> None:
        """Nothing reads standard input."""

    def reset(self, *, soft: bool = False) -> None:  # noqa: ARG002  there is no other
        """Restart the program as it was loaded: memory, stacks and ports are zeroed."""
        machine = self.machine
        for index, space in enumerate(machine.guest.spaces):
            if space.is_attached:
                machine.attach(index, None)
            else:
                machine.state.spaces[index][:] = bytes(space.size)
        for memory in (*machine.state.stacks, machine.page):
            memory[:] = bytes(len(memory))
        machine.code_written(0, len(machine.memory))
        machine.state.pointers[:] = [0] * len(machine.state.pointers)
        machine.vector = machine.state.pc = 0
        self.evaluator.abandon()
        if "frames" in self.__dict__:  # where it is made when it is first asked for
            self.frames.abandon()
        self._has_begun = self.evaluator.has_halted = False
        self.devices.reset()
        self._put(self.program)

    # -- its state ---------------------------------------------------------------------------

    @property
    def image(self) -> bytes:
        """The program's bytes."""
        return self.program.data

    @property
    def settings(self) -> Settings:
        """Where its bytes are, and the ports of its output."""
        return dict(self._settings)

    @property
    def held(self) -> tuple[Event, ...]:
        """Nothing is held down."""
        return ()

    def own_state(self) -> Plain:
        """Whether it has begun; others add what they have besides machine and devices."""
        return self._has_begun

    def restore_own(self, state: Plain) -> None:
        """Put it back."""
        self._has_begun = bool(state)

    def snapshot(self) -> Any:
        """A copy of all its state, which `restore` puts back: machine and devices. It can be
        pickled. Windows and large spaces are not in it."""
        halted = self.evaluator.has_halted
        return self.own_state(), halted, self.machine.snapshot(), self.devices.snapshot()

    def restore(self, snapshot: Any) -> None:
        """Put a copied state back; the rest of what was being run is not."""
        self.evaluator.abandon()
        if "frames" in self.__dict__:
            self.frames.abandon()
        own, self.evaluator.has_halted = snapshot[:2]
        self.restore_own(own)
        self.restore_state(snapshot)

    def restore_state(self, snapshot: Any) -> None:
        """Put memory, registers and devices back, and go on with what is being run."""
        _, _, machine, devices = snapshot
        self.devices.restore(devices)
        self.machine.restore(machine)

    def tape(self) -> Tape:
        """What came from outside: nothing."""
        return Tape()

    def put_in(self, program: Program) -> None:
        """Replace the program by another one."""
        before, self.program = self.program, program
        try:
            self.reset()
        except ProgramError:
            self.program = before
            self.reset()
            raise

    def close(self) -> None:
        """Close all devices."""
        self.devices.close()

    # -- one with a screen -------------------------------------------------------------------

    @property
    def has_screen(self) -> bool:
        """Whether its programs have one."""
        return self.is_graphical

    @property
    def screen(self) -> Screen:
        """There is none."""
        raise AttributeError(f"{self.machine.guest.name} has no screen")

    @property
    def audio(self) -> Sound:
        """There is none."""
        raise AttributeError(f"{self.machine.guest.name} has no sound")

    @cached_property
    def face(self) -> Face:
        """The name of its file, without an icon."""
        return Face(shown(file_stem(self.name, self.machine.guest.name)))

    def show_state(self) -> None:
        """Write program counter and stack pointers."""
        state = self.machine.state
        stacks = zip(self.machine.guest.stacks, state.pointers, strict=True)
        words = [f"pc {state.pc:04x}", *(f"{stack.name} {at}" for stack, at in stacks)]
        self.output.message(", ".join(words) + "\n")


_ORIGIN = Option("origin", "address of the program's first byte (default: the guest's)", number)
_PORTS = (
    Option("output", "port whose bytes are standard output (default: the guest's)", port),
    Option("error", "port whose bytes are standard error (default: the guest's)", port),
)


class BarePlatform(Platform):
    """The platform of a bare guest.

    Args:
        guest: its description.
        name: its name for ``--guest``; None for the guest's name.
        about: one line for `jitvm guests`.
        suffixes: of its programs' files.
        origin, output, error: see `BareComputer`; None: as the guest says.
    """

    def __init__(
        self,
        guest: Guest,
        *,
        name: str | None = None,
        about: str = "",
        suffixes: tuple[str, ...] = (),
        origin: int | None = None,
        output: int | None = None,
        error: int | None = None,
    ) -> None:
        self._guest = guest
        self.running = (_ORIGIN, *_PORTS) if guest.ports else (_ORIGIN,)
        self.name = guest.name if name is None else name
        self.about = about
        self.suffixes = suffixes
        self._settings = {
            "origin": guest.origin if origin is None else origin,
            "output": guest.output if output is None else output,
            "error": guest.error if error is None else error,
        }

    @property
    def guest(self) -> Guest:
        """Its description."""
        return self._guest

    def computer(self, program: Program, **options: Any) -> Computer:
        """A machine with the program in it; see `BareComputer`.

        Raises:
            DescriptionError: guest or platform name an origin or a port that is none.
        """
        self._check()
        return BareComputer(program, self._guest, **{**self._settings, **options})

    def _check(self) -> None:
        """Check what guest and platform say; what else is given is checked by `BareComputer`."""
        try:
            for name, value in self._settings.items():
                if name == "origin":
                    whole(name, value)
                elif value is not None:
                    if not self._guest.ports:
                        raise ValueError(f"{name} is a port, and it has none")
                    whole(name, value, 0, 0xFF)
        except (TypeError, ValueError) as error:
            raise DescriptionError(f"guest {self._guest.name}: {error}") from error
