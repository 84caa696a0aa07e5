"""Tables of what lowers each operation, filled by the methods themselves."""

from __future__ import annotations

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from jitvm.engine.ir.graph import Value
    from jitvm.engine.ir.ops import Op

    Lowerings = dict[Op, Callable[[Any, Value], Any]]
    """What lowers each operation; what it gives is up to the lowering."""
    L = TypeVar("L", bound=Callable[[Any, Value], Any])


def lowers(table: Lowerings, *ops: Op) -> Callable[[L], L]:
    """Put a method into the table of its class: it lowers these operations."""

    def put(method: L) -> L:
        table.update(dict.fromkeys(ops, method))
        return method

    return put
