"""The instructions of one family of formats: those that all records have, and its own.

    Dialect("wire-records-der", own, ...)
      ├ guest(16, 32)     a VM, for programs and columns of so many bits of addresses
      ├ instructions      what programs are written with
      └ fault(step)       what is wrong where one of its own could not read

A format brings a dialect where values lie in a way that nobody has met before; so one that is not
used costs nothing, and the 256 opcodes of a VM are enough for each.
"""

from __future__ import annotations

from jitvm.guest.light import cached_property
from jitvm.guests.wire.records.operands import OPERANDS
from jitvm.guests.wire.vm.described import decoding_guest
from jitvm.guests.wire.vm.frames import fail
from jitvm.guests.wire.writer import Instructions

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable

    from jitvm.guest import Guest
    from jitvm.guests.wire.faults import Fault
    from jitvm.guests.wire.vm.described import Meaning

    Table = dict[str, tuple[Meaning, int]]
    """Functions of instructions, and bytes of their operands, by name."""


class Step:
    """An instruction that could not read.

    Attributes:
        name: its.
        operands: its, by name.
        data: the record.
        at: where it was.
        end: where what is around it ends.
    """

    __slots__ = ("at", "data", "end", "name", "operands")

    def __init__(
        self, name: str, operands: dict[str, int], data: memoryview, at: int, end: int
    ) -> None:
        self.name = name
        self.operands = operands
        self.data = data
        self.at = at
        self.end = end


class Dialect:
    """The instructions of a family of formats.

    Args:
        name: of its VM.
        common: makes what all have, its own and those of others.
        own: makes its own.
        sources: files that say what they do.
        fault: what is wrong where one of its own could not read, and at which byte.
        texts: how names of those begin that read strings.
        going: names of those that may go to `miss`.
    """

    def __init__(
        self,
        name: str,
        common: Callable[[], Table],
        own: Callable[[], Table],
        sources: tuple[str, ...],
        fault: Callable[[Step], tuple[Fault, int]],
        *,
        texts: tuple[str, ...],
        going: tuple[str, ...],
    ) -> None:
        self.name = name
        self._common = common
        self._own = own
        self._sources = sources
        self.fault = fault
        self.texts = texts
        self.going = frozenset(going)
        self._guests: dict[tuple[int, int], Guest] = {}

    @cached_property
    def own(self) -> Table:
        """What only its formats have."""
        return self._own()

    @cached_property
    def table(self) -> Table:
        """All there are, in the order of opcodes."""
        return {**self._common(), **self.own}

    @cached_property
    def instructions(self) -> Instructions:
        """What programs are written with."""
        numbers = {name: number for number, name in enumerate(self.table)}
        lengths = {name: 1 + count for name, (_, count) in self.table.items()}
        return Instructions(numbers, lengths, OPERANDS)

    def guest(self, pc_bits: int = 16, output: int = 32) -> Guest:
        """The VM, for programs and outputs of so many bytes (powers of two)."""
        bits = pc_bits, output
        if (found := self._guests.get(bits)) is not None:
            return found
        made = decoding_guest(self.name, self.table, fail, bits, self._sources)
        return self._guests.setdefault(bits, made)
