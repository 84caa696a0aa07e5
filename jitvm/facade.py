"""The calls most people need: load a program, run it, record what it shows, profile it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jitvm.engine.machine.machine import Machine, Tier
from jitvm.guests.uxn.varvara.computer import Computer
from jitvm.guests.uxn.varvara.evaluator import Ending
from jitvm.guests.uxn.varvara.program import load_program

if TYPE_CHECKING:
    from jitvm.guests.uxn.varvara.input import Readable
    from jitvm.guests.uxn.varvara.recording.clip import Clip
    from jitvm.guests.uxn.varvara.script import Script
    from jitvm.profiling import Profile

ProgramLike = str | os.PathLike[str] | bytes


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a run."""

    exit_code: int
    """0 to 127, as the program set it."""
    ending: Ending
    stdout: bytes
    stderr: bytes
    computer: Computer
    """The computer as the program left it."""

    def __repr__(self) -> str:
        return (
            f"<Result {self.ending.value}, exit code {self.exit_code}: "
            f"stdout {_shortened(self.stdout)}, stderr {_shortened(self.stderr)}>"
        )


def _shortened(data: bytes) -> str:
    """The beginning of what was written, for people."""
    return repr(data) if len(data) <= 60 else f"{data[:60]!r}... ({len(data):,} bytes)"


def load(
    program: ProgramLike,
    *,
    args: Iterable[str | bytes] = (),
    tier: Tier = Tier.JIT,
    legacy: bool = False,
    include_root: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Computer:
    """Put a program into a new computer, ready to `start`.

    Args:
        program: a path to a ROM or Uxntal source, or the bytes of a ROM.
        args: its command line.
        tier: what executes it.
        legacy: accept the older dialect of Uxntal.
        include_root: the only folder a source may include files from.
        options: `params`, `sandbox`, `clock`, `stdout`, `stderr` of `Computer`.

    Raises:
        RomError: the program cannot be read or is not a ROM.
        AssemblyError: the source has errors.
    """
    if isinstance(program, bytes):
        return Computer(program, args=args, tier=tier, **options)
    loaded = load_program(program, legacy=legacy, include_root=include_root)
    computer = Computer(loaded.rom, args=args, tier=tier, **options)
    computer.program = loaded
    return computer


def run(
    program: ProgramLike,
    *args: str | bytes,
    stdin: bytes | Readable | None = b"",
    max_instructions: int | None = None,
    time_limit: float | None = None,
    **options: Any,
) -> Result:
    """Run a console program to its end and return what it wrote.

    Args:
        program: as for `load`.
        args: its command line.
        stdin: its standard input.
        max_instructions: stop exactly after so many.
        time_limit: stop after so many seconds.
        options: the other arguments of `load`.

    Raises:
        RomError, AssemblyError: as for `load`.
    """
    computer = load(program, args=args, **options)
    ending = computer.run_console(stdin, max_instructions=max_instructions, time_limit=time_limit)
    return Result(computer.exit_code, ending, computer.stdout, computer.stderr, computer)


def record(
    program: ProgramLike | Computer,
    frames: int,
    *,
    script: str | Script | None = None,
    scale: int = 1,
    **options: Any,
) -> Clip:
    """Run a program with a screen for some frames and keep what it shows, as an animation.

    Args:
        program: as for `load`, or a computer, which goes on from where it is.
        frames: how many; 60 are a second.
        script: what the user does, as text or as `load_script` gives it.
        scale: pixels of the animation for each of the screen, both ways.
        options: the other arguments of `load`.

    Raises:
        RecordingError: Pillow is not installed, or the scale makes no sense.
        TypeError, ValueError: `frames` is negative, or no whole number.
        ScriptError: the script's text has an error.
        RomError, AssemblyError: as for `load`.
    """
    from jitvm.guests.uxn.varvara.recording.clip import record_clip
    from jitvm.guests.uxn.varvara.script import parse_script

    computer = program if isinstance(program, Computer) else load(program, **options)
    if isinstance(script, str):
        script = parse_script(script)
    return record_clip(computer, frames, script, scale)


def profile(
    target: Computer | Machine | None = None,
    *,
    mode: str = "sampled",
    program: ProgramLike | None = None,
) -> Profile:
    """Watch what a machine and its JIT do while a ``with`` block lasts, as tables.

        with jitvm.profile(program="life.tal") as p:
            jitvm.run("life.tal")
        p.native_share, p.labels, p.exits

    Args:
        target: what is watched, not running yet; None: the first machine made in the block.
        mode: ``sampled`` costs a few percent; ``exact`` counts every instruction by tier and
            region; ``opcodes`` counts them by opcode, with the JIT off.
        program: whose labels and lines of source addresses are given; a path as for `load`.
            A computer that `load` made knows them itself.

    Raises:
        ValueError: there is no such mode.
        RomError, AssemblyError: as for `load`.
        SymbolFileError: the ``.sym`` file beside a ROM is damaged.
    """
    from jitvm.engine.tables.place import nameless
    from jitvm.guests.uxn.places import naming_of
    from jitvm.profiling import Mode, Profile

    loaded = target.program if isinstance(target, Computer) else None
    if program is not None and not isinstance(program, bytes):
        loaded = load_program(program)
    naming = nameless if loaded is None else naming_of(loaded)
    title = "" if loaded is None else loaded.rom.name
    machine = target.machine if isinstance(target, Computer) else target
    return Profile(machine, mode=Mode(mode), naming=naming, title=title)
