"""Descriptions of bytecodes: state, opcodes, and the reference interpreter."""

from jitvm.guest.description import Guest
from jitvm.guest.parts import DescriptionError, Opcode, Space, Stack
from jitvm.guest.state import Ports, State, Stop

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from jitvm.guest.core import Core, Word
    from jitvm.guest.reference import ReferenceInterpreter

__all__ = [
    "Core",
    "DescriptionError",
    "Guest",
    "Opcode",
    "Ports",
    "ReferenceInterpreter",
    "Space",
    "Stack",
    "State",
    "Stop",
    "Word",
]


if not TYPE_CHECKING:  # to a type checker it would say that any name exists

    def __getattr__(name: str) -> object:
        """Import what not every start needs."""
        if name in ("Core", "Word"):
            from jitvm.guest import core

            return getattr(core, name)
        if name == "ReferenceInterpreter":
            from jitvm.guest.reference import ReferenceInterpreter

            return ReferenceInterpreter
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
