"""The playing loop, with nobody to show frames to: events, slices, limits, replays."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from jitvm.guests.uxn.assembler import assemble
from jitvm.guests.uxn.varvara import Computer
from jitvm.platform import events
from jitvm.platform.evaluator import Ending
from jitvm.platform.events import Event
from jitvm.platform.frames import Frame
from jitvm.platform.script import Script, parse_script
from jitvm.playing.loop import Limits, Loop
from tests.clock import HANGS

PORTS = """
|10 @Console &vector $2 &read $5 &type $1 &write $1
|20 @Screen &vector $2 |80 @Controller &vector $2 &button $1 &key $1 |90 @Mouse &vector $2 &x $2
|0100
"""
KEYS = """;on-key .Controller/vector DEO2 BRK
@on-key .Controller/key DEI .Console/write DEO BRK"""
CLOCK = 0xF0
SLOW = "#f0 DEI POP #0000 &loop INC2 DUP2 #ffff NEQ2 ?&loop POP2 "
"""The reset vector waits until its slice is over, and has 250,000 instructions left then."""


class Shower(Loop):
    """Shows nothing, and says what has come."""

    def __init__(
        self,
        source: str,
        *,
        script: Script | None = None,
        replay: Iterator[Frame] | None = None,
        limits: Limits | None = None,
        comes: tuple[tuple[Event, ...], ...] = (),
        seconds: float = 0.02,
    ) -> None:
        computer = Computer(assemble(PORTS + source).rom)
        super().__init__(
            computer,
            script=script,
            replay=replay,
            limits=limits or Limits(),
            seconds=seconds,
        )
        self.computer = computer
        computer.machine.on_read(CLOCK, self._outlast_slice)
        self.comes = iter(comes)
        self.frames: list[int] = []
        self.turns = self.unfinished = 0

    def run(self) -> Ending:
        """Until it ends."""
        self._play()
        assert self._ending is not None
        return self._ending

    def _outlast_slice(self) -> int:
        """Ends the slice, however quick the machine is and however late its threads are; the next
        ones are as long as it takes."""
        watch = self.computer.evaluator.watch
        assert watch is not None
        while not watch.expired:
            time.sleep(0)
        self.computer.machine.interrupt()
        self._slice = HANGS
        return 0

    def _wait(self, seconds: float) -> None:
        """Nobody waits here."""

    def _listen(self) -> None:
        self.turns += 1
        for event in next(self.comes, ()):
            self._queue(event)

    def _show(self) -> None:
        """Nobody looks."""

    def _show_progress(self) -> None:
        self.unfinished += 1

    def _told(self, frame: Frame) -> None:
        self.frames.append(frame.number)


def test_it_ends_after_so_many_frames() -> None:
    shower = Shower(KEYS, limits=Limits(frames=3))
    assert shower.run() is Ending.FRAMES
    assert shower.frames == [1, 2, 3]


def test_a_script_acts_once_however_long_the_reset_vector_takes() -> None:
    shower = Shower(
        SLOW + KEYS, script=parse_script("1 key a\n2 key b"), limits=Limits(frames=2),
        seconds=0.00001,
    )  # fmt: skip
    assert shower.run() is Ending.FRAMES
    assert shower.unfinished
    assert shower.computer.stdout == b"ab"


def test_events_wait_while_a_frame_is_unfinished() -> None:
    moves = (events.Move(1, 1), events.Move(2, 2), events.Key(ord("x")))
    shower = Shower(SLOW + KEYS, comes=((), moves), limits=Limits(frames=2), seconds=0.00001)
    seen: list[Event] = []

    class Observer:
        def begin(self, number: int, happened: tuple[Event, ...]) -> None:
            del number
            seen.extend(happened)

        def end(self, frame: Frame) -> None:
            """Nothing of it is looked at."""

    shower.computer.frames.observer = Observer()
    shower.run()
    assert seen == [events.Move(2, 2), events.Key(ord("x"))]


def test_instructions_are_limited_exactly() -> None:
    shower = Shower(SLOW + KEYS, limits=Limits(instructions=1000))
    assert shower.run() is Ending.INSTRUCTIONS
    assert shower.computer.machine.executed == 1000


@pytest.mark.parametrize("source", ["&l !&l", KEYS])
def test_time_is_limited(source: str) -> None:
    assert Shower(source, limits=Limits(seconds=0.05)).run() is Ending.TIME


def test_a_replay_ends_with_its_frames_and_takes_no_events() -> None:
    frames = iter([Frame(1, False, None), Frame(2, False, None)])
    shower = Shower(KEYS, replay=frames, comes=((events.Key(97),),))
    assert shower.run() is Ending.EXIT
    assert shower.frames == [1, 2]
    assert shower.computer.stdout == b""


def test_a_replay_that_hangs_ends_with_the_time() -> None:
    shower = Shower("&l !&l", limits=Limits(seconds=0.1))

    def frames() -> Iterator[Frame]:
        yield shower.computer.frame()

    shower._replay = frames()
    assert shower.run() is Ending.TIME


def test_it_ends_with_the_program() -> None:
    assert Shower("#01 #0f DEO BRK").run() is Ending.EXIT
