"""Frames of a CHIP-8 program: keys, timers, and its share of instructions."""

from __future__ import annotations

from jitvm.guests.chip8 import instructions as at
from jitvm.platform.evaluator import Share
from jitvm.platform.events import Button, KeyDown, KeyUp, Press, Release, Reset
from jitvm.platform.frames import FrameLoop

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    from jitvm.platform.events import Event
    from jitvm.platform.frames import Framed

    class Timed(Framed, Protocol):
        """What these frames need of a `Chip8Computer`; see there."""

        speed: int

        @property
        def registers(self) -> memoryview: ...
        def boot(self) -> None: ...
        def reset(self) -> None: ...


KEYS = dict(zip("x123qweasdzc4rfv", range(16), strict=True))
PAD = {Button.UP: 5, Button.LEFT: 7, Button.DOWN: 8, Button.RIGHT: 9, Button.A: 6}


def keys_of(event: Event) -> list[int]:
    """Which of the sixteen keys go down or up."""
    if isinstance(event, KeyDown | KeyUp):
        return [KEYS[event.key]] if event.key in KEYS else []
    if isinstance(event, Press | Release):
        return [key for button, key in PAD.items() if event.buttons & button]
    return []


class Chip8Frames(FrameLoop):
    """The frame loop of a CHIP-8 computer."""

    def __init__(self, computer: Timed) -> None:
        super().__init__(computer, computer.boot)
        self._chip8 = computer

    def _steps(self, events: tuple[Event, ...]) -> Iterator[int | Share]:
        """A key that goes down and up in one frame does the latter when the frame is over: else the
        program could not see it."""
        computer = self._chip8
        if any(isinstance(event, Reset) for event in events):
            computer.reset()
            computer.boot()
        registers = computer.registers
        for timer in (at.DELAY, at.SOUND):
            registers[timer] = max(registers[timer] - 1, 0)
        pressed: set[int] = set()
        later: list[int] = []
        for event in events:
            for key in keys_of(event):
                if isinstance(event, KeyDown | Press):
                    registers[at.KEYS + key] = 1
                    pressed.add(key)
                elif key in pressed:
                    later.append(key)
                else:
                    self._release(key)
        if computer.evaluator.share is not None or not computer.is_ended:  # in the middle of it
            yield Share(computer.speed)
        for key in later:
            self._release(key)

    def _release(self, key: int) -> None:
        registers = self._chip8.registers
        registers[at.KEYS + key] = 0
        if registers[at.WAITING]:
            registers[at.RELEASED] = key
