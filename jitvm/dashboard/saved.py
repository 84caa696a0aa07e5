"""Runs in files: JSON lines that a dashboard elsewhere, or any other tool, can read.

    {"kind": "run", "version": 3, "name": "life.tal", ...}      the head
    {"kind": "hot", "seconds": 0.012, "address": 276, ...}      one event per line, as it happened
    ...
    {"kind": "region", "number": 7, ...}                        at the end: regions with their texts
    {"kind": "page", ...}                                       and what a page shows of them

A truncated last line and lines of an unknown kind are ignored. A file without an end (the run was
killed) still shows its events. Any other deviation from `jitvm.dashboard.shapes` means that the
file is damaged, and nothing of it is shown.
"""

from __future__ import annotations

import json
from collections import deque
from itertools import islice
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jitvm.dashboard import tables
from jitvm.dashboard.feed import HEAT, MOST_EVENTS
from jitvm.dashboard.series import COLUMNS
from jitvm.dashboard.shapes import HEAD, NEWS, PAGE, REGION, fits, is_event
from jitvm.dashboard.source import CommandError, Message
from jitvm.engine.tables.names import shown
from jitvm.profiling.rows import StackRow

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from typing import TextIO

    from jitvm.dashboard.sampler import Run
    from jitvm.dashboard.session import Session

VERSION = 3
MOST_LINES = 200_000
"""Events of a file that are shown: the last ones."""
MOST_STACKS = 5_000
"""Call stacks that are saved: those of the most time."""
LONGEST_HEAD = 1 << 20
"""Characters of the first line, at most."""


class SavedError(ValueError):
    """A file is no saved run; the message says why."""


class Saver:
    """Writes a session's events as they come, and the rest when it is closed.

    Args:
        path: the file; it is replaced.

    Attributes:
        trouble: what made it stop writing, such as a full disk; the run itself goes on.

    Raises:
        OSError: it cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._file: TextIO = open(path, "w", encoding="utf-8")  # noqa: SIM115  closed by `close`
        self._run = 0
        self._cursor = 0
        self.trouble: OSError | None = None

    def after_beat(self, run: Run) -> None:
        """Write what is new; a restart is an event of its own."""
        if run.number != self._run:
            self._run, self._cursor = run.number, 0
        news = run.journal.since(self._cursor)
        self._cursor = news.cursor
        if news.missed:
            self._write({"kind": "missed", "events": news.missed})
        for event in news.events:
            self._write(run.told(event))

    def begin(self, session: Session) -> None:
        """Write the head."""
        self._write({"kind": "run", "version": VERSION, **_without_type(session.hello())})

    def close(self, session: Session) -> None:
        """Write regions and what a page shows at the end, and close the file."""
        viewer = session.viewer()
        news = viewer.news() or {}
        for name in news.keys() - NEWS.keys():
            del news[name]
        if session.sampler.run is not None:
            news["stacks"] = _stacks(session.sampler.run)
        frames = viewer.frames()
        viewer.close()
        for facts in news.get("regions", {}).get("added", ()):
            found = session.region(facts["number"])
            if found is not None:
                self._write({"kind": "region", **found})
        heat = next((frame[1:].hex() for frame in frames if frame[0] == HEAT), "")
        self._write({"kind": "page", "news": news, "heat": heat})
        try:
            self._file.close()
        except OSError as error:
            self.trouble = self.trouble or error

    def _write(self, row: Mapping[str, Any]) -> None:
        if self.trouble is not None:
            return
        try:
            self._file.write(json.dumps(row, separators=(",", ":")) + "\n")
        except OSError as error:
            self.trouble = error


def _stacks(run: Run) -> Message:
    rows = run.stacks()[:MOST_STACKS]
    found = [[list(row.frames), round(row.seconds, 6), round(row.share, 9)] for row in rows]
    return {"samples": run.calls.samples, "rows": found}


def _without_type(message: Message) -> Message:
    return {name: value for name, value in message.items() if name != "type"}


class SavedRun:
    """A run from a file; implements `jitvm.dashboard.source.Source`.

    Raises:
        SavedError: the file cannot be read or is none.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._regions: dict[int, Message] = {}
        self.events: deque[Message] = deque(maxlen=MOST_LINES)
        self.news: Message = {}
        self.heat = b""
        try:
            with Path(path).open(encoding="utf-8-sig") as file:
                self._hello = _head(path, file.readline(LONGEST_HEAD))
                for number, line in enumerate(file, 2):
                    row = _parse(line)
                    is_right = self._take(row) if row else not line.endswith("\n")
                    if not is_right:
                        raise SavedError(f"{path}: line {number} is damaged; save the run again")
        except OSError as error:
            raise SavedError(f"{path}: cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise SavedError(_foreign(path)) from error

    def _take(self, row: Message) -> bool:
        """Keep a row; says whether it looks as one of its kind has to."""
        match row.pop("kind"):
            case "region" if fits(row, REGION):
                self._regions[row["number"]] = row
            case "page" if fits(row, PAGE):
                self.news = {name: row["news"][name] for name in NEWS if name in row["news"]}
                self.heat = bytes.fromhex(row["heat"])
            case "region" | "page":
                return False
            case kind if "address" in row:
                if not is_event(kind, row):
                    return False
                self.events.append({"kind": kind, **row})
        return True

    def hello(self) -> Message:
        """What stays as it is."""
        return {**self._hello, "type": "hello", "live": False, "debug": False, "input": False}

    @property
    def samples(self) -> int:
        """How many samples its call stacks are made of."""
        found: int = self.news.get("stacks", {}).get("samples", 0)
        return found

    def stacks(self) -> list[StackRow]:
        """Its call stacks; none if it was saved without."""
        rows = self.news.get("stacks", {}).get("rows", ())
        return [
            StackRow(tuple(map(shown, names)), time, share) for names, time, share in rows if names
        ]

    def viewer(self) -> SavedViewer:
        """A place at its beginning."""
        return SavedViewer(self)

    def debugged(self, what: str, *numbers: int) -> None:
        """Saved runs are not debugged; nothing."""

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
        """The next piece; None at the end."""
        run = self._run
        if self._sent < 0:
            self._sent = 0
            about = {"type": "news", "fresh": True, "activity": "saved", "at": None}
            news = {name: part for name, part in run.news.items() if name != "stacks"}
            calls = tables.calls(run.samples, run.stacks())
            return {"totals": {}, **news, **about, "calls": calls}
        rows = list(islice(run.events, self._sent, self._sent + MOST_EVENTS))
        self._sent += len(rows)
        return {"type": "news", "events": {"missed": 0, "rows": rows}} if rows else None

    def frames(self) -> list[bytes]:
        """The heat map, once."""
        heat, self._heat = self._heat, b""
        return [bytes([HEAT]) + heat] if heat else []

    def close(self) -> None:
        """Nothing to let go of."""


def _head(path: str | os.PathLike[str], line: str) -> Message:
    """The first line.

    Raises:
        SavedError: it is none of a saved run, or of one that looked otherwise.
    """
    row = _parse(line)
    if row is None or row.pop("kind") != "run":
        raise SavedError(_foreign(path))
    if row.get("version") != VERSION:
        raise SavedError(f"{path}: was saved by another version of jitvm; save the run again")
    if not fits(row, HEAD) or row["columns"] != list(COLUMNS):
        raise SavedError(f"{path}: line 1 is damaged; save the run again")
    return row


def _parse(line: str) -> Message | None:
    """A line as a row with its kind; None if it is not a row."""
    try:
        row = json.loads(line, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) and isinstance(row.get("kind"), str) else None


def _finite(text: str) -> float:
    """A number that a browser's JSON has, too."""
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"{text} is no number of JSON")
    return value


def _foreign(path: str | os.PathLike[str]) -> str:
    return f"{path}: is no saved run; `jitvm dashboard --save FILE PROGRAM` makes one"
