"""What the dashboard needs to know about a guest: the interface between it and a computer.

    Target      one program on one machine: advance it, restart it, show it, type into it
    Picture     what its screen shows
    Progress    how far `advance` got

The dashboard knows machines, regions and events; whatever is particular to a guest (how its
instructions are spelled, whether it has a screen, what a key does) is behind `Target`. All of its
methods but `describe`, `spell` and `picture` are called on one thread, the guest's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from os.path import basename
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from jitvm.dashboard.console import Replies
    from jitvm.dashboard.source import Message
    from jitvm.engine.machine.inspect import Machine
    from jitvm.engine.tables.params import Parameters
    from jitvm.engine.tables.place import Place
    from jitvm.platform import Platform, Program


class Progress(StrEnum):
    """Why `Target.advance` came back."""

    RUNNING = "running"
    """The time or the instructions are used up; there is more to do at once."""
    WAITING = "waiting"
    """There is nothing to do before the next frame or an input."""
    ENDED = "ended"
    """The program has ended; only `restart` goes on."""
    STOPPED = "stopped"
    """It stands still where it was to: it is paused now."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What a screen shows.

    Attributes:
        serial: rises with every other picture.
        pixels: RGBA bytes, row by row; ``4 * width * height`` of them.
    """

    serial: int
    width: int
    height: int
    pixels: bytes


def line_of(place: Place) -> str:
    """Where in the source a place is, as ``life.tal:12``; empty where nobody knows."""
    return f"{basename(place.file)}:{place.line}" if place.file else ""


class InputError(ValueError):
    """An input from the page that is none; the message says why."""


class Debugging(Protocol):
    """A target's debugger, as a page has it: see `jitvm.dashboard.debugged`.

    Attributes:
        view: where the program stands and why, stacks, calls, breakpoints; another one after each
            change. None before there is a program.
        replies: what commands have answered.
        is_wanted: whether a command that runs is to come back; the runner's to set.
    """

    view: Message | None
    replies: Replies
    is_wanted: Callable[[], bool]

    def goes_on(self, line: str) -> bool:
        """Whether a command of the debugger is to run on, which the runner does; from any thread.

        Raises:
            CommandError: it cannot be one.
        """

    def execute(self, line: str) -> Progress:
        """Do a command of the debugger; on the guest's thread."""

    # -- from any thread ---------------------------------------------------------------------

    def listing(self, file: int) -> Message | None:
        """A source file, by its number, with the addresses of its lines; None if there is none."""

    def code(self, start: int, skipped: int, count: int) -> Message | None:
        """Instructions around an address, so many before it left out."""

    def memory(self, space: int, start: int, count: int) -> Message | None:
        """Bytes of a space; None if there is none."""


class Described:
    """What a page shows of a program's code; the part of a `Target` that needs no run.

    Raises:
        ProgramError: what names its addresses is damaged.
    """

    debugging: Debugging | None = None

    def __init__(self, platform: Platform, program: Program) -> None:
        self._platform = platform
        self._program = program
        program.place(0)  # raises what is wrong with names before anything runs

    def halt(self) -> None:
        """It is paused: nothing to do."""

    def place(self, address: int, /) -> Place:
        """What people call an address."""
        return self._program.place(address)

    def source(self, file: str) -> Sequence[str]:
        """Lines of a source; empty if it cannot be read."""
        return self._program.source(file)

    def spell(self, memory: Sequence[int], address: int) -> tuple[str, int]:
        """The instruction at an address, and its size."""
        return self._platform.spell(memory, address, self._program)


class Seen(Protocol):
    """What there is to see of a program, from any thread.

    Attributes:
        name: what it is called on the page.
        debugging: its debugger, if it is run by one.
    """

    name: str
    debugging: Debugging | None

    def place(self, address: int, /) -> Place:
        """What people call an address: a label, and a line of the source."""

    def source(self, file: str) -> Sequence[str]:
        """Lines of a source that places are in; empty if it cannot be read."""

    def spell(self, memory: Sequence[int], address: int) -> tuple[str, int]:
        """The instruction at an address as text, and its size in bytes."""

    def picture(self) -> Picture | None:
        """What the screen shows; None if there is none."""


class Target(Seen, Protocol):
    """One program on one machine.

    Attributes:
        has_input: whether the page is to offer a console's input line.
    """

    has_input: bool

    @property
    def machine(self) -> Machine:
        """The machine; another one after `restart`."""

    def restart(self, params: Parameters) -> None:
        """Start over on a new machine with these parameters, before its first instruction."""

    def advance(self, *, seconds: float | None, instructions: int | None) -> Progress:
        """Run on, for at most so long or so many instructions; None for no such limit.

        Raises:
            OSError, RuntimeError: a device failed; the run cannot go on.
        """

    def step_frame(self) -> Progress:
        """Run one frame of a program with a screen; other programs: one event."""

    def halt(self) -> None:
        """It is paused; called whenever it stays so."""

    def rest(self) -> float:
        """Seconds until there is something to do again, when nothing comes in."""

    def input(self, event: Mapping[str, object]) -> None:
        """Input from the page for the program, which gets it when it runs.

        Raises:
            InputError: it is no input.
        """

    def close(self) -> None:
        """Let go of files."""

    def on_text(self, receiver: Callable[[str], None]) -> None:
        """Call a function with whatever the program prints, as it does so."""
