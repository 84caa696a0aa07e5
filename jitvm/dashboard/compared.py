"""Two runs beside each other: what ``jitvm profile --diff`` compares, as a page.

Each run is a file: a profile that ``jitvm profile --json`` printed, or a run that ``jitvm dashboard
--save`` kept. Numbers are those of `jitvm.profiling.difference`, charts those of
`jitvm.profiling.flame`.
"""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jitvm.dashboard.saved import SavedError, SavedRun
from jitvm.dashboard.source import CommandError, Message
from jitvm.dashboard.tables import BOXES
from jitvm.profiling import difference
from jitvm.profiling.difference import SavedProfile, SavedProfileError
from jitvm.profiling.flame import difference_trace, flame_trace, tree

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

MOST_ROWS = 2_000
"""Routines that are compared on the page: those that changed most."""
_HEAD = b'{"kind":"run"'


def load(path: str | os.PathLike[str]) -> SavedProfile:
    """Call stacks from a file of either kind.

    Raises:
        SavedError: it cannot be read, is neither, or has no call stacks.
    """
    try:
        with Path(path).open("rb") as file:
            is_run = file.read(len(_HEAD)) == _HEAD
    except OSError as error:
        raise SavedError(f"{path}: cannot be read: {error.strerror}") from error
    if not is_run:
        try:
            return difference.load(path)
        except SavedProfileError as error:
            raise SavedError(str(error)) from error
    run = SavedRun(path)
    stacks = run.stacks()
    if not stacks:
        raise SavedError(f"{path}: the run was saved without call stacks; save a longer one")
    return SavedProfile(run.hello()["name"], run.samples, stacks)


class Comparison:
    """Two runs from files; implements `jitvm.dashboard.source.Source`, and its own `Viewer`.

    Raises:
        SavedError: one of the files cannot be used.
    """

    def __init__(self, before: str | os.PathLike[str], after: str | os.PathLike[str]) -> None:
        self._before, self._after = load(before), load(after)

    def hello(self) -> Message:
        """What stays as it is."""
        name = f"{self._before.title} and {self._after.title}"
        return {
            "type": "hello", "live": False, "debug": False, "compares": True, "name": name,
            "input": False, "columns": [], "reasons": {}, "params": [],
        }  # fmt: skip

    def viewer(self) -> ComparisonViewer:
        """A place at its beginning."""
        return ComparisonViewer(self._news())

    def _news(self) -> Message:
        before, after = tree(self._before.stacks), tree(self._after.stacks)
        rows = difference.differences(self._before, self._after)[:MOST_ROWS]
        return {
            "type": "news",
            "activity": "saved",
            "comparison": {
                "before": _told(self._before, flame_trace(before, BOXES)),
                "after": _told(self._after, difference_trace(before, after, BOXES)),
                "routines": [[*astuple(row), row.is_clear] for row in rows],
            },
        }

    def region(self, number: int) -> None:
        """There are none."""

    def assembly(self, number: int) -> None:
        """There are none."""

    def debugged(self, what: str, *numbers: int) -> None:
        """There is no debugger."""

    def command(self, message: Mapping[str, Any]) -> None:  # noqa: ARG002  all sources have it
        """Nothing can be done to runs that are over.

        Raises:
            CommandError: always.
        """
        raise CommandError("these runs were saved; they cannot be changed")

    def metrics(self) -> str:
        """None."""
        return ""


class ComparisonViewer:
    """One page's place in a comparison, which is told once."""

    def __init__(self, news: Message) -> None:
        self._news: Message | None = news

    def news(self) -> Message | None:
        """All of it, the first time."""
        news, self._news = self._news, None
        return news

    def frames(self) -> list[bytes]:
        """There are none."""
        return []

    def close(self) -> None:
        """Nothing to let go of."""


def _told(profile: SavedProfile, trace: dict[str, Any]) -> Message:
    return {"title": profile.title, "samples": profile.samples, "trace": trace}
