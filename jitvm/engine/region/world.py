"""What a region is formed from, and what it is made under.

These are known of regions that earlier runs have made as well, so nothing here needs to know how
one is formed.
"""

from __future__ import annotations

from jitvm.engine.tables.struct import Struct, fresh

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    Copy = bytes | bytearray | memoryview[int]


class Assumptions(Struct):
    """What a region was made under; the machine throws it away when one of them breaks.

    Attributes:
        code: addresses of bytes baked into it, with their values.
        cells: addresses of bytes it keeps in values.
        stores: addresses it writes without looking at the code map.
    """

    code: dict[int, int] = fresh(dict)
    cells: set[int] = fresh(set)
    stores: set[int] = fresh(set)


class Written:
    """Addresses that the guest was seen to write, never all listed: a guest may write megabytes
    while it is recorded, of which a region asks for some hundred bytes.

    Args:
        addresses: some of them.
        copies: pairs of copies of the code space, each of another moment: addresses where they
            differ are the others. Numbers of cells beyond it are none.
    """

    __slots__ = ("_addresses", "_copies")

    def __init__(
        self, addresses: Iterable[int] = (), copies: tuple[tuple[Copy, Copy], ...] = ()
    ) -> None:
        self._addresses = frozenset(addresses)
        self._copies = copies

    # Asked a hundred thousand times of a large region, so plain loops: a generator takes five times
    # as long.

    def __contains__(self, at: int) -> bool:
        if at in self._addresses:
            return True
        for then, now in self._copies:  # noqa: SIM110
            if at < len(then) and then[at] != now[at]:
                return True
        return False

    def __or__(self, addresses: Iterable[int]) -> Written:
        return Written(self._addresses.union(addresses), self._copies)

    def and_since(self, before: Copy, after: Copy) -> Written:
        """These, and those where two more copies of memory differ."""
        return Written(self._addresses, (*self._copies, (before, after)))

    def among(self, addresses: Iterable[int]) -> set[int]:
        """Which of some addresses are written."""
        return {at for at in addresses if at in self}

    def isdisjoint(self, addresses: Collection[int]) -> bool:
        """Whether none of some addresses is written."""
        if not self._addresses.isdisjoint(addresses):
            return False
        for then, now in self._copies:
            size = len(then)
            for at in addresses:
                if at < size and then[at] != now[at]:
                    return False
        return True


NOTHING_WRITTEN = Written()


class World(Struct, frozen=True):
    """What forming a region may know of the machine, copied when it begins.

    Attributes:
        memory: the code space.
        written: what the guest has been seen to write: these bytes are not baked in.
        watched: addresses some installed region has baked in.
        aliased: addresses that stores through computed addresses hit: no cells.
        readers, writers: ports that a device has functions for.
        collected: ports whose output only gathers in the ring.
        quiet: ports whose device looks at memory and ports only, and changes nothing but ports.
        epoch: changes whenever a port is connected.
        charging: instructions are counted.
        breaks, break_opcodes: addresses and opcodes of instructions that are left for the
            interpreter, which stops before them.
        marks: what was executed (`jitvm.guest.marks`), where that is marked: the rest is left for
            the interpreter, which does so.
    """

    memory: bytes
    written: Written = NOTHING_WRITTEN
    watched: frozenset[int] = frozenset()
    aliased: frozenset[int] = frozenset()
    readers: frozenset[int] = frozenset()
    writers: frozenset[int] = frozenset()
    collected: frozenset[int] = frozenset()
    quiet: frozenset[int] = frozenset()
    epoch: int = 0
    charging: bool = False
    breaks: frozenset[int] = frozenset()
    break_opcodes: frozenset[int] = frozenset()
    marks: bytes | None = None

    def is_broken(self, pc: int) -> bool:
        """Whether the instruction at an address is one to stop at."""
        return pc in self.breaks or (
            bool(self.break_opcodes) and self.memory[pc] in self.break_opcodes
        )

    def is_new(self, pc: int) -> bool:
        """Whether an instruction is yet to be marked."""
        return self.marks is not None and not self.marks[pc]

    def is_new_opcode(self, opcode: int) -> bool:
        """Whether an opcode is."""
        return self.marks is not None and not self.marks[len(self.memory) + opcode]

    def is_new_way(self, pc: int, *, jumps: bool) -> bool:
        """Whether a way of the branch at an address is: jumping, or going on."""
        if self.marks is None:
            return False
        from jitvm.guest.marks import JUMPED, WENT_ON

        return not self.marks[pc] & (JUMPED if jumps else WENT_ON)

    def has_new_way(self, pc: int) -> bool:
        """Whether one of the two is."""
        return self.is_new_way(pc, jumps=False) or self.is_new_way(pc, jumps=True)


Headroom = tuple[tuple[int, int], ...]
"""For each stack, bytes below and above the pointer at entry that are sure not to wrap."""
