"""What is written when a graph is left, and marked when a guard fails, however it is lowered."""

from __future__ import annotations

from jitvm.engine.ir.graph import Block, Exit, Slot, Value
from jitvm.engine.ir.ops import Op
from jitvm.engine.tables.reasons import Reason

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterable


class HeldSlots:
    """Stack slots that memory has held since a graph was entered: no exit need write them.

    Args:
        blocks: of the graph.
        stacks: how many the guest has.
    """

    def __init__(self, blocks: Iterable[Block], stacks: int) -> None:
        self._written: list[set[int]] = [set() for _ in range(stacks)]
        for block in blocks:
            for value in block.values:
                if value.op is Op.SYNC and value.exit is not None:
                    for index, offset, size, _ in value.exit.slots:
                        self._written[index].update(range(offset - 7, offset + size))

    def changed(self, exit_: Exit) -> list[Slot]:
        """What an exit has to write."""
        return [slot for slot in exit_.slots if not self._holds(slot)]

    def _holds(self, slot: Slot) -> bool:
        """Whether memory has what it had, and no `sync` writes there on the way."""
        index, offset, size, word = slot
        same = word.op is Op.SLOT and word.imm == (index, offset, size)
        return same and offset not in self._written[index]


def map_look(value: Value) -> Value | None:
    """The look at the code map by which a guard finds that a store would hit something; None if it
    is no such guard."""
    if value.op is not Op.GUARD or value.exit is None or value.exit.reason != Reason.STORE.name:
        return None
    todo = list(value.args)
    while todo:
        found = todo.pop()
        if found.op is Op.MAP:
            return found
        todo.extend(found.args)
    return None
