"""What a command line may go on with: commands, labels, registers, opcodes.

    completed("br", names)            ["break"]
    completed("break ma", names)      ["break main", "break main/loop"]
    completed("print @ma", names)     ["print @main", "print @main/loop"]

A command's row says what follows it (`jitvm.debugger.commands.TABLE`): places are labels, in
expressions they have an @.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jitvm.debugger.commands import BY_NAME, TABLE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jitvm.debugger.commands import Commands

_WORD = re.compile(r"""[^\s()\[\],;"]*$""")
"""What is being written: all that a label may hold."""
_INFO = ("breakpoints", "history", "ports", "registers", "stacks")


@dataclass(frozen=True, slots=True)
class Names:
    """What there is to name in a program."""

    labels: tuple[str, ...]
    registers: tuple[str, ...]
    opcodes: tuple[str, ...]


def names_of(commands: Commands) -> Names:
    """The names of a debugger's program."""
    guest = commands.debugger.guest
    registers = ["op", "pc", "time", *(["port"] if guest.ports else [])]
    registers += [stack.name for stack in guest.stacks]
    registers += [space.name for space in guest.spaces]
    return Names(
        tuple(commands.places.labels),
        tuple(sorted(registers)),
        tuple(sorted({row.name for row in guest.opcodes if row.name})),
    )


def completed(line: str, names: Names) -> list[str]:
    """Lines that begin as one does."""
    found = _WORD.search(line)
    word = found[0] if found else ""
    head, begun = line[: len(line) - len(word)], line.lstrip()
    if not head.strip():
        words = [each for row in TABLE for each in row.names.split()[:1]]
        return [head + each for each in _beginning(words, begun)] if begun else []
    row = BY_NAME.get(begun.split(None, 1)[0])
    if row is None or not word:
        return []
    return [head + each for each in _beginning(_words(row.arguments, row.method, names), word)]


def _words(arguments: str, method: str, names: Names) -> Iterable[str]:
    """What may come in a command's arguments."""
    if method == "do_info":
        return _INFO
    if method == "do_help":
        return [row.names.split()[0] for row in TABLE]
    words: list[str] = []
    if "NAME" in arguments:
        words += names.opcodes
    if "PLACE" in arguments or "MEMORY" in arguments:
        words += names.labels
    if "EXPR" in arguments or "PLACE" in arguments or "TIME" in arguments or "MEMORY" in arguments:
        words += [*names.registers, *(f"@{label}" for label in names.labels)]
    return words


def _beginning(words: Iterable[str], begin: str) -> list[str]:
    """Those that begin so, without regard to case where nothing else does."""
    exact = [word for word in words if word.startswith(begin)]
    return exact or [word for word in words if word.lower().startswith(begin.lower())]


def shared(lines: list[str]) -> str:
    """What all of some lines begin with."""
    first, last = min(lines), max(lines)
    same = 0
    while same < min(len(first), len(last)) and first[same] == last[same]:
        same += 1
    return first[:same]
