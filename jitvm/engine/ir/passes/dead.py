"""Dead code elimination: values and parameters that nothing observable depends on are removed.

Effects, guards, branch conditions, and what exits restore are observable. Everything else is kept
only if something that is kept uses it; a parameter keeps its arguments alive only if it is kept
itself, so values that merely travel around a loop are removed.
"""

from __future__ import annotations

from jitvm.engine.ir.graph import Branch, Goto, Graph, Value
from jitvm.engine.ir.ops import EFFECTS, Op
from jitvm.engine.ir.passes.params import exits_of


def remove_dead(graph: Graph) -> None:
    """Keep what is observable and what it needs."""
    sources = _arguments(graph)
    alive: set[Value] = set()
    todo = _roots(graph)
    while todo:
        value = todo.pop()
        if value in alive:
            continue
        alive.add(value)
        todo.extend(value.args)
        if value.op is Op.PARAM:
            todo.extend(sources.get(value, ()))
    for block in graph.blocks:
        for goto in block.targets():
            goto.args = [
                arg
                for param, arg in zip(goto.block.params, goto.args, strict=True)
                if param in alive
            ]
    for block in graph.blocks:
        block.params = [param for param in block.params if param in alive]
        block.values = [value for value in block.values if value in alive]


def _arguments(graph: Graph) -> dict[Value, list[Value]]:
    """What edges pass for each parameter."""
    sources: dict[Value, list[Value]] = {}
    for block in graph.blocks:
        for goto in block.targets():
            assert isinstance(goto, Goto)
            for param, arg in zip(goto.block.params, goto.args, strict=True):
                sources.setdefault(param, []).append(arg)
    return sources


def _roots(graph: Graph) -> list[Value]:
    roots: list[Value] = []
    for exit_ in exits_of(graph):
        roots.append(exit_.pc)
        roots.extend(word for _, _, _, word in exit_.slots)
        roots.extend(p for p in exit_.pointers if isinstance(p, Value))
    for block in graph.blocks:
        roots.extend(value for value in block.values if value.op in EFFECTS)
        if isinstance(block.end, Branch):
            roots.append(block.end.condition)
    return roots
