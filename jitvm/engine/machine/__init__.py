"""Machines: their tiers, what watches them, and how to inspect them."""

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from jitvm.engine.machine.machine import Machine, Snapshot, Tier

__all__ = ["Machine", "Snapshot", "Tier"]


def __getattr__(name: str) -> object:
    """The classes themselves, when they are first asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    from jitvm.engine.machine import machine

    return getattr(machine, name)
