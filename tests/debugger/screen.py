"""The debugger's screen without a terminal: keys are pressed, and what panes show is read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

from textual import events
from textual.pilot import Pilot, WaitForScreenTimeout
from textual.widget import Widget

from jitvm.debugger.debugger import Debugger
from jitvm.terminal.debugger.app import DebuggerApp
from jitvm.terminal.debugger.session import Sayings, Session
from tests.clock import HANGS, STANDSTILL, threads

LARGE, SMALL = (130, 40), (80, 24)
HOPS = 5
"""From the screen to a pane and back: so many queues an event goes through."""
CHARACTERS = {"space": " "}
STANDSTILLS = 5
"""Times that the machine may stand still for half a minute while a key is handled."""


class Screen:
    """A session on a screen.

    Attributes:
        app, session: what is shown.
    """

    def __init__(self, app: DebuggerApp, session: Session, pilot: Pilot[int]) -> None:
        self.app, self.session = app, session
        self._pilot = pilot

    async def handled(self) -> None:
        """Wait until what was typed has gone through all widgets.

        `Pilot.press` waits for the process to be idle, which it is not while a program runs.
        """
        for _ in range(HOPS):
            await self._pause()

    async def _pause(self) -> None:
        """Let all widgets do what they have to; again if the machine stood still meanwhile."""
        for _ in range(STANDSTILLS):
            try:
                await self._pilot.pause(0)
            except WaitForScreenTimeout:
                continue
            return
        raise AssertionError("the screen hangs")

    async def settle(self) -> None:
        """Wait until all commands are done, and shown."""
        await self.handled()
        await self.app._queue.join()
        await self._pause()
        await self._pause()

    async def tap(self, *keys: str) -> None:
        """Press keys; those of a text, and the same ones, together."""
        for key, after in zip(keys, (*keys[1:], ""), strict=True):
            self._send(key)
            if key != after and not (len(key) == len(after) == 1):
                await self.handled()

    def _send(self, key: str) -> None:
        character = key if len(key) == 1 else CHARACTERS.get(key)
        self.app.post_message(events.Key(key, character))

    async def press(self, *keys: str) -> None:
        """Press keys, each when what the one before does is done."""
        for key in keys:
            await self.tap(key)
            await self.settle()

    async def type(self, text: str) -> None:
        """Type a text, and Enter."""
        for key in text:
            self._send(key)
        await self.press("enter")

    async def command(self, line: str) -> None:
        """Have a command done."""
        self.app.submit(line)
        await self.settle()

    async def click(self, pane: str, column: int, row: int) -> None:
        """Click on a place of a pane."""
        await self._pilot.click(pane, offset=(column, row))
        await self.settle()

    async def resize(self, width: int, height: int) -> None:
        """Have a terminal of another size."""
        await self._pilot.resize_terminal(width, height)
        await self.settle()

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait for something."""
        left, last = HANGS, monotonic()
        while not condition():
            assert left > 0, f"it did not happen in time; meanwhile\n{threads()}"
            await asyncio.sleep(0.005)
            await self._pause()
            now = monotonic()
            left, last = left - min(now - last, STANDSTILL), now

    def pane(self, name: str) -> Widget:
        """A pane by its name."""
        return self.app.query_one(f"#{name}")

    def rows(self, name: str) -> list[str]:
        """What a pane shows, in lines."""
        pane = self.pane(name)
        return [pane.render_line(y).text.rstrip() for y in range(pane.size.height)]

    def shows(self, name: str, *words: str) -> bool:
        """Whether a pane shows all of some words."""
        text = "\n".join(self.rows(name))
        return all(word in text for word in words)


@asynccontextmanager
async def screen(
    make: Callable[[Sayings], Debugger],
    name: str,
    *lines: str,
    size: tuple[int, int] = LARGE,
) -> AsyncIterator[Screen]:
    """A screen of a debugger that is made there."""
    sayings = Sayings()
    session = Session(lambda: make(sayings), sayings)
    app = DebuggerApp(session, name, lines)
    try:
        async with app.run_test(size=size) as pilot:
            found = Screen(app, session, pilot)
            await found.settle()
            yield found
    finally:
        session.close()
