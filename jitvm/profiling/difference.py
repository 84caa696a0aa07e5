"""Two saved profiles beside each other: what takes more of the guest's time, and what less.

A saved profile is what ``jitvm profile --json`` prints. Shares are compared, not seconds: the two
runs may have been of different length, or on different machines. Both are sampled, so each
difference has a range in which chance alone may put it: `Difference.chance`, two standard
deviations, from the number of samples on both sides.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from itertools import islice
from math import isfinite, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jitvm.engine.tables.names import shown
from jitvm.profiling.routines import routine_rows
from jitvm.profiling.rows import StackRow
from jitvm.profiling.summary import Table, percent

if TYPE_CHECKING:
    import os

MOST_FRAMES = 100_000
"""Frames of one stack in a file."""


class SavedProfileError(ValueError):
    """A file is no saved profile; the message says which, why, and what to do."""


@dataclass(frozen=True, slots=True)
class SavedProfile:
    """What of a saved profile is compared.

    Attributes:
        title: what was profiled.
        samples: how many samples its call stacks are made of.
        stacks: the call stacks.
    """

    title: str
    samples: int
    stacks: list[StackRow]


@dataclass(frozen=True, slots=True)
class Difference:
    """A routine in two profiles: shares of the time in guest code, 0 to 1.

    Attributes:
        before, after: in the routine itself.
        total_before, total_after: and in what it calls.
        change: after less before.
        chance: by how much `change` may be off, in 19 of 20 cases.
    """

    routine: str
    before: float
    after: float
    total_before: float
    total_after: float
    change: float
    chance: float

    @property
    def is_clear(self) -> bool:
        """Whether chance alone hardly explains it."""
        return abs(self.change) > self.chance


# -- files ---------------------------------------------------------------------------------------


def load(path: str | os.PathLike[str]) -> SavedProfile:
    """Read a saved profile.

    Raises:
        SavedProfileError: it cannot be read, or is none.
    """
    try:
        content = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise SavedProfileError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise _none(path, "is not JSON") from error
    if not isinstance(content, dict) or not isinstance(content.get("stacks"), list):
        raise _none(path, "has no call stacks")
    samples = content.get("stack_samples")
    if not isinstance(samples, int) or isinstance(samples, bool) or samples < 0:
        raise _none(path, "does not say how many samples its call stacks are made of")
    if not content["stacks"]:
        raise SavedProfileError(
            f"{path}: the profile has no call stack: no sample fell into guest code; "
            "profile a longer run"
        )
    rows = [_row(path, number, row) for number, row in enumerate(content["stacks"])]
    return SavedProfile(shown(str(content.get("title", ""))), samples, rows)


def _row(path: str | os.PathLike[str], number: int, row: object) -> StackRow:
    if isinstance(row, dict):
        frames, seconds, share = (row.get(name) for name in ("frames", "seconds", "share"))
        if (
            isinstance(frames, list)
            and 0 < len(frames) <= MOST_FRAMES
            and all(isinstance(name, str) for name in frames)
            and _is_amount(seconds)
            and _is_amount(share)
        ):
            return StackRow(tuple(map(shown, frames)), float(seconds), float(share))  # type: ignore[arg-type]
    raise _none(path, f"has a damaged call stack, number {number}")


def _is_amount(number: object) -> bool:
    is_number = isinstance(number, int | float) and not isinstance(number, bool)
    return is_number and isfinite(number) and number >= 0  # type: ignore[arg-type, operator]


def _none(path: str | os.PathLike[str], why: str) -> SavedProfileError:
    return SavedProfileError(
        f"{path}: {why}; save a profile by `jitvm profile --json PROGRAM > {Path(path).name}`"
    )


# -- the comparison ------------------------------------------------------------------------------


def differences(before: SavedProfile, after: SavedProfile) -> list[Difference]:
    """All routines of either, what changed most first."""
    old = {row.routine: row for row in routine_rows(before.stacks)}
    new = {row.routine: row for row in routine_rows(after.stacks)}
    rows = []
    for name in {**old, **new}:
        was, now = old.get(name), new.get(name)
        first, second = (0.0 if row is None else min(1.0, row.share) for row in (was, now))
        chance = 2 * sqrt(_variance(first, before.samples) + _variance(second, after.samples))
        rows.append(
            Difference(
                name, first, second,
                0.0 if was is None else was.total_share,
                0.0 if now is None else now.total_share,
                second - first, chance,
            )
        )  # fmt: skip
    return sorted(rows, key=lambda row: (-abs(row.change), row.routine))


def _variance(share: float, samples: int) -> float:
    """Of a share that so many samples were counted for; never none, for want of a single one."""
    count = max(1, samples)
    likely = (share * count + 1) / (count + 2)
    return likely * (1 - likely) / count


def table(before: SavedProfile, after: SavedProfile, top: int) -> Table:
    """The comparison for people."""
    rows = differences(before, after)
    cells = [
        (
            row.routine,
            percent(row.before),
            percent(row.after),
            f"{100 * row.change:+.1f}",
            f"{100 * row.chance:.1f}",
            "" if row.is_clear else "may be chance",
            f"{percent(row.total_before)} to {percent(row.total_after)}",
        )
        for row in islice(rows, top)
    ]
    heads = ("routine", "before", "after", "points", "±", "", "with what it calls")
    title = f"share of guest time, self: {before.title} and {after.title}"
    return Table(title, heads, cells, [], max(0, len(rows) - top))


def as_dict(before: SavedProfile, after: SavedProfile) -> dict[str, Any]:
    """The comparison as plain data."""
    return {
        "before": {"title": before.title, "samples": before.samples},
        "after": {"title": after.title, "samples": after.samples},
        "routines": [
            {**asdict(row), "is_clear": row.is_clear} for row in differences(before, after)
        ],
    }
