"""The two calls most people need: load a program, run a program."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jitvm.engine.machine import Tier
from jitvm.guests.uxn.varvara.computer import Computer
from jitvm.guests.uxn.varvara.evaluator import Ending
from jitvm.guests.uxn.varvara.program import load_program
from jitvm.guests.uxn.varvara.rom import Rom

if TYPE_CHECKING:
    from jitvm.guests.uxn.varvara.input import Readable

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


def load(
    program: ProgramLike,
    *,
    args: Iterable[str | bytes] = (),
    tier: Tier = Tier.JIT,
    legacy: bool = False,
    **options: Any,
) -> Computer:
    """Put a program into a new computer, ready to `start`.

    Args:
        program: a path to a ROM or Uxntal source, or the bytes of a ROM.
        args: its command line.
        tier: what executes it.
        legacy: accept the older dialect of Uxntal.
        options: `params`, `sandbox`, `clock`, `stdout`, `stderr` of `Computer`.

    Raises:
        RomError: the program cannot be read or is not a ROM.
        AssemblyError: the source has errors.
    """
    rom = Rom(program) if isinstance(program, bytes) else load_program(program, legacy=legacy).rom
    return Computer(rom, args=args, tier=tier, **options)


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
