"""The program that is debugged, and what it is like where it stands.

    name(pc)    0x012d half+5           an address as people read it
    spell(pc)   POP, 1 byte             the instruction there
    line(pc)    half.tal, 13            where it comes from
    frames()    half+5, main/loop       who has called whom
    effects()   loads, stores, a call   what the next instruction would do, without doing it

Expressions are about it (`jitvm.debugger.expressions`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jitvm.debugger.expressions import Expression, Number
from jitvm.guest.light import cached_property
from jitvm.platform.callstacks import Frame, Walker
from jitvm.platform.probe import Effects, OpcodeKinds, probe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jitvm.debugger.history import History
    from jitvm.guest import Guest, State
    from jitvm.platform import Platform, Program


class Debuggee:
    """See the head of this file.

    Args:
        history: its run, on the computer that it is run by.

    Attributes:
        program: with its labels and lines.
        computer: what it runs on.
        value, old: what conditions of watches call so: the byte written or read, and what it was.
    """

    def __init__(self, platform: Platform, program: Program, history: History) -> None:
        self.platform = platform
        self.program = program
        self.history = history
        self.computer = history.computer
        self.machine = self.computer.machine
        self.guest: Guest = self.machine.guest
        self.kinds = OpcodeKinds(self.guest)
        self.value = self.old = 0

    # -- what expressions are about ----------------------------------------------------------

    @property
    def state(self) -> State:
        """Of the machine."""
        return self.machine.state

    @property
    def names(self) -> Mapping[str, Number]:
        """What expressions may name besides what every guest has."""
        return {
            "time": lambda: self.history.time,
            "value": lambda: self.value,
            "old": lambda: self.old,
        }

    def address_of(self, label: str) -> int | None:
        """The address of a label."""
        return self.program.address_of(label)

    def expression(self, text: str) -> Expression:
        """An expression about this program.

        Raises:
            ExpressionError: it makes no sense.
        """
        return Expression(text, self)

    # -- where it stands ---------------------------------------------------------------------

    def effects(self) -> Effects:
        """What the next instruction would do."""
        return probe(self.guest, self.state)

    def frames(self) -> list[Frame]:
        """Who has called whom, the innermost first."""
        return self._walker.frames(self.state, self.state.pc)

    @cached_property
    def _walker(self) -> Walker:
        return Walker(self.guest, self.kinds)

    def line(self, address: int | None = None) -> tuple[str, int] | None:
        """File and line of an address (default: the program counter); None if nobody knows."""
        place = self.program.place(self.state.pc if address is None else address)
        return (place.file, place.line) if place.line else None

    def name(self, address: int) -> str:
        """An address as people read it."""
        text = str(self.program.place(address))
        number = f"0x{address:04x}"
        return number if text == number else f"{number} {text}"

    def spell(self, address: int) -> tuple[str, int]:
        """The instruction at an address as text, and its bytes."""
        return self.platform.spell(self.machine.memory, address, self.program)
