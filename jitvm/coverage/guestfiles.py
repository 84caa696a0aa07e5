"""Guest programs that are tests, and what is expected of them.

A program passes if it ends with the exit code 0, unless it says something else in comments or in
files beside it:

    ( test: exit 3 )            the exit code; `none`: it need not end
    ( test: args one "t w o" )  its command line
    ( test: frames 60 )         frames that it is run for, if it has a screen
    ( test: screen 3f1c2a9b )   how the hash of its picture begins, after these frames; it is that
                                of `jitvm run --hash-frames`
    test_x.in                   its standard input
    test_x.out, test_x.err      what it writes, to the byte
"""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jitvm.coverage.results import Coverage
    from jitvm.engine.machine.machine import Tier
    from jitvm.platform.computer import Computer

FRAMES = 60
SHORTEST_HASH = 8
LONGEST_DIFFERENCE = 40
"""Lines of what is told about different output."""
_COMMENT = re.compile(r"\(\s+test:\s+(\S+)\s*([^()]*?)\s*\)")


class ExpectationError(ValueError):
    """A comment says something that cannot be; the message says where and what to do."""


class Unexpected(Exception):
    """A program did something else than is expected; the message says what."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of a program, and what it is given.

    Attributes:
        exit_code: None where it need not end.
        args: its command line.
        frames: how many it is run for.
        screen: how the hash of its screen begins; empty: any.
        stdin: its standard input.
        stdout, stderr: what it writes; None: anything.
    """

    exit_code: int | None = 0
    args: tuple[str, ...] = ()
    frames: int = FRAMES
    screen: str = ""
    stdin: bytes = b""
    stdout: bytes | None = None
    stderr: bytes | None = None


def expected(path: Path) -> Expected:
    """What a program's comments and the files beside it say.

    Raises:
        ExpectationError: a comment makes no sense.
        OSError: a file cannot be read.
    """
    exit_code: int | None = 0
    args: tuple[str, ...] = ()
    frames, screen = FRAMES, ""
    for found in _COMMENT.finditer(path.read_text("utf-8", "replace")):
        what, value = found.groups()
        where = f"{path}: ( test: {what} {value} )"
        if what == "exit":
            exit_code = None if value == "none" else _number(value, 127, where)
        elif what == "args":
            args = tuple(_words(value, where))
        elif what == "frames":
            frames = _number(value, 1 << 20, where)
        elif what == "screen":
            screen = value.lower()
            if not re.fullmatch(rf"[0-9a-f]{{{SHORTEST_HASH},16}}", screen):
                raise ExpectationError(f"{where}: takes {SHORTEST_HASH} to 16 hexadecimal digits")
        else:
            raise ExpectationError(f"{where}: choose from exit, args, frames, screen")
    return Expected(
        exit_code, args, frames, screen,
        _beside(path, ".in") or b"", _beside(path, ".out"), _beside(path, ".err"),
    )  # fmt: skip


def _number(text: str, most: int, where: str) -> int:
    if not text.isdecimal() or int(text) > most:
        raise ExpectationError(f"{where}: takes a number from 0 to {most}")
    return int(text)


def _words(text: str, where: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise ExpectationError(f"{where}: {str(error).lower()}") from None


def _beside(path: Path, suffix: str) -> bytes | None:
    file = path.with_suffix(suffix)
    return file.read_bytes() if file.is_file() else None


# -- run -----------------------------------------------------------------------------------------


def run(path: Path, tier: Tier, coverage: Coverage | None, time_limit: float) -> None:
    """Run a program as a test; its files are those of its folder.

    Args:
        path: the program.
        tier: what executes it.
        coverage: takes in what is executed, whatever comes of it.
        time_limit: seconds that it may take.

    Raises:
        Unexpected: it did something else than is expected.
        ExpectationError: as for `expected`.
        ProgramError, OSError: it cannot be read or assembled.
    """
    from jitvm.coverage.collecting import Collector
    from jitvm.platform import registry

    wanted = expected(path)
    platform = registry.of_file(os.fspath(path))
    program = platform.load(os.fspath(path))
    has_files = any(option.name == "sandbox" for option in platform.running)
    given: dict[str, Any] = {"sandbox": os.fspath(path.parent)} if has_files else {}
    computer: Computer = platform.computer(program, args=wanted.args, tier=tier, **given)
    collector = None if coverage is None else Collector(computer)
    try:
        _go(computer, wanted, time_limit)
    finally:
        computer.close()
        if coverage is not None and collector is not None:
            coverage.add(collector.coverage())
    differences = list(_differences(computer, wanted))
    if differences:
        raise Unexpected("\n".join(differences))


def _go(computer: Computer, wanted: Expected, time_limit: float) -> None:
    from jitvm.platform.evaluator import Ending, LimitReached

    with computer.limited(time_limit=time_limit):
        try:
            computer.boot()
            if computer.is_graphical:
                ending = computer.run_frames(wanted.frames)
            else:
                ending = computer.run_console(wanted.stdin)
        except LimitReached as reached:
            ending = reached.ending
    if ending is Ending.TIME:
        raise Unexpected(f"it did not end within {time_limit:g} seconds")
    if ending is Ending.FRAMES and wanted.exit_code is not None and not wanted.screen:
        raise Unexpected(
            f"it did not end within {wanted.frames} frames; if it need not: ( test: exit none )"
        )


def _differences(computer: Computer, wanted: Expected) -> list[str]:
    """What is not as expected."""
    found = []
    for name, is_, should in (
        ("standard output", computer.stdout, wanted.stdout),
        ("standard error", computer.stderr, wanted.stderr),
    ):
        if should is not None and is_ != should:
            found.append(f"{name} is another:\n{_difference(should, is_)}")
    if wanted.exit_code is not None and computer.exit_code != wanted.exit_code:
        found.append(f"exit code {computer.exit_code}, not {wanted.exit_code}")
        if wanted.stderr is None and computer.stderr:
            found.append(computer.stderr.decode("utf-8", "backslashreplace"))
    if wanted.screen:
        from jitvm.platform.picture import frame_hash

        is_hash = "none"
        if computer.has_screen and computer.is_graphical:
            is_hash = frame_hash(computer.screen.pixels)
        if not is_hash.startswith(wanted.screen):
            found.append(f"the screen's hash is {is_hash}, not {wanted.screen}")
    return found


def _difference(should: bytes, is_: bytes) -> str:
    """What differs, as lines of a diff."""
    first, second = (
        data.decode("utf-8", "backslashreplace").splitlines() for data in (should, is_)
    )
    lines = list(unified_diff(first, second, "expected", "written", lineterm=""))
    if not lines:
        return f"ends of lines differ: {should[-40:]!r} expected, {is_[-40:]!r} written"
    if len(lines) > LONGEST_DIFFERENCE:
        lines = [*lines[:LONGEST_DIFFERENCE], "..."]
    return "\n".join(lines)
