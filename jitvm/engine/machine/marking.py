"""What a native machine marks: see `jitvm.guest.marks` and `jitvm.engine.interpreter.marking`.

The tier that runs the machine asks; nothing here enters native code.
"""

from __future__ import annotations

from jitvm.engine.host.foreign import address_of_bytes
from jitvm.engine.interpreter.marking import mark_stubs
from jitvm.guest.marks import Marks

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from jitvm.engine.memory.block import Block
    from jitvm.engine.memory.cache import CodeCache


class Marking:
    """The marking of one machine.

    Args:
        block: its memory.
        marks: where it goes.
        cache: where the stubs are kept between runs.
        key: what the guest's interpreter was made from.

    Attributes:
        tables: dispatch tables, in the place of others.
    """

    def __init__(
        self, block: Block, marks: Marks, cache: CodeCache | None, key: str | None
    ) -> None:
        layout = block.layout
        self.marks = marks
        self._stubs = mark_stubs(layout.guest, cache, key)
        self.tables = self._stubs.tables
        self._address, self._pinned = address_of_bytes(marks.cells)
        self._nothing = self._address + len(marks.cells) - 1
        self._mask = layout.size - 1
        self._memory = block.view(0, layout.size)
        self._lengths = layout.guest.lengths
        self._going = block.words(layout.fields["going"], 1)
        self._following = block.words(layout.fields["following"], 1)
        block.words(layout.fields["marks"], 1)[0] = self._address
        self.begin_anew()

    def begin_anew(self) -> None:
        """Nothing was executed before the next instruction."""
        self._going[0] = self._nothing

    def settle(self, pc: int) -> None:
        """Native code came back: mark which way its last instruction went."""
        at = self._going[0] - self._address
        self.marks.goes(at, on=pc == self._following[0])
        self.begin_anew()

    def steps(self, pc: int) -> None:
        """An instruction is executed by itself, without a stub."""
        opcode = self._memory[pc]
        self.marks.executes(pc, opcode)
        if opcode in self.marks.branches:
            self._going[0] = self._address + pc
        self._following[0] = (pc + self._lengths[opcode]) & self._mask
