"""What the server shows: a live run, or a saved one.

    Source    the run: what the page asks for, what it may do
    Viewer    one page's position in it: what is new since it last asked

A viewer asks again once it has sent what it got before. So a slow one asks rarely and gets more at
a time, up to a fresh copy of everything; one that is gone never asks again. Nothing is queued.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

Message = dict[str, Any]


class CommandError(ValueError):
    """What a page asked for cannot be done; the message says why."""


class Viewer(Protocol):
    """One page's place in a run."""

    def news(self) -> Message | None:
        """What is new; None if nothing is."""

    def frames(self) -> list[bytes]:
        """Binary messages that are due: see `jitvm.dashboard.feed`."""

    def close(self) -> None:
        """The page is gone."""


class Source(Protocol):
    """A run to show. All methods may be called from any thread."""

    def hello(self) -> Message:
        """What stays as it is: names, parameters, reasons."""

    def viewer(self) -> Viewer:
        """A place in the run, at its beginning."""

    def debugged(self, what: str, *numbers: int) -> Message | None:
        """What its debugger knows of some numbers: `listing`, `code` or `memory`; None without."""

    def region(self, number: int) -> Message | None:
        """One region with its texts; None if it is gone."""

    def assembly(self, number: int) -> list[str] | None:
        """Its machine code as lines of assembly."""

    def command(self, message: Mapping[str, Any]) -> None:
        """Do what a page asks.

        Raises:
            CommandError: it cannot be done.
        """

    def metrics(self) -> str:
        """The run's figures in the text format of Prometheus."""
