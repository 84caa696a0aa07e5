"""Dead store elimination: a later store in the block overwrites these before anything sees them.

    store[0,2,65536] #300, %1        removed
    %3 = load[0,1,65536] #40         another place
    store[0,2,65536] #300, %2

Only constant addresses count. Between the two there may be no way out of the graph, no device, and
no load that may see the bytes: a load at a computed address of the same space may see any.
"""

from __future__ import annotations

from jitvm.engine.ir.graph import Block, Graph, Value
from jitvm.engine.ir.ops import READS_MEMORY, Op

Byte = tuple[int, int]
"""A space and an address in it."""

_OPAQUE = READS_MEMORY - {Op.LOAD}


def remove_overwritten_stores(graph: Graph) -> None:
    """Walk each block backwards with the bytes that are sure to be overwritten unseen."""
    for block in graph.blocks:
        _sweep(block)


def _sweep(block: Block) -> None:
    kept: list[Value] = []
    overwritten: set[Byte] = set()
    for value in reversed(block.values):
        if value.exit is not None or value.op in _OPAQUE:
            overwritten.clear()
        elif value.op is Op.STORE:
            touched = _bytes(value)
            if touched and touched <= overwritten:
                continue
            overwritten |= touched
        elif value.op is Op.LOAD and overwritten:
            touched = _bytes(value)
            space = value.imm[0]
            overwritten = {byte for byte in overwritten if touched and byte not in touched} | {
                byte for byte in overwritten if byte[0] != space
            }
        kept.append(value)
    kept.reverse()
    block.values = kept


def _bytes(value: Value) -> set[Byte]:
    """The bytes a load or store touches; none if its address is computed."""
    space, size, within = value.imm
    constant = value.args[0].constant
    if constant is None:
        return set()
    return {(space, (constant + i) % within) for i in range(size)}
