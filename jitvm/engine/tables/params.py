"""Every limit of the JIT, in one table.

Each field is a row: its default, and in `LIMITS` its unit, its range and one line of purpose. Set
them by keyword (``Parameters(hot=50)``), through the environment (``JITVM_HOT=50``) or on the
command line (``-O hot=50``); ``jitvm params`` lists them.
"""

from __future__ import annotations

import os
from _operator import index

from jitvm.engine.tables.struct import Struct
from jitvm.guest.numbers import shortened

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Mapping


class ParameterError(ValueError):
    """A parameter that does not exist, or a value outside its range; the message says which."""


class Limit(Struct, frozen=True):
    """What a parameter counts, the range it may be set in, and what it is for."""

    unit: str
    low: int
    high: int
    why: str


_limits: list[Limit] = []


def _row(default: int, unit: str, low: int, high: int, why: str) -> int:
    _limits.append(Limit(unit, low, high, why))
    return default


class Parameters(Struct, frozen=True):
    """Limits and switches of the JIT; all are whole numbers.

    Raises:
        ParameterError: an unknown name, or a value that is not a whole number or out of range.
    """

    hot: int = _row(
        400, "jumps", 1, 65535, "taken jumps to one address before a recording starts there"
    )
    window: int = _row(
        4096, "instructions", 64, 1 << 20, "length of the first recording; later ones are longer"
    )
    longest: int = _row(
        32768, "instructions", 64, 1 << 22, "length of later recordings: outer loops need it"
    )
    few: int = _row(
        4,
        "times",
        0,
        1 << 20,
        "what a recording has less often tells little of branches; 0: any",
    )
    passed: int = _row(
        64,
        "jumps",
        1,
        1 << 20,
        "so seldom, for a recording to be useless if nearly all of it is so",
    )
    again: int = _row(
        16, "parts", 1, 1 << 20, "what part of a recording has to come oftener for it to be of use"
    )
    rest: int = _row(
        50, "ms", 0, 60000, "how long nothing is looked for when recordings are of no use"
    )
    rests: int = _row(6, "times", 0, 20, "how often in a row that is doubled")
    starts: int = _row(
        12, "loops", 1, 100, "loops of one recording that are looked at for a start, the best first"
    )
    cover: int = _row(
        64, "parts", 1, 1 << 20, "from what part of a recording on a loop is worth being a start"
    )
    ranks: int = _row(
        8, "parts", 1, 1 << 20, "loops that cover as many parts of a recording come outermost first"
    )
    slack: int = _row(
        8, "bytes", 0, 4096, "how much further a stack pointer may move than it was seen to"
    )
    nodes: int = _row(
        800, "instructions", 8, 20000, "guest instructions in one region, copies counted"
    )
    followers: int = _row(
        10, "regions", 0, 100, "how many places after a new region are compiled with it"
    )
    share: int = _row(
        16, "parts", 1, 1 << 20, "from what part of a region's visits on a place after it counts"
    )
    quick: int = _row(
        500, "instructions", 8, 20000, "limit of `nodes` for a region's first, quick compilation"
    )
    entries: int = _row(
        12,
        "entries",
        0,
        64,
        "entries besides its start of a region that shares callees, in quick compilations; "
        "0 shares none",
    )
    callee: int = _row(
        8, "instructions", 1, 20000, "size of a callee from which on it may be shared, not copied"
    )
    calls: int = _row(
        3, "calls", 1, 1000, "for each stack depth of a callee, for it to be shared, not copied"
    )
    link: int = _row(
        60, "instructions", 1, 20000, "regions of this size are left for, not copied, at first"
    )
    link_part: int = _row(
        2, "parts", 1, 1000, "as `link`, of recursive regions, whichever is more: a part of `quick`"
    )
    follower_nodes: int = _row(
        150, "instructions", 8, 20000, "as `quick`, for what is compiled with another region"
    )
    recursion: int = _row(4, "levels", 0, 16, "how often one call site may be inlined into itself")
    quick_recursion: int = _row(1, "levels", 0, 16, "limit of `recursion` in a quick compilation")
    inline: int = _row(12, "levels", 0, 64, "return addresses that one place may have pending")
    returns: int = _row(
        2, "targets", 0, 64, "places inside of a region that its return to a caller may lead to"
    )
    ways: int = _row(64, "targets", 1, 256, "recorded targets a computed jump is compared with")
    table: int = _row(
        8, "targets", 4, 256, "jumps that are compared with so many may go through a table instead"
    )
    depth: int = _row(
        64, "bytes", 8, 200, "how far a region may move a stack pointer from its entry"
    )
    depths: int = _row(
        4, "depths", 1, 16, "stack depths a place may be reached with when there is room for copies"
    )
    cells: int = _row(24, "addresses", 0, 256, "memory cells carried in values across a join")
    quick_cells: int = _row(8, "addresses", 0, 256, "limit of `cells` in a quick compilation")
    attempts: int = _row(
        40, "attempts", 1, 1000, "tries at a region until the joins in it offer what is needed"
    )
    retries: int = _row(
        4, "times", 1, 100, "formings of a region that turns out to write to its own instructions"
    )
    even: int = _row(
        8, "parts", 1, 1000, "from what part of its travel on a way makes a branch one of two ways"
    )
    arms: int = _row(
        12, "operations", 0, 1000, "of one way of such a branch, for both to be done and selected"
    )
    rounds: int = _row(
        8,
        "rounds",
        1,
        8,
        "of a counted loop at a time, or half as many; 1 leaves it as it is",
    )
    unroll: int = _row(96, "operations", 1, 10000, "of all these rounds together")
    stride: int = _row(
        256, "steps", 1, 1 << 16, "what a counted loop counts down by in a round is less"
    )
    aliases: int = _row(
        16, "stores", 1, 1 << 20, "computed stores to a cell before it is kept in memory only"
    )
    exit_hot: int = _row(
        256, "exits", 1, 1 << 30, "failing guards of one kind before the region is formed again"
    )
    growth: int = _row(12, "times", 0, 100, "how often one region may be formed again to grow")
    invalidations: int = _row(
        16, "times", 1, 1000, "how often code at one start may be overwritten"
    )
    cooldown: int = _row(
        4, "factor", 1, 64, "by how much the threshold of an address rises when it led to nothing"
    )
    cooldowns: int = _row(8, "times", 0, 100, "how often in a row it rises")
    background: int = _row(1, "switch", 0, 1, "compile on a thread of its own; 0 makes runs wait")
    quiet: int = _row(
        250, "ms", 0, 60000, "how long without a new region before full compilations begin"
    )
    keep: int = _row(1, "switch", 0, 1, "keep regions in the code cache for the program's next run")
    finish: int = _row(
        1000,
        "ms",
        0,
        60000,
        "processor time in which a child of `jitvm run` finishes, at the lowest priority, what was "
        "being compiled when the program ended; 0 for no child",
    )
    polish: int = _row(2, "level", 0, 3, "`speed` of the second, full compilation; 0 for none")
    speed: int = _row(
        1,
        "level",
        0,
        3,
        "passes over regions compiled only once: 0 as in a quick compilation, 1 a short list, "
        "3 all of LLVM's",
    )
    direct: int = _row(
        1,
        "switch",
        0,
        1,
        "make machine code of quick compilations (`speed` 0) without LLVM, on processors where "
        "that is known",
    )
    verify: int = _row(0, "switch", 0, 1, "check region IR after forming and after the passes")
    keep_text: int = _row(
        0, "switch", 0, 1, "keep IR and LLVM text of regions, for `jitvm explain`"
    )

    def __init__(self, **given: int) -> None:
        super().__init__(**{name: _checked(name, value) for name, value in given.items()})

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Parameters:
        """Defaults, changed by ``JITVM_<NAME>``.

        Raises:
            ParameterError: a value is not a number or out of range.
        """
        given = {
            row: environment[name]
            for row in cls.fields
            if (name := f"JITVM_{row.upper()}") in environment
        }
        return cls().changed(given)

    def changed(self, given: Mapping[str, str | int]) -> Parameters:
        """A copy with some rows set.

        Raises:
            ParameterError: an unknown name, or a value that is not a number or out of range.
        """
        return self.but(**{name: _checked(name, value) for name, value in given.items()})


LIMITS = dict(zip(Parameters.fields, _limits, strict=True))
"""What each parameter is measured in and limited to, by its name, in the table's order."""


def _checked(name: str, value: str | int) -> int:
    if name not in LIMITS:
        raise ParameterError(f"there is no parameter {name!r}; see `jitvm params`")
    row = LIMITS[name]
    try:
        number = int(value) if isinstance(value, str) else index(value)
    except (TypeError, ValueError):
        raise ParameterError(
            f"{name} is a whole number of {row.unit}, not {shortened(value)}"
        ) from None
    if not row.low <= number <= row.high:
        raise ParameterError(
            f"{name} is between {row.low} and {row.high} {row.unit}, not {shortened(number)}"
        )
    return number


DEFAULTS = Parameters()
"""All rows with their defaults."""
