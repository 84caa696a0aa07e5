"""Passes over region IR; each is one function `Graph -> None` in a file of its own.

    params   parameters that always get the same value are replaced by it
    blocks   straight-line runs of blocks are merged
    fold     operations are rebuilt, equal ones shared, branches on constants folded
    guards   guards and branches that earlier ones decide are removed
    arms     unpredictable branches become selects (if-conversion)
    unroll   counted loops run several rounds per check
    stores   stores that are overwritten unseen are removed
    dead     what nothing observable needs is removed

Each is linear in the size of the graph (some microseconds per value) and leaves it valid; golden
tests are in ``tests/ir/passes``.
"""

from __future__ import annotations

from _collections_abc import Callable

from jitvm.engine.host.background import BACKGROUND
from jitvm.engine.ir.graph import Graph
from jitvm.engine.ir.passes.arms import select_arms
from jitvm.engine.ir.passes.blocks import merge_blocks
from jitvm.engine.ir.passes.dead import remove_dead
from jitvm.engine.ir.passes.fold import fold
from jitvm.engine.ir.passes.guards import remove_known_guards
from jitvm.engine.ir.passes.params import remove_trivial_params
from jitvm.engine.ir.passes.stores import remove_overwritten_stores
from jitvm.engine.ir.passes.unroll import unroll_counted

Pass = Callable[[Graph], None]

PASSES: dict[str, Pass] = {
    "params": remove_trivial_params,
    "blocks": merge_blocks,
    "fold": fold,
    "guards": remove_known_guards,
    "arms": select_arms,
    "unroll": unroll_counted,
    "stores": remove_overwritten_stores,
    "dead": remove_dead,
}
"""All passes by name, in the order that needs no repetition."""
_GROWING = frozenset({"unroll"})


def optimise(graph: Graph, *, quick: bool = False) -> None:
    """Everything; `quick` leaves out what makes a graph larger."""
    for name, run in PASSES.items():
        if not quick or name not in _GROWING:
            BACKGROUND.step()
            run(graph)
