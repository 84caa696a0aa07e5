"""The Varvara computer without a screen: a Uxn machine, its memory banks and its devices.

    computer = Computer(rom, args=("one", "two"))
    computer.run_console(b"some input\\n")      the whole life of a console program
    computer.stdout, computer.exit_code

or step by step:

    computer.start()                the reset vector
    computer.send_arguments()       one event a byte
    computer.feed(b"abc")           one event a byte, of standard input
    computer.end_of_input()         the last event

Order of events, as the reference console emulator has it: the reset vector; if the program has
set a console vector, its arguments; standard input until it ends; the end-of-input event. The
program ends after the vector in which System/state became other than zero, or at once when no
console vector is set after the reset vector.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from jitvm.engine.machine import Machine, Tier
from jitvm.engine.watch import Watch
from jitvm.guests.uxn import UXN
from jitvm.guests.uxn.varvara import console, file, system
from jitvm.guests.uxn.varvara.banks import Banks
from jitvm.guests.uxn.varvara.clock import DateTime
from jitvm.guests.uxn.varvara.console import Console, Type, argument_events
from jitvm.guests.uxn.varvara.evaluator import Ending, Evaluator, LimitReached
from jitvm.guests.uxn.varvara.input import open_source
from jitvm.guests.uxn.varvara.output import Output
from jitvm.guests.uxn.varvara.rom import PROGRAM_START, Rom
from jitvm.guests.uxn.varvara.sandbox import Sandbox

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.engine.params import Parameters
    from jitvm.guests.uxn.varvara.clock import Clock
    from jitvm.guests.uxn.varvara.input import Readable, Source
    from jitvm.guests.uxn.varvara.output import Closed, Stream
    from jitvm.guests.uxn.varvara.snapshot import ComputerSnapshot


class Computer:
    """A Uxn program and the computer it runs on.

    Args:
        rom: the program's bytes, at most 1048320.
        args: its command line; text is passed as UTF-8.
        tier: what executes it.
        sandbox: the folder its files live in (default: the current one); None for no files.
        clock: called for the time at each read of it; None for the host's local time.
        stdout: binary stream for standard output; None to capture it.
        stderr: binary stream for standard error; None to capture it.

    Raises:
        RomError: the ROM is empty or too long.
        BlockError: the operating system refused the memory.
    """

    def __init__(
        self,
        rom: bytes | Rom,
        *,
        args: Iterable[str | bytes] = (),
        tier: Tier = Tier.JIT,
        params: Parameters | None = None,
        sandbox: str | os.PathLike[str] | None = ".",
        clock: Clock | None = None,
        stdout: Stream | Closed | None = None,
        stderr: Stream | Closed | None = None,
    ) -> None:
        self.rom = rom if isinstance(rom, Rom) else Rom(bytes(rom))
        self.args = tuple(os.fsencode(arg) for arg in args)
        self.machine = machine = Machine(UXN, tier=tier, params=params)
        self.output = Output(machine, (console.WRITE, console.ERROR), stdout, stderr)
        self.banks = Banks(machine)
        self.system = system.System(machine, self.banks, self.output)
        self.console = Console(machine, self.output)
        self._sandbox = None if sandbox is None else Sandbox(sandbox)
        self.files = tuple(
            file.File(machine, self.output, self._sandbox, base) for base in file.BASES
        )
        self.clock = DateTime(machine, clock)
        self._evaluator = Evaluator(machine, console.READ, system.STATE)
        self.output.while_waiting = self._evaluator.check_time
        self.banks.load(self.rom)
        machine.page[console.TYPE] = bool(self.args)

    # -- what came of it ---------------------------------------------------------------------

    @property
    def exit_code(self) -> int:
        """What the program ends with: the low seven bits of System/state."""
        return self.system.state & 0x7F

    @property
    def is_ended(self) -> bool:
        """Whether the program has asked to end."""
        return self.system.state != 0

    @property
    def stdout(self) -> bytes:
        """Standard output so far, when it is captured."""
        self.output.flush()
        return self.output.stdout

    @property
    def stderr(self) -> bytes:
        """Standard error so far, when it is captured."""
        self.output.flush()
        return self.output.stderr

    # -- step by step ------------------------------------------------------------------------

    def start(self) -> None:
        """Run the reset vector."""
        self._evaluator.run(PROGRAM_START)

    def send(self, kind: Type, data: bytes) -> None:
        """Raise one console event of a type for each byte; none once the program has ended."""
        if self.is_ended:
            return
        self._evaluator.deliver(data, (console.TYPE, kind))

    def send_arguments(self) -> None:
        """Hand over the command line."""
        for kind, data in argument_events(self.args):
            self.send(kind, data)

    def feed(self, data: bytes) -> None:
        """Hand over bytes of standard input."""
        self.send(Type.STDIN, data)

    def end_of_input(self) -> None:
        """Tell that standard input has ended."""
        self.send(Type.END, console.END_BYTE)

    def reset(self, *, soft: bool = False) -> None:
        """Start over with the program as it was loaded; `start` then runs it.

        Clears bank 0 (a soft reset keeps the zero page), the ports, both stacks and the vector,
        and closes files. Other banks keep what the program does not cover. As in the reference,
        the program then believes that it has no arguments.
        """
        machine = self.machine
        self.banks.clear_program(zero_page=not soft)
        machine.page[:] = bytes(len(machine.page))
        for stack in machine.state.stacks:
            stack[:] = bytes(len(stack))
        machine.state.pointers[:] = [0] * len(machine.state.pointers)
        machine.vector = 0
        for device in self.files:
            device.reset()
        self.banks.load(self.rom)

    def close(self) -> None:
        """Close the program's files. The computer can still be used."""
        for device in self.files:
            device.close()
        if self._sandbox is not None:
            self._sandbox.close()

    def snapshot(self) -> ComputerSnapshot:
        """Copy memory, registers and ports."""
        from jitvm.guests.uxn.varvara.snapshot import ComputerSnapshot

        return ComputerSnapshot(self.machine.snapshot(), self.banks.save_extra())

    def restore(self, snapshot: ComputerSnapshot) -> None:
        """Put a copied state back; files stay as they are."""
        self.machine.restore(snapshot.machine)
        self.banks.restore_extra(snapshot.banks)

    # -- a whole run -------------------------------------------------------------------------

    def run_console(
        self,
        stdin: bytes | Readable | None = b"",
        *,
        max_instructions: int | None = None,
        time_limit: float | None = None,
    ) -> Ending:
        """Run a console program from its reset vector to its end.

        Args:
            stdin: bytes, or a binary stream that is read as bytes come; None: it is closed.
            max_instructions: stop exactly after so many, all vectors together.
            time_limit: stop after so many seconds.

        Returns:
            whether it ended by itself or which limit stopped it; see `exit_code`.

        Raises:
            OutputError: an output stream cannot be written.
            KeyboardInterrupt: Ctrl-C. After it and after the time limit, output is written as
                far as that is possible without waiting for a reader.
        """
        evaluator = self._evaluator
        with Watch(self.machine, seconds=time_limit, tick=self.output.trickle) as watch:
            evaluator.watch, evaluator.remaining = watch, max_instructions
            try:
                return self._live(open_source(stdin), watch)
            except LimitReached as reached:
                return reached.ending
            finally:
                evaluator.watch = evaluator.remaining = None
                self.close()
                self.output.trickle()

    def _live(self, source: Source, watch: Watch) -> Ending:
        ending = Ending.EXIT
        try:
            self.start()
            if self.machine.vector:
                self.send_arguments()
                self._feed_all(source, watch)
        except LimitReached as reached:
            ending = reached.ending
        if ending is not Ending.TIME:
            self.output.flush()
        watch.stopped()  # for a failure of the last tick that nobody has seen yet
        return ending

    def _feed_all(self, source: Source, watch: Watch) -> None:
        while not self.is_ended:
            self.output.flush()
            data = source.read(watch)
            if data is None:
                raise LimitReached(Ending.TIME)
            if not data:
                self.end_of_input()
                return
            self.feed(data)
