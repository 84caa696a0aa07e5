"""Command lines: options and their numbers."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

from jitvm.cli import options
from jitvm.cli.commands import COMMANDS, find
from jitvm.cli.exits import Failure
from jitvm.guests.uxn.platform import PLATFORM
from jitvm.platform import Program
from jitvm.profiling.explanation import find as find_address
from tests.fuzz.inputs.targets.target import Target, text_of

_LINES = (
    b"run\n--headless\n--frames\n5\n--scale\n2\n--time-limit\n1.5\n-O\nhot=3\na.rom\n--\n-x",
    b"run\n--max-instructions\n100\n--clock\n2024-02-29T12:00\n--record\na.gif\na.rom",
    b"profile\n--top\n5\n--exact\n--frames\n3\na.rom",
    b"dashboard\n--port\n8080\n--time-limit\n2\n--paused\na.rom",
    b"top\n--time-limit\n2\na.rom",
    b"explain\na.rom\n0x0100",
    b"asm\n-o\na.rom\na.tal",
    b"dis\n--addresses\na.rom",
)


def _arguments(data: bytes, _: Path) -> None:
    """The name of a command and its arguments, a line each; parsed, and their values read."""
    name, *words = text_of(data).split("\n")
    command = find(name) or COMMANDS[0]
    with contextlib.redirect_stdout(io.StringIO()):
        found = command.parser().parse_command(words)
    options.parameters(getattr(found, "parameters", []))
    if name == "explain" and found.address is not None:
        with contextlib.suppress(ValueError):
            find_address(Program(b"", "a.rom"), PLATFORM, found.address)


COMMAND_LINES = {
    "arguments": Target(
        lambda: _LINES, _arguments, (Failure, SystemExit),  # type: ignore[arg-type]
        words=(
            b"\n--frames\n", b"\n--scale\n", b"\n--time-limit\n", b"\n--max-instructions\n",
            b"\n--clock\n", b"\n--port\n", b"\n--top\n", b"\n-O\n", b"hot=", b"\n--", b"1e8",
            b"nan", b"inf", b"1_0", b"\xd9\xa5", b"2024-02-30T25:61", b"\n--tier\n", b"\n--help\n",
        ),
    ),
}  # fmt: skip
"""By name."""
