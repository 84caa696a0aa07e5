"""Runs in files: JSON lines that a dashboard elsewhere, or any other tool, can read.

    {"kind": "run", "version": 2, "name": "life.tal", ...}      the head
    {"kind": "hot", "seconds": 0.012, "address": 276}           an event a line, as it happened
    ...
    {"kind": "region", "number": 7, ...}                        at the end: regions with their texts
    {"kind": "page", ...}                                       and what a page shows of all

A line that is cut off, or of a kind that is not known, is left out. A file without an end (the run
was killed) still shows its events.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jitvm.dashboard.feed import HEAT, MOST_EVENTS
from jitvm.dashboard.source import CommandError, Message

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping
    from typing import TextIO

    from jitvm.dashboard.sampler import Run
    from jitvm.dashboard.session import Session

VERSION = 2
MOST_LINES = 200_000
"""Events of a file that are shown: the last ones."""


class SavedError(ValueError):
    """A file is no saved run; the message says why."""


class Saver:
    """Writes a session's events as they come, and the rest when it is closed.

    Args:
        path: the file; it is replaced.

    Raises:
        OSError: it cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._file: TextIO = open(path, "w", encoding="utf-8")  # noqa: SIM115  closed by `close`
        self._run = 0
        self._cursor = 0

    def after_beat(self, run: Run) -> None:
        """Write what is new; a restart is an event of its own."""
        if run.number != self._run:
            self._run, self._cursor = run.number, 0
        news = run.journal.since(self._cursor)
        self._cursor = news.cursor
        if news.missed:
            self._write({"kind": "missed", "events": news.missed})
        for event in news.events:
            row = event.row()
            row["seconds"] = round(event.seconds + run.jit_began, 6)
            self._write(row)

    def begin(self, session: Session) -> None:
        """Write the head."""
        self._write({"kind": "run", "version": VERSION, **_without_type(session.hello())})

    def close(self, session: Session) -> None:
        """Write regions and what a page shows at the end, and close the file."""
        viewer = session.viewer()
        news = viewer.news() or {}
        news.pop("events", None)
        frames = viewer.frames()
        viewer.close()
        for facts in news.get("regions", {}).get("added", ()):
            found = session.region(facts["number"])
            if found is not None:
                self._write({"kind": "region", **found})
        heat = next((frame[1:].hex() for frame in frames if frame[0] == HEAT), "")
        self._write({"kind": "page", "news": news, "heat": heat})
        self._file.close()

    def _write(self, row: Mapping[str, Any]) -> None:
        json.dump(row, self._file, separators=(",", ":"))
        self._file.write("\n")


def _without_type(message: Message) -> Message:
    return {name: value for name, value in message.items() if name != "type"}


class SavedRun:
    """A run from a file; implements `jitvm.dashboard.source.Source`.

    Raises:
        SavedError: the file cannot be read or is none.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._hello: Message = {}
        self._regions: dict[int, Message] = {}
        self._path = path
        self.events: list[Message] = []
        self.news: Message = {}
        self.heat = b""
        for row in _rows(path):
            self._take(row)
        if not self._hello:
            raise SavedError(
                f"{path}: is no saved run; `jitvm dashboard --save FILE PROGRAM` makes one"
            )
        del self.events[:-MOST_LINES]

    def _take(self, row: Message) -> None:
        kind = row.pop("kind")
        if kind == "run":
            if row.get("version") != VERSION:
                raise SavedError(
                    f"{self._path}: was saved by another version of jitvm; save the run again"
                )
            self._hello = row
        elif kind == "region" and "number" in row:
            self._regions[row["number"]] = row
        elif kind == "page":
            self.news = row.get("news", {})
            self.heat = bytes.fromhex(row.get("heat", ""))
        elif "seconds" in row and "address" in row:
            row["kind"] = kind
            row["line"] = _line(row)
            self.events.append(row)

    def hello(self) -> Message:
        """What stays as it is."""
        return {**self._hello, "type": "hello", "live": False, "input": False}

    def viewer(self) -> SavedViewer:
        """A place at its beginning."""
        return SavedViewer(self)

    def region(self, number: int) -> Message | None:
        """One region with its texts, as they were at the end."""
        return self._regions.get(number)

    def assembly(self, number: int) -> list[str] | None:
        """Saved runs have none; empty."""
        return [] if number in self._regions else None

    def command(self, message: Mapping[str, Any]) -> None:  # noqa: ARG002  all sources have it
        """Nothing can be done to a run that is over.

        Raises:
            CommandError: always.
        """
        raise CommandError("this run was saved; it cannot be changed")

    def metrics(self) -> str:
        """A run that is over has no figures that change; none."""
        return ""


class SavedViewer:
    """One page's place in a saved run: first all tables, then the events in pieces."""

    def __init__(self, run: SavedRun) -> None:
        self._run = run
        self._sent = -1
        self._heat = run.heat

    def news(self) -> Message | None:
        """The next piece; None when all was told."""
        run = self._run
        if self._sent < 0:
            self._sent = 0
            return {"totals": {}, **run.news, "type": "news", "fresh": True, "activity": "saved"}
        rows = run.events[self._sent : self._sent + MOST_EVENTS]
        self._sent += len(rows)
        return {"type": "news", "events": {"missed": 0, "rows": rows}} if rows else None

    def frames(self) -> list[bytes]:
        """The heat map, once."""
        heat, self._heat = self._heat, b""
        return [bytes([HEAT]) + heat] if heat else []

    def close(self) -> None:
        """Nothing to let go of."""


def _rows(path: str | os.PathLike[str]) -> Iterator[Message]:
    try:
        with Path(path).open(encoding="utf-8") as file:
            for line in file:
                try:
                    row = json.loads(line)
                except ValueError:
                    continue  # cut off when the run was killed
                if isinstance(row, dict) and isinstance(row.get("kind"), str):
                    yield row
    except (OSError, UnicodeDecodeError) as error:
        raise SavedError(f"{path}: cannot be read: {error}") from error


def _line(row: Message) -> str:
    about = {k: v for k, v in row.items() if k not in ("kind", "seconds", "address")}
    words = " ".join(f"{name} {value}" for name, value in about.items())
    return f"{row['seconds']:9.4f} {row['kind']:<10} {row['address']:04x} {words}".rstrip()
