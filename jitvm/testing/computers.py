"""A platform's program with its devices at all tiers; see `jitvm.testing.compare`."""

from __future__ import annotations

import os

from jitvm.engine.machine.machine import Tier
from jitvm.engine.tables.struct import Struct
from jitvm.platform import Program
from jitvm.testing.difference import Difference

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from typing import Any

    from jitvm.engine.tables.params import Parameters
    from jitvm.platform import Platform
    from jitvm.platform.computer import Computer
    from jitvm.platform.script import Script


class Seen(Struct, frozen=True):
    """What came of a run, or of a frame of it."""

    frame: int
    pc: int
    exit_code: int
    stdout: bytes
    stderr: bytes
    spaces: list[bytes]
    picture: bytes


def compare_computers(
    platform: Platform,
    program: bytes | str | os.PathLike[str] | Program,
    tiers: list[Tier],
    budget: int,
    params: Parameters,
    *,
    frames: int = 60,
    script: Script | None = None,
    stdin: bytes = b"",
    **options: Any,
) -> None:
    """Run a program on computers of all tiers.

    Args:
        platform, program, tiers, budget, params: see `jitvm.testing.compare`.
        frames: how many, of a program with a screen.
        script: what the user does in them.
        stdin: input of a console program.
        options: of the platform's computers.

    Raises:
        Difference: a tier differs from the reference.
        ProgramError: the program cannot be loaded.
    """
    if isinstance(program, bytes | bytearray):
        program = platform.program(bytes(program))
    elif not isinstance(program, Program):
        program = platform.load(os.fspath(program))
    loaded = program

    def run(tier: Tier) -> list[Seen]:
        computer = platform.computer(loaded, tier=tier, params=params, **options)
        return _lived(computer, budget, frames, script, stdin)

    expected = run(Tier.REFERENCE)
    for tier in tiers:
        for before, after in zip(expected, run(tier), strict=False):
            for name in before.fields:
                a, b = getattr(before, name), getattr(after, name)
                if a != b:
                    raise Difference(
                        f"{loaded.name} of {platform.name} at tier {tier}: {name} differs "
                        f"{f'in frame {before.frame}' if before.frame else 'at the end'}: "
                        f"{_shown(b)}, reference {_shown(a)}"
                    )


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _lived(
    computer: Computer, budget: int, frames: int, script: Script | None, stdin: bytes
) -> list[Seen]:
    """What is seen of a run, frame by frame."""
    computer.machine.counting = True
    with computer.limited(max_instructions=budget):
        computer.boot()
    if not computer.is_graphical:
        computer.run_console(stdin, max_instructions=budget)
        return [_seen(computer, 0)]
    seen = []
    for number in range(1, frames + 1):
        if computer.is_ended:
            break
        computer.frame(script.at(number) if script is not None else ())
        seen.append(_seen(computer, number))
    computer.close()
    return [*seen, _seen(computer, 0)]


def _seen(computer: Computer, frame: int) -> Seen:
    shows = frame and computer.screen.touched
    return Seen(
        frame=frame,
        pc=computer.machine.state.pc,
        exit_code=computer.exit_code,
        stdout=computer.stdout,
        stderr=computer.stderr,
        spaces=[bytes(space) for space in computer.machine.state.spaces],
        picture=computer.screen.pixels.tobytes() if shows else b"",
    )
