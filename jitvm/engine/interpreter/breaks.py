"""Stubs of machines that stop at some instructions: they look before each one that is interpreted.

    break                            returns: the entry of opcodes to stop at
    count, charge, profile, record   as those of every interpreter, but a byte of the code map that
                                     has BREAK at the program counter makes them return

Places may have conditions, which the stubs of one machine then decide (`filters`).

They are made when the first machine of a guest is told to stop somewhere, and take the place of the
other stubs in this machine's own tables. So a machine that stops nowhere pays nothing, and one
that does pays where it interprets: no region goes past an instruction to stop at
(`jitvm.engine.region.attempt`), so compiled code is as it was.

An order that all tiers share: no budget left, then a place to stop at, then the instruction.
"""

from __future__ import annotations

from jitvm.engine.codegen.emitter import Emitter
from jitvm.engine.interpreter.filters import lower
from jitvm.engine.interpreter.stubs import STUBS, Stubs, StubSource, shared
from jitvm.engine.memory.layout import BREAK
from jitvm.engine.tables.status import Status
from jitvm.guest import Guest

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from collections.abc import Mapping

    from jitvm.engine.interpreter.filters import Filter
    from jitvm.engine.memory.cache import CodeCache

_NAMES = ("break", *STUBS)


class BreakSource(StubSource):
    """LLVM text of the stubs."""

    def __init__(self, guest: Guest, filters: Mapping[int, Filter] | None = None) -> None:
        super().__init__(guest)
        self._filters = filters or {}

    def _look(self, e: Emitter) -> None:
        """Return if the byte of the code map says so."""
        marks = e.load("i8", e.at("%pc", e.at(self.layout.code_map)), "map")
        is_marked = e.let(f"icmp ne i8 {e.let(f'and i8 {marks}, {BREAK}')}, 0")
        e.do(f"br i1 {is_marked}, label %broken, label %unbroken, !prof !91")
        e.label("broken")
        if self._filters:
            cases = " ".join(f"i64 {at}, label %at{at}" for at in self._filters)
            e.do(f"switch i64 %pc, label %stop [{cases}]")
            for at, tree in self._filters.items():
                e.label(f"at{at}")
                holds = e.let(f"icmp ne i64 {lower(e, tree)}, 0")
                e.do(f"br i1 {holds}, label %stop, label %unbroken")
            e.label("stop")
        e.save("%pc", self.prototype.own_stacks(), Status.BREAK)
        e.label("unbroken")

    def names(self) -> tuple[str, ...]:
        """See `StubSource`."""
        return _NAMES

    def write(self) -> None:
        """See `StubSource`."""
        self._count()
        self._profile()
        self._record()
        self._returning("break", Status.BREAK)


class BreakStubs(Stubs):
    """Installed stubs."""

    def tables(self, opcodes: frozenset[int]) -> dict[str, bytes]:
        """The tables of `STUBS` as 256 pointers, for machines that stop at these opcodes."""
        return {
            name: self.table("break" if opcode in opcodes else name for opcode in range(256))
            for name in STUBS
        }


def filtering_stubs(guest: Guest, filters: Mapping[int, Filter]) -> BreakStubs:
    """Stubs that decide conditions of some places, for one machine.

    Raises:
        NativeError, ImportError, OSError, ArenaFull: as `handlers_for`.
    """
    return BreakStubs(BreakSource(guest, filters).compiled())


def break_stubs(guest: Guest, cache: CodeCache | None, key: str | None) -> BreakStubs:
    """The stubs of a guest; see `jitvm.engine.interpreter.stubs.shared`."""
    return shared("breaks", guest, BreakStubs, lambda: BreakSource(guest), cache, key)
