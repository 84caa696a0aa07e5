"""What one page has seen of a live run, and what is new for it.

`news` is a JSON message with whatever changed; unchanged parts are left out. Binary messages begin
with a byte for their type, followed by, in little-endian:

    1  screen   u16 width, u16 height, RGBA bytes
    2  heat     one byte per byte of code space, see `jitvm.dashboard.tables`
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from jitvm.dashboard.figures import standing, totals
from jitvm.engine.tables.params import LIMITS

if TYPE_CHECKING:
    from jitvm.dashboard.console import Transcript
    from jitvm.dashboard.runner import Worker
    from jitvm.dashboard.sampler import Run, Sampler
    from jitvm.dashboard.source import Message
    from jitvm.dashboard.target import Seen
    from jitvm.engine.tables.params import Parameters

SCREEN, HEAT = 1, 2
MOST_EVENTS = 1000
"""Events of one message; what is older is counted and left out."""


class LiveViewer:
    """One page's place in a session."""

    def __init__(
        self, target: Seen, runner: Worker, sampler: Sampler, transcript: Transcript
    ) -> None:
        self._target = target
        self._runner = runner
        self._sampler = sampler
        self._transcript = transcript
        self._run = 0
        self._console = self._replies = 0
        self._picture = -1
        self._forget()
        with sampler.lock:
            sampler.viewers += 1
            sampler.is_asked = True

    def _forget(self) -> None:
        """Begin a run from its beginning."""
        self._events = self._samples = self._folded = 0
        self._version, self._beats = -1, 0
        self._heat = self._added = 0
        self._told: Message = {}

    def close(self) -> None:
        """The page is gone."""
        with self._sampler.lock:
            self._sampler.viewers -= 1

    def news(self) -> Message | None:
        """What is new; None if nothing is, and before there is a machine."""
        runner, sampler = self._runner, self._sampler
        message: Message = {}
        with sampler.lock:
            run = sampler.run
            if run is None:
                return None
            if run.number != self._run:
                self._run = run.number
                self._forget()
                message["fresh"] = True
            self._add_changes(
                message,
                run=run.number,
                activity=runner.activity,
                trouble=runner.trouble,
                totals=totals(run, runner, sampler.viewers),
                at=standing(run, runner, self._target),
                params=_plain(runner.params),
            )
            self._add_samples(run, message)
            if run.regions.version != self._version:
                message["regions"] = run.regions.since(self._version)
                self._version = run.regions.version
            if run.beats != self._beats:
                self._beats = run.beats
                self._add_changes(
                    message,
                    **{name: run.slow[name] for name in ("exits", "aborts", "graph", "calls")},
                )
        self._add_events(run, message)
        self._add_console(message)
        self._add_debugging(message)
        return {"type": "news", "now": round(run.now, 3), **message} if message else None

    def _add_changes(self, message: Message, **parts: Any) -> None:
        """The parts that differ from what was sent last."""
        for name, part in parts.items():
            if name not in self._told or self._told[name] != part:
                self._told[name] = message[name] = part

    def _add_samples(self, run: Run, message: Message) -> None:
        """New samples, and the last one that was sent, which may have grown."""
        series = run.series
        if series.folded != self._folded:
            self._folded, self._samples = series.folded, 0
        if series.added == self._added:
            return
        self._added = series.added
        first = max(self._samples - 1, 0)
        self._samples = len(series.samples)
        message["series"] = {"from": first, "rows": series.since(first)}

    def _add_events(self, run: Run, message: Message) -> None:
        news = run.journal.since(self._events, MOST_EVENTS)
        self._events = news.cursor
        if not news.events:
            return
        rows = [run.told(event) for event in news.events]
        message["events"] = {"missed": news.missed, "rows": rows}

    def _add_console(self, message: Message) -> None:
        self._console, missed, text = self._transcript.since(self._console)
        if text:
            message["console"] = {"missed": missed, "text": text}

    def _add_debugging(self, message: Message) -> None:
        debugging = self._target.debugging
        if debugging is None:
            return
        self._add_changes(message, debug=debugging.view)
        self._replies, rows = debugging.replies.since(self._replies)
        if rows:
            message["replies"] = rows

    def frames(self) -> list[bytes]:
        """The screen and the heat map, where they changed."""
        messages = []
        picture = self._target.picture()
        if picture is not None and picture.serial != self._picture:
            self._picture = picture.serial
            head = struct.pack("<BHH", SCREEN, picture.width, picture.height)
            messages.append(head + picture.pixels)
        with self._sampler.lock:
            run = self._sampler.run
            if run is not None and run.heat_serial != self._heat:
                self._heat = run.heat_serial
                messages.append(bytes([HEAT]) + run.heat)
        return messages


def _plain(params: Parameters) -> Message:
    return {name: getattr(params, name) for name in LIMITS}
