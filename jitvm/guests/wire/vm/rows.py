"""Instructions of the wire VM on rows: conditions, and what is written for what is absent."""

from __future__ import annotations

from jitvm.guests.wire.vm.frames import look
from jitvm.guests.wire.vm.operands import ALL, OUTPUT, STATE, UNIT, column, row

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from jitvm.guest import Core, Word

# -- conditions on rows ---------------------------------------------------------------------------


def signed(word: Word, width: int) -> Word:
    """A number that is in the order of signed ones."""
    return word ^ (1 << 8 * width - 1)


def real(core: Core, word: Word, width: int) -> tuple[Word, Word]:
    """The same of a float, and whether it is a number."""
    sign = 1 << 8 * width - 1
    infinite = 0x7F80_0000 if width == 4 else 0x7FF0_0000_0000_0000
    magnitude = word & (sign - 1)
    negative = core.select(magnitude == 0, 0, word & sign)
    order = core.select(negative == 0, magnitude | sign, magnitude ^ (sign - 1))
    return order, magnitude <= infinite


COMPARED = {
    "eq": lambda a, b: a == b, "lt": lambda a, b: a < b, "le": lambda a, b: a <= b,
    "gt": lambda a, b: b < a, "ge": lambda a, b: b <= a,
}  # fmt: skip


def compare(op: str, kind: str, width: int, core: Core) -> None:
    """Go to a place unless a[row] compares with a number, or (turned round) where it does."""
    word = core.load(OUTPUT, core.operand(0, 4) * UNIT + row(core) * width, width)
    constant = core.operand(4, width)
    if kind == "real":
        (a, is_number), (b, is_too) = real(core, word, width), real(core, constant, width)
        holds = COMPARED[op](a, b) & is_number & is_too
    else:
        if kind == "signed":
            word, constant = signed(word, width), signed(constant, width)
        holds = COMPARED[op](word, constant)
    core.jump_if(holds == (core.operand(12, 1) & 1), core.operand(13, 4))


def present(core: Core) -> None:
    """Go to a place where a[row] is 0, a byte."""
    is_there = core.load(OUTPUT, core.operand(0, 4) * UNIT + row(core), 1)
    core.jump_if(is_there == 0, core.operand(4, 4))


def unasked(core: Core) -> None:
    """Go to a place where the host wants all rows."""
    core.jump_if(core.load(STATE, ALL, 1), core.operand(0, 4))


# -- what is absent -------------------------------------------------------------------------------


def then(core: Core) -> None:
    """Go to `slow` where the next tag is `next`; else on, to what comes behind in the chain."""
    look(core)


def absent(width: int, has_b: bool, core: Core) -> None:
    """a[row] = 0, b[row] = 0"""
    if width:
        core.store(OUTPUT, column(core, "a", row(core), width), 0, width)
    if has_b:
        core.store(OUTPUT, column(core, "b", row(core), 1), 0, 1)
    then(core)


def absent_list(core: Core) -> None:
    """A list, or bytes, of nothing: offsets b."""
    here = row(core)
    before = core.load(OUTPUT, column(core, "b", here, 4), 4)
    core.store(OUTPUT, column(core, "b", here + 1, 4), before, 4)
    then(core)


def absent_bytes(core: Core) -> None:
    """Bytes of nothing that are not there: offsets c, presence b."""
    here = row(core)
    before = core.load(OUTPUT, column(core, "c", here, 4), 4)
    core.store(OUTPUT, column(core, "c", here + 1, 4), before, 4)
    core.store(OUTPUT, column(core, "b", here, 1), 0, 1)
    then(core)


def begin_list(core: Core) -> None:
    """A list begins: its offsets b."""
    here = row(core)
    before = core.load(OUTPUT, column(core, "b", here, 4), 4)
    core.store(OUTPUT, column(core, "b", here + 1, 4), before, 4)


def which(core: Core) -> None:
    """A member of a oneof is set: a[row] = its number. Goes to `miss` where another one was."""
    at = core.operand(0, 4) * UNIT + row(core)
    number = core.operand(4, 1)
    old = core.load(OUTPUT, at, 1)
    core.store(OUTPUT, at, number, 1)
    core.jump_if((old != 0) & (old != number), core.operand(5, 4))


def is_set(core: Core) -> None:
    """Go on where the oneof a has this number, else to `miss`."""
    old = core.load(OUTPUT, core.operand(0, 4) * UNIT + row(core), 1)
    core.jump_if(old != core.operand(4, 1), core.operand(5, 4))


def clear(core: Core) -> None:
    """a[row] = 0: a byte."""
    core.store(OUTPUT, core.operand(0, 4) * UNIT + row(core), 0, 1)


def default(core: Core) -> None:
    """a[row] = a number of 4 bytes."""
    core.store(OUTPUT, core.operand(0, 4) * UNIT + row(core) * 4, core.operand(4, 4), 4)
