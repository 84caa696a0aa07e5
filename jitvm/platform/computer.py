"""The interface of a computer, for everything that runs, shows and inspects it.

A computer is a machine and its devices, with one program on it. There are two kinds, which can be
told apart after `boot`:

    a console program     boot(), then standard input: `run_console` is its whole life
    one with a screen     boot(), then frames: `frame`, sixty times a second

`jitvm.platform.bare.BareComputer` implements all of it in its simplest form; derive from it.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Protocol

    from jitvm.engine.machine.machine import Machine
    from jitvm.platform import Program
    from jitvm.platform.device import Devices, Plain
    from jitvm.platform.evaluator import Ending, Evaluator, Limits
    from jitvm.platform.events import Event
    from jitvm.platform.frames import Frame, FrameLoop
    from jitvm.platform.input import Readable
    from jitvm.platform.output import Output
    from jitvm.platform.screen import Screen
    from jitvm.platform.script import Script
    from jitvm.platform.sound import Sound
    from jitvm.platform.tape import Tape

    Settings = dict[str, Any]

    class Computer(Protocol):
        """A machine and its devices, with one program."""

        @property
        def machine(self) -> Machine:
            """What executes the program."""

        @property
        def evaluator(self) -> Evaluator:
            """What runs the machine within limits."""

        @property
        def output(self) -> Output:
            """Its standard output and standard error."""

        @property
        def program(self) -> Program | None:
            """The program with its labels and sources; None if it was not set."""

        @property
        def name(self) -> str:
            """The name of the program's file, or a substitute for it."""

        # -- what came of it -----------------------------------------------------------------

        @property
        def stdout(self) -> bytes:
            """Standard output so far, when it is captured."""

        @property
        def stderr(self) -> bytes:
            """Standard error so far, when it is captured."""

        @property
        def exit_code(self) -> int:
            """What the program ends with, 0 to 127."""

        @property
        def is_ended(self) -> bool:
            """Whether the program has ended by itself."""

        # -- running -------------------------------------------------------------------------

        def boot(self) -> None:
            """Run what comes before input and frames; does nothing once that is done.

            Raises:
                LimitReached: a limit of `limited` was reached; another call continues.
                KeyboardInterrupt: Ctrl-C; another call continues, too.
            """

        def limited(
            self, *, max_instructions: int | None = None, time_limit: float | None = None
        ) -> Limits:
            """Limits on all that runs within a ``with`` block; `LimitReached` is raised at them.

            Args:
                max_instructions: stop exactly after so many.
                time_limit: stop after so many seconds.
            """

        def run_console(
            self,
            stdin: bytes | Readable | None = b"",
            *,
            max_instructions: int | None = None,
            time_limit: float | None = None,
            on_end: Callable[[], object] | None = None,
        ) -> Ending:
            """Run a console program to its end, from wherever it has got to, and `close` it;
            `on_end` is called before that."""

        @property
        def listens(self) -> bool:
            """Whether the program wants standard input, after `boot`."""

        def feed_some(self, data: bytes, /) -> int:
            """Pass bytes of standard input, until a limit stops it; returns how many it has
            taken."""

        def end_of_input(self) -> None:
            """Signal the end of standard input."""

        def reset(self, *, soft: bool = False) -> None:
            """Start over with the program as it was loaded; `boot` or the next frame runs it."""

        def put_in(self, program: Program, /) -> None:
            """Replace the program by another one of the same guest; `boot` or the next frame runs
            it.

            Raises:
                ProgramError: it does not fit in memory; the present one stays.
            """

        def snapshot(self) -> Any:
            """A copy of all its state, valid between two vectors; it can be pickled."""

        def restore(self, snapshot: Any, /) -> None:
            """Put a copied state back; the rest of a vector that a limit has stopped is dropped."""

        def restore_state(self, snapshot: Any, /) -> None:
            """Put back what memory, registers and devices were, in the middle of a vector; what is
            being run goes on from there."""

        # -- saved states (`jitvm.platform.states`) ------------------------------------------

        @property
        def devices(self) -> Devices:
            """What its ports lead to."""

        @property
        def image(self) -> bytes:
            """The bytes of its program, as it was loaded."""

        @property
        def settings(self) -> Settings:
            """Options that decide how the program goes on; a state is taken only by a computer
            with the same."""

        @property
        def held(self) -> tuple[Event, ...]:
            """What lets go of keys and buttons that the program believes are down."""

        def own_state(self) -> Plain:
            """All of its state that is neither of the machine nor of devices, evaluator or frames;
            see `Device.snapshot`."""

        def restore_own(self, state: Plain, /) -> None:
            """Put that back; errors are those of `Device.restore`."""

        def tape(self) -> Tape:
            """What comes from outside while it runs, from now on; before it has run."""

        def close(self) -> None:
            """Close files and silence all sound."""

        # -- one with a screen ---------------------------------------------------------------

        @property
        def has_screen(self) -> bool:
            """Whether there is a screen at all; otherwise the following members are not used."""

        @property
        def is_graphical(self) -> bool:
            """Whether the program wants frames, after `boot`."""

        @property
        def holds_keys(self) -> bool:
            """Whether it takes keys that go down and up (KeyDown, KeyUp) rather than typed text
            (Text, Key)."""

        @property
        def frames(self) -> FrameLoop:
            """Its frame loop."""

        def run_frames(
            self,
            count: int | None = None,
            script: Script | None = None,
            *,
            on_frame: Callable[[Frame], object] | None = None,
            max_instructions: int | None = None,
            time_limit: float | None = None,
        ) -> Ending:
            """Run frames as fast as possible: `count` of them, or until the program ends.

            `on_frame` is called with each. The program can be run on, so files stay open until
            `close`.
            """

        def frame(self, events: Iterable[Event] = (), /) -> Frame:
            """Run one frame, and `boot` before the first; see `FrameLoop.frame`."""

        @property
        def screen(self) -> Screen:
            """Its screen."""

        @property
        def has_sound(self) -> bool:
            """Whether it may ever make a sound; only then is `audio` used."""

        @property
        def audio(self) -> Sound:
            """Its source of sound."""

        @property
        def face(self) -> Face:
            """Title and icon of its window; the same object as long as they do not change."""

        @property
        def draws_pointer(self) -> bool:
            """Whether it draws its own pointer, so that a window hides the system's."""

        def show_state(self) -> None:
            """Write its state (stacks, registers) to standard error, as readable text."""


class Face:
    """A program's title, and its icon: RGBA bytes of a square, or None."""

    __slots__ = ("icon", "title")

    def __init__(self, title: str, icon: bytes | None = None) -> None:
        self.title = title
        self.icon = icon


def file_stem(path: str, nameless: str) -> str:
    """A file's name without folder and suffix; `nameless` if nothing is left."""
    return os.path.splitext(os.path.basename(path))[0].strip("<>") or nameless
