"""Why a program stands still, and what may stop it besides breakpoints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jitvm.debugger.breakpoints import Breakpoint


@dataclass(frozen=True, slots=True)
class Stopped:
    """Why the program stands still.

    Attributes:
        reason: `breakpoint`, `step`, `ended`, `input` (it waits for some), `pause`, `start`
            (nothing is before), or, for editors, `entry` and `exception`.
        breakpoints: numbers of those that were hit.
        notes: what there is to say about it, a line each.
    """

    reason: str
    breakpoints: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


class Paused(Exception):
    """Somebody wants something else while it is looked for what was before."""


@dataclass(slots=True)
class Told:
    """An access that a watch is about: of which, to what, the byte before and after."""

    breakpoint: Breakpoint
    at: int
    old: int | None
    new: int


@dataclass(slots=True)
class Goal:
    """Where to stop besides at breakpoints."""

    addresses: frozenset[int]
    is_there: Callable[[], bool]
