"""The Varvara computer: a program on its `hardware`, and the order in which its vectors run.

    computer = Computer(rom, args=("one", "two"))
    computer.run_console(b"some input\\n")      the whole life of a console program
    computer.stdout, computer.exit_code

    computer.run_frames(60)                     a second of a program with a screen
    computer.screen.pixels                      what it shows

or step by step:

    computer.boot()                 the reset vector, then the arguments
    computer.is_graphical           whether it has a screen
    computer.feed(b"abc")           one event per byte of standard input
    computer.end_of_input()         the last event
    computer.frame([Key(13)])       one frame with the user's input
    computer.load(rom)              another program, from the start

Order of events, as in the reference emulators: the reset vector; then, if the program has set a
console vector, its arguments. Then a console program gets standard input and the end-of-input
event; it ends right away if it has not set a console vector. A program with a screen gets frames:
see `frames`. Either ends after the vector in which System/state became nonzero.

`run_console` and `run_frames` continue from where `boot` or an earlier run has got to, even in the
middle of a vector that a limit has stopped.
"""

from __future__ import annotations

import os

from jitvm import platform
from jitvm.engine.machine.machine import Tier
from jitvm.engine.machine.watch import Watch
from jitvm.guest.light import cached_property
from jitvm.guests.uxn.varvara import console
from jitvm.guests.uxn.varvara.booting import Booting
from jitvm.guests.uxn.varvara.console import Type, argument_events
from jitvm.guests.uxn.varvara.hardware import Hardware
from jitvm.guests.uxn.varvara.program import PROGRAM_START, Rom, rom_of
from jitvm.guests.uxn.varvara.system import DEBUG
from jitvm.platform.evaluator import Ending, LimitReached
from jitvm.platform.input import open_source

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jitvm.engine.tables.params import Parameters
    from jitvm.guests.uxn.varvara.clock import Clock
    from jitvm.guests.uxn.varvara.frames import FrameLoop
    from jitvm.guests.uxn.varvara.snapshot import ComputerSnapshot
    from jitvm.platform.computer import Face, Settings
    from jitvm.platform.device import Plain
    from jitvm.platform.events import Event
    from jitvm.platform.input import Readable, Source
    from jitvm.platform.output import Closed, Stream
    from jitvm.platform.tape import Tape


class Computer(Hardware):
    """A Uxn program and the computer it runs on.

    Args:
        rom: the program's bytes, at most 1048320.
        args: its command line; text is passed as UTF-8.
        tier: what executes it.
        sandbox: the folder its files live in (default: the current one); None for no files.
        clock: called for the time at each read of it; None for the host's local time.
        stdout: binary stream for standard output; None to capture it.
        stderr: binary stream for standard error; None to capture it.

    Attributes:
        program: what the assembler knows of the ROM, where somebody has said so: profiles name
            addresses by it.

    Raises:
        RomError: the ROM is empty or too long.
        BlockError: the operating system refused the memory.
        TypeError, ValueError: an argument is not what is said above.
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
        self.program: platform.Program | None = None
        self._face_key = b""
        self.args = tuple(os.fsencode(arg) for arg in args)
        self._has_begun = self._has_input_ended = False
        self._input = b""
        super().__init__(
            rom_of(rom),
            tier=tier,
            params=params,
            sandbox=sandbox,
            clock=clock,
            stdout=stdout,
            stderr=stderr,
        )
        self._booting = Booting(self.console, self.args)
        self._announce_arguments()

    @property
    def name(self) -> str:
        """Of the program, in messages."""
        return self.rom.name

    # -- what came of it ---------------------------------------------------------------------

    def _repr_png_(self) -> bytes | None:
        """What it shows, for notebooks; see `Screen`."""
        return self.screen._repr_png_()

    # -- step by step ------------------------------------------------------------------------

    def boot(self) -> None:
        """Run the reset vector, then hand over the command line; nothing when that is done.

        Raises:
            LimitReached: a limit of `limited` was reached; another call goes on.
            KeyboardInterrupt: Ctrl-C; likewise.
        """
        self._has_begun = True
        if not self._booting.is_over or self.evaluator.is_unfinished:
            self.evaluator.follow(self._booting.vectors)

    def start(self) -> None:
        """Run the reset vector, and leave the command line to `send_arguments`."""
        self._has_begun = True
        self._booting = Booting(self.console, begun=1, is_over=True)
        self.evaluator.run(PROGRAM_START)

    def send(self, kind: Type, data: bytes) -> None:
        """Raise one console event of a type for each byte; none once the program has ended.

        Raises:
            ValueError: there is no such type.
            TypeError: `data` is not bytes.
        """
        kind, data = Type(kind), bytes(memoryview(data))
        if self.is_ended:
            return
        self.evaluator.deliver(data, (console.TYPE, kind))

    def send_arguments(self) -> None:
        """Hand over the command line."""
        for kind, data in argument_events(self.args):
            self.send(kind, data)

    def feed(self, data: bytes) -> None:
        """Hand over bytes of standard input."""
        self.send(Type.STDIN, data)

    def end_of_input(self) -> None:
        """Tell that standard input has ended."""
        self._has_input_ended = True
        self.send(Type.END, console.END_BYTE)

    def feed_some(self, data: bytes) -> int:
        """Hand over bytes of standard input, until a limit stops an event; how many were begun.

        `boot` goes on with that event.
        """
        return self.evaluator.deliver_some(data, (console.TYPE, Type.STDIN))

    def reset(self, *, soft: bool = False) -> None:
        """Start over with the program as it was loaded; `start` or the next frame then runs it.

        Clears bank 0 (a soft reset keeps the zero page), the ports, both stacks, the vectors and
        the screen, silences all voices and closes files. Other banks keep what the program does
        not cover. As in the reference, the program then believes that it has no arguments.
        """
        self._begin(Booting(self.console))
        self._has_begun = True
        self.clear(soft=soft)

    def _begin(self, booting: Booting) -> None:
        """Nothing of a program has run yet."""
        self._booting = booting
        self._has_begun = self._has_input_ended = False
        self._input = b""
        self._abandon_frame()

    def load(self, rom: bytes | Rom) -> None:
        """Put another program in place of the present one; `boot` or the next frame runs it.

        All memory, the ports, both stacks and the vectors are as in a new computer, files are
        closed and voices silent. The command line, which the program is given in its turn, the
        clock, the files' folder, the output streams and what they got, limits and the count of
        frames stay. So does the screen, empty: who shows it goes on. Nothing may be recording.

        Args:
            rom: as for the computer.

        Raises:
            RomError: the ROM is empty or too long; the present program goes on.
        """
        self.rom, self.program = rom_of(rom), None
        self._begin(Booting(self.console, self.args))
        self.banks.restore_extra({})
        self.clear()
        self._announce_arguments()

    def put_in(self, program: platform.Program) -> None:
        """As `load`, with what is known of the program."""
        self.load(Rom(program.data, program.name))
        self.program = program

    def _announce_arguments(self) -> None:
        """Tell the reset vector whether there will be arguments."""
        self.machine.page[console.TYPE] = bool(self.args)

    def _abandon_frame(self) -> None:
        if "frames" in self.__dict__:
            self.frames.abandon()

    def snapshot(self) -> ComputerSnapshot:
        """Copy all of the computer's state; see `ComputerSnapshot`. Nobody may be rendering."""
        from jitvm.guests.uxn.varvara.snapshot import ComputerSnapshot

        return ComputerSnapshot(
            has_begun=self._has_begun,
            machine=self.machine.snapshot(),
            banks=self.banks.save_extra(),
            devices=self.devices.snapshot(),
        )

    def restore(self, snapshot: ComputerSnapshot) -> None:
        """Put a copied state back, of this computer or another one with the same program."""
        has_begun = snapshot.has_begun
        self._begin(Booting(self.console, self.args, int(has_begun), is_over=has_begun))
        self._has_begun = has_begun
        self.evaluator.abandon()
        self.restore_state(snapshot)

    def restore_state(self, snapshot: ComputerSnapshot) -> None:
        """Put back what memory, registers and devices were; what is being run goes on there."""
        self.devices.restore(snapshot.devices)
        self.machine.restore(snapshot.machine)  # last of the two: sizes may be half written
        self.banks.restore_extra(snapshot.banks)

    @property
    def image(self) -> bytes:
        """The program's bytes."""
        return self.rom.data

    @property
    def settings(self) -> Settings:
        """Nothing besides the program and its state decides how it goes on."""
        return {}

    @property
    def held(self) -> tuple[Event, ...]:
        """What lets go of the buttons that the program believes are down."""
        return (*self.controller.held(), *self.mouse.held())

    def own_state(self) -> Plain:
        """Where it is in its life, and the banks above 0."""
        banks = tuple(sorted(self.banks.save_extra().items()))
        return self._booting.snapshot(), self._input, self._has_input_ended, banks

    def restore_own(self, state: Plain) -> None:
        """Put that back.

        Raises:
            ValueError, TypeError: it is no such state.
        """
        booting, data, has_ended, banks = state
        self._booting = self._booting.restored(booting)
        self._has_begun = self._booting.begun > 0
        self._input = bytes(memoryview(data))
        self._has_input_ended = bool(has_ended)
        self.banks.restore_extra(dict(banks))

    def tape(self) -> Tape:
        """What comes from outside from now on: the time, and what is in files."""
        from jitvm.guests.uxn.varvara.tape import VarvaraTape

        return VarvaraTape(self.clock, self.files)

    # -- what its window looks like ----------------------------------------------------------

    @property
    def face(self) -> Face:
        """Name and icon of the program's metadata; its file's name where there are none."""
        from jitvm.guests.uxn.varvara.face import face_key, face_of

        key = face_key(self)
        if key != self._face_key:
            self._face_key, self._face = key, face_of(self)
        return self._face

    @property
    def draws_pointer(self) -> bool:
        """Whether it listens to the mouse: then it draws a pointer of its own."""
        return self.mouse.vector != 0

    def show_state(self) -> None:
        """Print both stacks, as a write to System/debug does."""
        self.machine.state.ports.writers[DEBUG](1)

    # -- frames ------------------------------------------------------------------------------

    @cached_property
    def frames(self) -> FrameLoop:
        """The frame loop of this computer."""
        from jitvm.guests.uxn.varvara.frames import FrameLoop

        return FrameLoop(self, self.boot)

    # -- a whole run -------------------------------------------------------------------------

    def run_console(
        self,
        stdin: bytes | Readable | None = b"",
        *,
        max_instructions: int | None = None,
        time_limit: float | None = None,
        on_end: Callable[[], object] | None = None,
    ) -> Ending:
        """Run a console program to its end.

        Args:
            stdin: bytes, or a binary stream that is read as bytes come; None: it is closed.
            max_instructions: stop exactly after so many, all vectors together.
            time_limit: stop after so many seconds.
            on_end: called when it has ended or was stopped, before files are closed.

        Returns:
            whether it ended by itself or which limit stopped it; see `exit_code`.

        Raises:
            OutputError: an output stream cannot be written.
            KeyboardInterrupt: Ctrl-C. After it and after the time limit, output is written as
                far as that is possible without waiting for a reader.
        """
        with self.limited(max_instructions=max_instructions, time_limit=time_limit) as watch:
            ending = self.to_the_end(lambda: self._live(open_source(stdin), watch), on_end)
        if ending is Ending.EXIT:
            self._has_input_ended = False  # another run may bring more
        return ending

    def _live(self, source: Source, watch: Watch) -> Ending:
        ending = Ending.EXIT
        try:
            self.boot()
            if self.machine.vector and not self._has_input_ended:
                self._feed_all(source, watch)
        except LimitReached as reached:
            ending = reached.ending
        if ending is not Ending.TIME:
            self.output.flush()
        watch.stopped()  # for a failure of the last tick that nobody has seen yet
        return ending

    def _feed_all(self, source: Source, watch: Watch) -> None:
        while not self.is_ended:
            if not self._input:
                self.output.flush()
                data = source.read(watch, self.evaluator.check_time)
                if data is None:
                    raise LimitReached(Ending.TIME)
                if not data:
                    self.end_of_input()
                    return
                self._input = data
            try:
                self.feed_some(self._input)
            finally:
                self._input = self._input[self.machine.begun :]
            self.boot()
