"""Runs a program with a screen: headless, in the terminal, or in a window.

`Show` is created before the program runs, because recorders must be; the reset vector then
determines whether the program has a screen at all. Imported only if the user or the program asks
for frames.
"""

from __future__ import annotations

from jitvm.cli import options
from jitvm.cli.exits import Exit, Failure
from jitvm.cli.sessions import sessions_of
from jitvm.platform.evaluator import Ending, LimitReached

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

    from jitvm.cli.options import Loaded
    from jitvm.cli.outputs import Outputs
    from jitvm.platform.computer import Computer
    from jitvm.platform.frames import Frame
    from jitvm.platform.input import Readable
    from jitvm.platform.script import Script
    from jitvm.platform.tools import Session
    from jitvm.playing.slot import Slot

NO_SDL = "a program with a screen needs a window, and PySDL2 for it: `pip install 'jitvm[window]'`"
NO_DISPLAY = "a program with a screen needs a window, and there is no display"
INSTEAD = "or show it with --terminal, or run it with --headless --frames N --screenshot FILE.png"


class Show:
    """One run of a program with a screen; a context manager around all of it.

    Args:
        arguments: of ``jitvm run``.
        loaded: the program.
        computer: one that has not run.
        session: what is replayed, if anything.
        stdin: the program's standard input; None for none.
        slot: what saves and loads its state, if the command line says so.

    Raises:
        Failure: a script cannot be read, a file cannot be written, the session is another's.
    """

    def __init__(
        self,
        arguments: Namespace,
        loaded: Loaded,
        computer: Computer,
        session: Session | None,
        stdin: Readable | None,
        slot: Slot | None = None,
    ) -> None:
        self._arguments = arguments
        self._slot = slot
        self._begun = computer.frames.number if computer.has_screen else 0
        self._platform = loaded.platform
        self._computer = computer
        self._session = session
        self._stdin = stdin
        self._script: Script | None = None
        self._replay: Iterator[Frame] | None = None
        self._outputs: Outputs | None = None
        if not computer.has_screen:
            raise Failure(f"{computer.name}: programs of {loaded.platform.name} have no screen")

    def __enter__(self) -> Self:
        self._script = options.script(self._arguments.input)
        if self._session is not None:
            self._replay = self._replayed(self._session)
        if self._has_outputs():
            if self._arguments.record or self._arguments.record_session:
                _import_typing()
            from jitvm.cli.outputs import Outputs

            self._outputs = Outputs(self._arguments, self._platform, self._computer)
            self._outputs.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._outputs is not None:
            self._outputs.__exit__(kind, error, trace)

    def _has_outputs(self) -> bool:
        from jitvm.cli.graphics import outputs

        return bool(outputs(self._arguments))

    # -- what goes in ------------------------------------------------------------------------

    def _replayed(self, session: Session) -> Iterator[Frame]:
        from jitvm.platform.sessions import DivergedError, SessionError

        sessions = sessions_of(self._platform, "--replay")
        try:
            replayed = sessions.replay(session, self._computer)
        except SessionError as error:
            raise Failure(str(error)) from error

        def frames() -> Iterator[Frame]:
            try:
                yield from replayed
            except DivergedError as error:
                message = f"the replay is not what was recorded: {error}"
                raise Failure(message, Exit.DIVERGED) from error

        return frames()

    # -- running -----------------------------------------------------------------------------

    def run(self, max_instructions: int | None, time_limit: float | None) -> Ending:
        """Run the program, from the reset vector if that has not run, to its end or a limit's.

        Raises:
            Failure: there is no window or no terminal to show it.
            KeyboardInterrupt: Ctrl-C.
        """
        with self:
            try:
                if self._arguments.headless:
                    if self._slot is None:
                        return self._headless(max_instructions, time_limit)
                    return self._slot.around(lambda: self._headless(max_instructions, time_limit))
                if self._arguments.terminal:
                    return self._in_terminal(max_instructions, time_limit)
                return self._in_window(max_instructions, time_limit)
            finally:
                self._computer.close()

    def _headless(self, max_instructions: int | None, time_limit: float | None) -> Ending:
        """Run frames as fast as possible."""
        computer = self._computer
        # Frames are imported here, before there is a thread: see `jitvm.prepared`.
        computer.frames.picture = self._outputs is not None or self._replay is not None
        with computer.limited(max_instructions=max_instructions, time_limit=time_limit) as watch:
            try:
                ending = self._frames()
            except LimitReached as reached:
                ending = reached.ending
            if ending is not Ending.TIME:
                computer.output.flush()
            watch.stopped()  # for a failure of the last tick that nobody has seen yet
        return ending

    def _frames(self) -> Ending:
        from jitvm.cli.progress import Progress

        computer, last = self._computer, self._last
        frames = self._live() if self._replay is None else self._replay
        with Progress(self._total()) as progress:
            while last is None or computer.frames.number < last:
                computer.evaluator.check_time()
                if next(frames, None) is None:
                    return Ending.EXIT
                progress.show(computer.frames.number - self._begun)
        return Ending.EXIT if computer.is_ended else Ending.FRAMES

    @property
    def _last(self) -> int | None:
        """The number of the last frame, if somebody has said how many there are."""
        frames: int | None = self._arguments.frames
        return None if frames is None else self._begun + frames

    def _total(self) -> int | None:
        """Frames there will be, as far as anybody knows."""
        asked = self._arguments.frames
        if self._session is None:
            return int(asked) if asked else None
        return min(asked or self._session.length, self._session.length)

    def _live(self) -> Iterator[Frame]:
        """Frames of a program that has its input from the script and from standard input."""
        from jitvm.cli.headless import live

        computer = self._computer
        computer.boot()
        if not (computer.is_graphical or computer.is_ended or self._arguments.frames):
            raise Failure(
                f"{computer.name}: has no screen, so nobody knows when to stop; "
                "say how many frames it gets: --frames N"
            )
        yield from live(computer, self._script, self._stdin, self._last)

    def _in_terminal(self, max_instructions: int | None, time_limit: float | None) -> Ending:
        _import_typing()
        from jitvm.playing.keysfile import KeysError
        from jitvm.terminal import TerminalError, run

        try:
            return run(
                self._computer,
                script=self._script,
                replay=self._replay,
                max_frames=self._arguments.frames,
                max_instructions=max_instructions,
                time_limit=time_limit,
                slot=self._slot,
                rewind=self._arguments.rewind << 20,
                keys=self._arguments.keys,
            )
        except TerminalError as error:
            raise Failure(str(error), Exit.FAILURE) from error
        except KeysError as error:
            raise Failure(f"--keys {error}") from error

    def _in_window(self, max_instructions: int | None, time_limit: float | None) -> Ending:
        _check_display()
        _import_typing()
        from jitvm.playing.keysfile import KeysError
        from jitvm.window import WindowError, run

        arguments = self._arguments
        try:
            return run(
                self._computer,
                scale=arguments.scale,
                fullscreen=arguments.fullscreen,
                source=None if arguments.program == "-" else arguments.program,
                platform=self._platform,
                loading=options.loading(arguments, self._platform),
                stdin=self._stdin,
                script=self._script,
                replay=self._replay,
                max_frames=arguments.frames,
                max_instructions=max_instructions,
                time_limit=time_limit,
                slot=self._slot,
                rewind=self._arguments.rewind << 20,
                keys=self._arguments.keys,
            )
        except WindowError as error:
            raise Failure(str(error), Exit.FAILURE) from error
        except KeysError as error:
            raise Failure(f"--keys {error}") from error


def _import_typing() -> None:
    """Have `typing` whole before anything with a dataclass is imported.

    These look into it without waiting, and another thread may be importing it, as what the JIT
    needs does.
    """
    import typing  # noqa: F401


def _check_display() -> None:
    """Tell what is missing for a window before SDL is imported."""
    import os
    from importlib.util import find_spec

    if find_spec("sdl2") is None:
        raise Failure(f"{NO_SDL}; {INSTEAD}", Exit.FAILURE)
    if not any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"))):
        raise Failure(f"{NO_DISPLAY}; {INSTEAD}", Exit.FAILURE)
