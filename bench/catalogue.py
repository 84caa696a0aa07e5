"""The programs that are measured: those of programs/programs.toml, and ROMs of one's own."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from bench.inputs.generate import INPUTS

FOLDER = Path(__file__).parent
PROGRAMS = FOLDER / "programs"
TWINS = FOLDER / "twins"


class BenchError(Exception):
    """The request cannot be served; the message says what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Program:
    """One program with everything it is given.

    Attributes:
        rom: what is loaded at 0x0100.
        stdin: all of its standard input.
        args: its command line.
        frames: how many it is given at most, if it has a screen; 0: it has none.
        twin: source of the same work in C.
        instructions: executed in all vectors together; None where only a run can tell.
        output_sha256: hexadecimal digest of its standard output; None as above.
        picture_sha256: that of its last picture, RGBA bytes; None for no screen, or as above.
    """

    name: str
    rom: bytes
    stdin: bytes = b""
    args: tuple[str, ...] = ()
    frames: int = 0
    twin: Path | None = None
    instructions: int | None = None
    output_sha256: str | None = None
    picture_sha256: str | None = None


@cache
def _table() -> dict[str, dict[str, Any]]:
    return tomllib.loads((PROGRAMS / "programs.toml").read_text(encoding="utf-8"))


def names() -> tuple[str, ...]:
    """The programs of the benchmark, in the order of the list."""
    return tuple(_table())


def load(name: str) -> Program:
    """Assemble a program of the benchmark and make its input.

    Raises:
        BenchError: there is no program of that name, or it does not assemble.
    """
    row = _table().get(name)
    if row is None:
        raise BenchError(f"there is no program {name!r}; there are {', '.join(names())}")
    return Program(
        name=name,
        rom=_rom(PROGRAMS / row["file"]),
        stdin=INPUTS[row["stdin"]]() if row["stdin"] else b"",
        args=tuple(row["args"]),
        frames=row.get("frames", 0),
        twin=TWINS / row["twin"] if row["twin"] else None,
        instructions=row["instructions"],
        output_sha256=row["output_sha256"],
        picture_sha256=row.get("picture_sha256"),
    )


def load_own(
    path: Path, stdin: Path | None = None, args: Iterable[str] = (), frames: int = 0
) -> Program:
    """Take a ROM or an Uxntal source from anywhere.

    Raises:
        BenchError: a file cannot be read, or is no program; or it has a screen and an input.
    """
    if frames and stdin is not None:
        raise BenchError(f"{path}: a program is given --stdin or --frames, not both")
    try:
        data = b"" if stdin is None else stdin.read_bytes()
    except OSError as error:
        raise BenchError(f"{stdin}: cannot be read: {error.strerror}") from error
    return Program(path.stem, _rom(path), data, tuple(args), frames)


def with_distinct_names(programs: Iterable[Program]) -> list[Program]:
    """The programs, a second one of a name called ``name-2`` and so on.

    Raises:
        BenchError: there are none.
    """
    found: dict[str, Program] = {}
    for program in programs:
        name, number = program.name, 1
        while name in found:
            number += 1
            name = f"{program.name}-{number}"
        found[name] = replace(program, name=name)
    if not found:
        raise BenchError("no program was named; --only takes names, --rom a file")
    return list(found.values())


def _rom(path: Path) -> bytes:
    from jitvm.guests.uxn.assembler import AssemblyError
    from jitvm.guests.uxn.varvara.program import RomError, load_program

    try:
        return load_program(path).rom.data
    except (AssemblyError, RomError) as error:
        raise BenchError(str(error)) from error
