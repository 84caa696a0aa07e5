"""The calls most people need: load a program, run it, record its screen, see what the JIT does.

All of them work for any guest. As on the command line, the guest is recognized from the program's
file; otherwise pass `guest`: a `Guest`, a `Platform`, or a name as ``--guest`` takes it.
"""

from __future__ import annotations

import os

from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.tables.struct import Struct
from jitvm.platform import Platform, Program, registry
from jitvm.platform.evaluator import Ending, LimitReached

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, overload

    from jitvm.dashboard.widget import Shown
    from jitvm.guest import Guest
    from jitvm.guests.uxn.varvara.computer import Computer as Varvara
    from jitvm.platform.computer import Computer
    from jitvm.platform.input import Readable
    from jitvm.platform.recording.clip import Clip
    from jitvm.platform.script import Script
    from jitvm.profiling import Profile
    from jitvm.profiling.explanation import Explanation

    GuestLike = str | Guest | Platform

ProgramLike = str | os.PathLike[str] | bytes

FRAMES = 600
"""Frames that `explain` runs of a program with a screen."""


class Result(Struct, frozen=True):
    """The result of a run."""

    exit_code: int
    """0 to 127, as the program set it."""
    ending: Ending
    stdout: bytes
    stderr: bytes
    computer: Any
    """The computer as the program left it: a `Computer` for a program of Uxn."""

    def __repr__(self) -> str:
        return (
            f"<Result {self.ending.value}, exit code {self.exit_code}: "
            f"stdout {_shortened(self.stdout)}, stderr {_shortened(self.stderr)}>"
        )


def _shortened(data: bytes) -> str:
    """The beginning of what was written, for people."""
    return repr(data) if len(data) <= 60 else f"{data[:60]!r}... ({len(data):,} bytes)"


# -- programs ------------------------------------------------------------------------------------


def platform_of(program: ProgramLike | None, guest: GuestLike | None) -> Platform:
    """The platform of a program, or of the guest that is named.

    Raises:
        GuestError: there is no such guest.
        ProgramError: no guest knows the program.
    """
    if isinstance(guest, str):
        return registry.named(guest)
    if guest is not None:
        return registry.as_platform(guest)
    if program is None or isinstance(program, bytes):
        return registry.of_stream()
    return registry.of_file(os.fspath(program))


def _loaded(
    program: ProgramLike, guest: GuestLike | None, options: dict[str, Any]
) -> tuple[Platform, Program, dict[str, Any]]:
    """A program, its platform, and those options that are not for loading it."""
    platform = platform_of(program, guest)
    names = {option.name for option in platform.loading}
    for_loading = {name: value for name, value in options.items() if name in names}
    rest = {name: value for name, value in options.items() if name not in names}
    if isinstance(program, bytes):
        loaded = platform.program(program, **for_loading)
    else:
        loaded = platform.load(os.fspath(program), **for_loading)
    loaded.platform = platform
    return platform, loaded, rest


if TYPE_CHECKING:

    @overload
    def load(
        program: ProgramLike,
        *,
        guest: None = None,
        args: Iterable[str | bytes] = (),
        tier: Tier = Tier.JIT,
        **options: Any,
    ) -> Varvara: ...

    @overload
    def load(
        program: ProgramLike,
        *,
        guest: GuestLike,
        args: Iterable[str | bytes] = (),
        tier: Tier = Tier.JIT,
        **options: Any,
    ) -> Computer: ...


def load(
    program: ProgramLike,
    *,
    guest: GuestLike | None = None,
    args: Iterable[str | bytes] = (),
    tier: Tier = Tier.JIT,
    **options: Any,
) -> Any:
    """Put a program into a new computer, before its first instruction.

    Args:
        program: a path to a program or a source, or the bytes of a program (of Uxn, if no `guest`
            is given).
        guest: the guest it is for; None: recognized from its file. (Type checkers then assume Uxn.)
        args: its command line.
        tier: the execution tier.
        options: `params`, `stdout`, `stderr`, and the guest's options, as listed by `jitvm guests`:
            for Uxn `legacy`, `include_root`, `sandbox`, `clock`.

    Raises:
        GuestError: there is no such guest.
        ProgramError: the program cannot be read or is invalid: for Uxn a RomError.
        SourceError: the source has errors: for Uxn an AssemblyError.
    """
    platform, loaded, rest = _loaded(program, guest, options)
    return platform.computer(loaded, args=args, tier=tier, **rest)


def run(
    program: ProgramLike,
    *args: str | bytes,
    guest: GuestLike | None = None,
    stdin: bytes | Readable | None = b"",
    max_instructions: int | None = None,
    time_limit: float | None = None,
    **options: Any,
) -> Result:
    """Run a console program to its end and return its output.

    Args:
        program: as for `load`.
        args: its command line.
        guest: as for `load`.
        stdin: its standard input.
        max_instructions: stop exactly after so many.
        time_limit: stop after so many seconds.
        options: the other arguments of `load`.

    Raises:
        GuestError, ProgramError, SourceError: as for `load`.
    """
    platform, loaded, rest = _loaded(program, guest, options)
    computer = platform.computer(loaded, args=args, **{"tier": Tier.JIT, **rest})
    ending = computer.run_console(stdin, max_instructions=max_instructions, time_limit=time_limit)
    return Result(computer.exit_code, ending, computer.stdout, computer.stderr, computer)


def _computer(program: ProgramLike | Computer, options: dict[str, Any]) -> Computer:
    """The given computer, or a new one with the given program."""
    if not isinstance(program, str | bytes | os.PathLike):
        return program
    computer: Computer = load(program, **options)
    return computer


def record(
    program: ProgramLike | Computer,
    frames: int,
    *,
    script: str | Script | None = None,
    scale: int = 1,
    **options: Any,
) -> Clip:
    """Run a program with a screen for some frames and record its screen as an animation.

    Args:
        program: as for `load`, or a computer, which continues from its current state.
        frames: how many, 60 per second.
        script: the user's input, as text or as returned by `load_script`.
        scale: pixels of the animation per pixel of the screen, in both directions.
        options: the other arguments of `load`.

    Raises:
        RecordingError: Pillow is not installed, or the scale makes no sense.
        TypeError, ValueError: `frames` is negative or not an integer.
        ScriptError: the script's text has an error.
        GuestError, ProgramError, SourceError: as for `load`.
    """
    from jitvm.platform.recording.clip import record_clip
    from jitvm.platform.script import parse_script

    computer = _computer(program, options)
    if isinstance(script, str):
        script = parse_script(script)
    return record_clip(computer, frames, script, scale)


# -- what the JIT does ---------------------------------------------------------------------------


def profile(
    target: Computer | Machine | None = None,
    *,
    mode: str = "sampled",
    program: ProgramLike | None = None,
    guest: GuestLike | None = None,
) -> Profile:
    """Profile a machine and its JIT during a ``with`` block, as tables.

        with jitvm.profile(program="life.tal") as p:
            jitvm.run("life.tal")
        p.native_share, p.labels, p.exits

    Args:
        target: what to profile, not running yet; None: the first machine created in the block.
        mode: ``sampled`` costs a few percent; ``exact`` counts every instruction by tier and
            region; ``opcodes`` counts them by opcode, with the JIT off.
        program: its labels and source lines name addresses; a path as for `load`. A computer from
            `load` has them already.
        guest: the guest of `program`, as for `load`.

    Raises:
        ValueError: there is no such mode.
        GuestError, ProgramError, SourceError: as for `load`; or the file of labels is damaged.
    """
    from jitvm.engine.tables.place import nameless
    from jitvm.profiling import Mode, Profile

    machine = target if target is None or isinstance(target, Machine) else target.machine
    loaded = None if target is None or isinstance(target, Machine) else target.program
    if program is not None and not isinstance(program, bytes):
        loaded = _loaded(program, guest, {})[1]
    if loaded is None:
        return Profile(machine, mode=Mode(mode), naming=nameless)
    loaded.place(0)  # raises what is wrong with names now
    return Profile(machine, mode=Mode(mode), naming=loaded.place, title=loaded.name)


def explain(
    target: ProgramLike | Computer | Machine,
    address: int | str | None = None,
    *,
    stages: Iterable[str] | None = None,
    guest: GuestLike | None = None,
    stdin: bytes | Readable | None = b"",
    frames: int = FRAMES,
    time_limit: float | None = 2.0,
    **options: Any,
) -> Explanation:
    """What the JIT made of hot code, or why it compiled nothing; print the result.

        print(jitvm.explain("life.tal", "draw", stages=["guest", "ir"]))
        jitvm.explain(machine).regions

    Args:
        target: a program as for `load`, which is run; or a computer or machine that has run. LLVM
            IR and assembly of these are available if they ran with ``Parameters(keep_text=1)``.
        address: an address, or a label; None for the hottest region.
        stages: some of ``guest``, ``exits``, ``ir``, ``llvm``, ``asm``; None for all.
        guest: the program's guest, as for `load`.
        stdin: standard input of a program that is run.
        frames: how many frames of a program with a screen to run.
        time_limit: seconds to run at most.
        options: the other arguments of `load`.

    Raises:
        ValueError: the machine has no JIT, or has not run; or there is no such label or stage.
        GuestError, ProgramError, SourceError: as for `load`.
    """
    from jitvm.profiling.explanation import STAGES, Explanation

    if isinstance(target, str | bytes | os.PathLike):
        platform, program, rest = _loaded(target, guest, options)
        machine = _run_for_explaining(platform, program, rest, stdin, frames, time_limit)
    else:
        machine, platform, program = _known(target)
    return Explanation(machine, program, platform, address, STAGES if stages is None else stages)


def _known(target: Computer | Machine) -> tuple[Machine, Platform, Program]:
    """A machine, its platform, and its program as far as it is known."""
    machine = target if isinstance(target, Machine) else target.machine
    program = None if isinstance(target, Machine) else target.program
    platform = None if program is None else program.platform
    return machine, platform or registry.of_guest(machine.guest), program or Program(b"")


def _run_for_explaining(
    platform: Platform,
    program: Program,
    options: dict[str, Any],
    stdin: bytes | Readable | None,
    frames: int,
    time_limit: float | None,
) -> Machine:
    from jitvm.engine.machine.explain import keep_text

    computer = platform.computer(program, tier=Tier.JIT, **options)
    if computer.machine.native is None:
        raise ValueError("nothing to explain: nothing can become native here")
    keep_text(computer.machine, {})
    with computer.limited(time_limit=time_limit):
        try:
            computer.boot()
            if computer.is_graphical:
                computer.run_frames(frames)
            else:
                computer.run_console(stdin)
        except LimitReached:
            return computer.machine  # with whatever became hot until then
        finally:
            computer.close()
    return computer.machine


def dashboard(
    target: ProgramLike | Computer | Machine,
    *,
    guest: GuestLike | None = None,
    args: Iterable[str] = (),
    stdin: bytes | None = None,
    paused: bool = False,
    counting: bool = False,
    port: int = 0,
    **options: Any,
) -> Shown:
    """Run a program on its own thread and watch in a browser what the JIT makes of it.

        shown = jitvm.dashboard("life.tal")
        shown.url                 open it; in a notebook, the page is below the cell
        shown.close()             stops serving, and the run

    Args:
        target: a program as for `load`; or a computer or a machine, of which the page runs
            `Machine.run` from its current pc (a restart begins there again).
        guest: the program's guest, as for `load`.
        args: its command line.
        stdin: its standard input; None: typed on the page.
        paused: whether to wait for *Start* on the page.
        counting: whether to count all instructions, which slows tight loops down.
        port: the port to listen on, on 127.0.0.1; 0 for a free one.
        options: the other arguments of `load`; `params` for the JIT.

    Raises:
        ImportError: the extra ``jitvm[dashboard]`` is not installed.
        OSError: the port cannot be listened on.
        ValueError: the machine has no JIT.
        GuestError, ProgramError, SourceError: as for `load`.
    """
    from jitvm.dashboard.computer import WatchedComputer
    from jitvm.dashboard.machine import WatchedMachine
    from jitvm.dashboard.session import Session
    from jitvm.dashboard.target import Target
    from jitvm.dashboard.widget import Shown

    params = options.pop("params", None)
    watched: Target
    if isinstance(target, str | bytes | os.PathLike):
        platform, program, rest = _loaded(target, guest, options)
        name = os.path.basename(program.name)
        watched = WatchedComputer(
            platform, program, name, args=tuple(args), stdin=stdin, options=rest
        )
    else:
        watched = WatchedMachine(*_known(target))
    session = Session(watched, params, paused=paused, counting=counting)
    return Shown(session, port=port, owns=True)
