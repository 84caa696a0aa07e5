"""Instructions for what conditions ask of messages, and for oneofs that are watched: they note it
in cells, which are UNIT bytes of STATE each: the value, and whether there is one."""

from __future__ import annotations

from jitvm.guests.wire.project.operands import INPUT, PRESENT, STATE, UNIT, operand
from jitvm.guests.wire.vm.operands import M32, M64, cursor, size
from jitvm.guests.wire.vm.rows import COMPARED, real, signed
from jitvm.guests.wire.vm.values import ten, zigzag, zigzag32

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from collections.abc import Callable

    from jitvm.guest import Core, Word


def _place(core: Core) -> Word:
    """The cell of an instruction."""
    return core.operand(0, 4) * UNIT


def clear(core: Core) -> None:
    """There is nothing in a cell."""
    at = _place(core)
    core.store(STATE, at, 0, 8)
    core.store(STATE, at + PRESENT, 0, 1)


def there(core: Core) -> None:
    """A message is there; what value is in its cell stays."""
    core.store(STATE, _place(core) + PRESENT, 1, 1)


VARINTS: dict[str, Callable[[Core, Word], Word]] = {
    "bool": lambda _, word: word != 0,
    "int32": lambda core, word: core.signed(word, 4) & M64,
    "uint32": lambda _, word: word & M32,
    "int64": lambda _, word: word,
    "sint32": lambda core, word: core.signed(zigzag32(word), 4) & M64,
    "sint64": lambda _, word: zigzag(word),
}
"""What a varint is as a number of 64 bits."""


def take(kind: str, core: Core) -> None:
    """Note the value at the cursor in a: as a number of 64 bits, or a float as it is."""
    at = cursor(core) + size(core)
    place = operand(core, "a") * UNIT
    if kind in ("fixed32", "fixed64", "sfixed32"):
        value = core.load(INPUT, at, 8 if kind == "fixed64" else 4)
        value = core.signed(value, 4) & M64 if kind == "sfixed32" else value
        core.store(STATE, place, value, 8)
        core.store(STATE, place + PRESENT, 1, 1)
        return
    _, value, _, _ = ten(core, at)
    core.store(STATE, place, VARINTS[kind](core, value), 8)
    core.store(STATE, place + PRESENT, 1, 1)


TAKEN = (*VARINTS, "fixed32", "sfixed32", "fixed64")


def present(core: Core) -> None:
    """Go to a place where there is nothing in a cell."""
    core.jump_if(core.load(STATE, _place(core) + PRESENT, 1) == 0, core.operand(4, 4))


def watch(core: Core) -> None:
    """A member of a oneof comes: to a place where another one came before."""
    at, number = _place(core), core.operand(4, 2)
    old = core.load(STATE, at, 2)
    core.store(STATE, at, number, 2)
    core.jump_if((old != 0) & (old != number), core.operand(6, 4))


ORDERS = ("unsigned", "signed", "real32", "real64")


def compare(op: str, order: str, core: Core) -> None:
    """Go to a place unless the value in a cell compares with a number, or (turned round) where it
    does."""
    value, constant = core.load(STATE, _place(core), 8), core.operand(4, 8)
    if order.startswith("real"):
        width = 4 if order == "real32" else 8
        (a, is_number), (b, is_too) = real(core, value, width), real(core, constant, width)
        holds = COMPARED[op](a, b) & is_number & is_too
    elif order == "signed":
        holds = COMPARED[op](signed(value, 8), signed(constant, 8))
    else:
        holds = COMPARED[op](value, constant)
    core.jump_if(holds == (core.operand(12, 1) & 1), core.operand(13, 4))
