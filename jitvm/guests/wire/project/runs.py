"""Instructions that go past fields, and copy those that are kept: as many as lie side by side at
once."""

from __future__ import annotations

from jitvm.guests.wire.project.operands import (
    FRAMES,
    INPUT,
    M32,
    OUTPUT,
    cut,
    cut_again,
    operand,
)
from jitvm.guests.wire.vm.operands import HIGH, again, cursor, go_on, size
from jitvm.guests.wire.vm.values import a_length, ten

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from collections.abc import Callable

    from jitvm.guest import Core, Word

    Passed = tuple[Word, Word, Word]
    """Whether a value is as it was expected, where it ends, and what follows."""

# -- values, of which nothing but their end is known ----------------------------------------------


def few(count: int, core: Core) -> Passed:
    """A varint of so many bytes, one or two."""
    at = cursor(core) + size(core)
    word = core.load(INPUT, at, 8)
    mask, wanted = (0x80, 0) if count == 1 else (0x8080, 0x80)
    return (word & mask) == wanted, (at + count) & M32, (word >> 8 * count) & M32


def one_or_two(core: Core) -> Passed:
    at = cursor(core) + size(core)
    word = core.load(INPUT, at, 8)
    more = (word >> 7) & 1
    return (word & 0x8080) != 0x8080, (at + 1 + more) & M32, (word >> 8 + (more << 3)) & M32


def some(core: Core) -> Passed:
    """One of up to eight bytes."""
    at = cursor(core) + size(core)
    ends = (core.load(INPUT, at, 8) & HIGH) ^ HIGH
    after = (at + ((core.trailing_zeros(ends, 8) + 1) >> 3 & 15)) & M32
    return ends != 0, after, core.load(INPUT, after, 4)


def any_number(core: Core) -> Passed:
    """One of up to ten bytes: all there are."""
    fits, _, after, following = ten(core, cursor(core) + size(core))
    return fits, after, following


def fixed(width: int, core: Core) -> Passed:
    after = (cursor(core) + size(core) + width) & M32
    return 1, after, core.load(INPUT, after, 4)


def short(core: Core) -> Passed:
    """Bytes whose length has one byte."""
    at = cursor(core) + size(core)
    length = core.load(INPUT, at, 1)
    after = (at + 1 + length) & M32
    return length < 0x80, after, core.load(INPUT, after, 4)


def any_bytes(core: Core) -> Passed:
    fits, length, begin = a_length(core, cursor(core) + size(core))
    after = begin + (length & M32)
    fits = fits & (after <= M32)
    return fits, after & M32, core.load(INPUT, after & M32, 4)


VALUES: dict[str, Callable[[Core], Passed]] = {
    "varint.1": lambda core: few(1, core), "varint.2": lambda core: few(2, core),
    "varint.1-2": one_or_two, "varint.8": some, "varint.10": any_number,
    "fixed32": lambda core: fixed(4, core), "fixed64": lambda core: fixed(8, core),
    "bytes.1": short, "bytes.any": any_bytes,
}  # fmt: skip
"""How values are gone past, by their wire type and the bytes of them, or of their length."""


def keep(value: str, in_list: bool, core: Core) -> None:
    """Go past a field; the run goes on."""
    fits, after, following = VALUES[value](core)
    core.expect(fits)
    (again if in_list else go_on)(core, after, fits, following)


def drop(value: str, in_list: bool, core: Core) -> None:
    """Go past a field behind which a new run begins; the one before it has been copied."""
    fits, after, following = VALUES[value](core)
    core.expect(fits)
    (cut_again if in_list else cut)(core, after, fits, following)


# -- runs -----------------------------------------------------------------------------------------

LIMITS = ("0", "8", "16", "24", "32", "48", "64", "96", "any")
"""Up to how many bytes of a run are copied by words."""


def copy(most: str, core: Core) -> None:
    """Copy the run up to the cursor, and `size` bytes more; a new one begins behind them."""
    at, until, run, out = (core.pop(FRAMES, 4) for _ in range(4))
    behind = (at + size(core)) & M32
    count = (behind - run) & M32
    if most == "any":
        core.copy(OUTPUT, out, INPUT, run, count)
        for each in ((out + count) & M32, behind, until, at):
            core.push(FRAMES, each, 4)
        return
    limit = int(most)
    fits = count <= limit
    words = [core.load(INPUT, run + i, 8) for i in range(0, limit, 8)]
    core.expect(fits)
    for i, each in enumerate(words):
        core.store(OUTPUT, (out + 8 * i) & M32, each, 8)
    ended = core.select(fits, (out + count) & M32, out)
    for each in (ended, core.select(fits, behind, run), until, at):
        core.push(FRAMES, each, 4)
    core.jump_if(fits == 0, operand(core, "slow"))


def begin_run(core: Core) -> None:
    """A new run begins at the cursor."""
    at, until, _ = (core.pop(FRAMES, 4) for _ in range(3))
    for each in (at, until, at):
        core.push(FRAMES, each, 4)
