"""Places in a program as users name them: addresses, labels, lines of source.

    main  main/loop+3     a label, and bytes after it
    *0x0120  *@main+1     an expression behind a star
    game.tal:12  12       a line, of the file at hand if none is named

A line stands for its first byte; one that no byte came from, for the next that has some.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from typing import TYPE_CHECKING

from jitvm.debugger.expressions import ExpressionError
from jitvm.engine.tables.names import shown
from jitvm.guest.light import cached_property

if TYPE_CHECKING:
    from jitvm.debugger.debugger import Debugger

MOST_ADDRESSES = 1 << 20
"""Addresses that are looked at for lines of source and labels."""


class Places:
    """Finds places of a debugger's program."""

    def __init__(self, debugger: Debugger) -> None:
        self._debugger = debugger

    @cached_property
    def lines(self) -> dict[str, dict[int, int]]:
        """The first address of each line that has one, by file, in order."""
        found: dict[str, dict[int, int]] = {}
        line_of = self._debugger.line
        for address in range(min(self._debugger.guest.code_space.size, MOST_ADDRESSES)):
            if (line := line_of(address)) is not None:
                found.setdefault(line[0], {}).setdefault(line[1], address)
        return {file: dict(sorted(rows.items())) for file, rows in found.items()}

    @cached_property
    def labels(self) -> list[str]:
        """All labels of the code space, in the order of their addresses."""
        labels_at = self._debugger.program.labels_at
        size = min(self._debugger.guest.code_space.size, MOST_ADDRESSES)
        return [shown(label) for address in range(size) for label in labels_at(address)]

    def file(self, name: str) -> str | None:
        """The file of the program that a name means: a path, or the end of one."""
        if name in self.lines:
            return name
        full = os.path.realpath(name)
        for file in self.lines:
            if os.path.realpath(file) == full:
                return file
        ends = [file for file in self.lines if file.endswith(f"/{name}")]
        return ends[0] if len(ends) == 1 else None

    def at_line(self, file: str, line: int) -> tuple[int, int] | None:
        """The address of a line, and the line that it really is; None if there is none."""
        rows = self.lines.get(file, {})
        numbers = list(rows)
        at = bisect_left(numbers, line)
        return (rows[numbers[at]], numbers[at]) if at < len(numbers) else None

    def address(self, text: str) -> int:
        """The address of a place.

        Raises:
            ExpressionError: there is none.
        """
        text = text.strip()
        size = self._debugger.guest.code_space.size
        if text.startswith("*"):
            return self._debugger.expression(text[1:]).value() % size
        file, _, number = text.rpartition(":")
        if number.isdecimal() and (file or text == number):
            return self._line(file, int(number))
        label, _, offset = text.partition("+")
        address = self._debugger.address_of(text)
        if address is None and offset.isdecimal():
            address = self._debugger.address_of(label)
            address = None if address is None else address + int(offset)
        if address is None:
            raise ExpressionError(
                f"there is no label {text}; name one, a line such as a.tal:12, or *ADDRESS"
            )
        return address % size

    def _line(self, name: str, line: int) -> int:
        here = self._debugger.line()
        file = self.file(name) if name else here[0] if here else next(iter(self.lines), None)
        found = None if file is None else self.at_line(file, line)
        if found is None:
            raise ExpressionError(
                f"no instruction comes from line {line}{f' of {name}' if name else ''}"
            )
        return found[0]
