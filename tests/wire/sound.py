"""What holds for the instructions of either half of the wire VM."""

from __future__ import annotations

from collections.abc import Collection

from jitvm.engine.interpreter.cores import fast_graph, full_graph
from jitvm.engine.ir.verify import verify
from jitvm.guest import Guest


def all_are_sound(made: Guest, numbers: Collection[str]) -> None:
    """There is an opcode for each, and its graphs keep the rules."""
    assert len(numbers) <= 256
    made.check_semantics()
    for row in made.opcodes[: len(numbers)]:
        for graph in (fast_graph(made, row, checked=True), full_graph(made, row)):
            verify(graph, made)
