"""Stubs of machines that mark what they execute: see `jitvm.guest.marks`.

    count, charge, profile, record   as those of every interpreter, and they mark

Each comes in several variants, by what instructions have in common that it is called for: their
length, and whether they are branches. They are made when the first machine of a guest is told to
mark, and take the place of the other stubs in this machine's own tables; no other machine pays.

A stub first marks which way the instruction before went, which only now is known:

    "going"      address of that instruction's byte of marks; of one of no meaning if it is no
                 branch, or if a region was executed meanwhile
    "following"  the address behind that instruction

Handlers that go through the code table with a jump would enter a region without a stub seeing
where they went. So these stubs go on to handlers that do not, and `charge` enters regions itself:
where control arrives by a jump, it marks, takes note that it has, and goes through the code
table. If there is nothing compiled, that leads back to it.

Regions mark nothing. They have only what was marked when they were formed, and leave before
all else (`jitvm.engine.region.attempt`).
"""

from __future__ import annotations

from functools import partial

from jitvm.engine.codegen.emitter import Emitter
from jitvm.engine.interpreter.stubs import STUBS, Stubs, StubSource, shared
from jitvm.guest import Guest
from jitvm.guest.marks import EXECUTED, JUMPED, WENT_ON, branches

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from jitvm.engine.memory.cache import CachedCode, CodeCache


def _suffix(length: int, *, is_branch: bool) -> str:
    return f"_{length}b" if is_branch else f"_{length}"


def variants(guest: Guest) -> list[str]:
    """For each opcode the end of the name of its stubs."""
    all_branches = branches(guest)
    return [_suffix(row.length, is_branch=row.code in all_branches) for row in guest.opcodes]


class MarkSource(StubSource):
    """LLVM text of the stubs."""

    def __init__(self, guest: Guest) -> None:
        super().__init__(guest)
        self._length, self._is_branch = 1, False

    # -- parts of stubs ----------------------------------------------------------------------

    def _mark(self, e: Emitter, address: str, bits: int) -> None:
        old = e.load("i8", address, "private")
        e.store("i8", e.let(f"or i8 {old}, {bits}"), address, "private")

    def _nothing(self, e: Emitter, marks: str) -> str:
        """The address of the byte of marks that has no meaning."""
        return e.at(self.layout.size + 256, marks)

    def _arrive(self, e: Emitter, *, enters: bool) -> None:
        """Mark which way the instruction before went; if it jumped, perhaps enter a region."""
        marks = e.load("ptr", e.field("marks"), "context", 8)
        going = e.load("ptr", e.field("going"), "context", 8)
        following = e.load("i64", e.field("following"), "context", 8)
        on = e.let(f"icmp eq i64 %pc, {following}")
        e.do(f"br i1 {on}, label %on, label %jumped")
        e.label("jumped")
        self._mark(e, going, JUMPED)
        e.store("ptr", self._nothing(e, marks), e.field("going"), "context", 8)
        e.store("i64", "%pc", e.field("following"), "context", 8)
        if enters:
            e.enter_code("%pc", self.prototype.own_stacks())
        else:
            e.do("br label %arrived")
        e.label("on")
        self._mark(e, going, WENT_ON)
        e.do("br label %arrived")
        e.label("arrived")

    def _look(self, e: Emitter) -> None:
        """The instruction is executed: mark it, and have the next stub tell where it went."""
        marks = e.load("ptr", e.field("marks"), "context", 8)
        here = e.at("%pc", marks)
        self._mark(e, here, EXECUTED)
        opcodes = e.at(self.layout.size, marks)
        e.store("i8", str(EXECUTED), e.at(self._opcode(e), opcodes), "private")
        going = here if self._is_branch else self._nothing(e, marks)
        e.store("ptr", going, e.field("going"), "context", 8)
        following = e.let(f"add i64 %pc, {self._length}")
        following = e.let(f"and i64 {following}, {self.layout.size - 1}")
        e.store("i64", following, e.field("following"), "context", 8)

    def _begun(self, name: str) -> Emitter:
        e = Emitter(self.layout)
        self._arrive(e, enters=name == "charge")
        return e

    def _stub(self, name: str, emitter: Emitter) -> None:
        super()._stub(name + _suffix(self._length, is_branch=self._is_branch), emitter)

    # -- module ------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """See `StubSource`."""
        return [name + end for name in STUBS for end in sorted(set(variants(self.guest)))]

    def write(self) -> None:
        """See `StubSource`."""
        all_branches = branches(self.guest)
        kinds = {(row.length, row.code in all_branches) for row in self.guest.opcodes}
        for length, is_branch in sorted(kinds):
            self._length, self._is_branch = length, is_branch
            self._count("checked")
            self._profile()
            self._record()


class MarkStubs(Stubs):
    """Installed stubs.

    Attributes:
        tables: those of `STUBS`, as 256 pointers.
    """

    def __init__(self, guest: Guest, code: CachedCode) -> None:
        super().__init__(code)
        ends = variants(guest)
        self.tables = {name: self.table(name + end for end in ends) for name in STUBS}


def mark_stubs(guest: Guest, cache: CodeCache | None, key: str | None) -> MarkStubs:
    """The stubs of a guest; see `jitvm.engine.interpreter.stubs.shared`."""
    make = partial(MarkStubs, guest)
    return shared("marks", guest, make, lambda: MarkSource(guest), cache, key)
