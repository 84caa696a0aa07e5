"""What a window costs, how evenly it runs, and whether its sound lasts.

    python -m bench.window idle|still|frame|pace|sound|all [--seconds N] [--scale N] [--json FILE]

    idle    CPU share of a window whose program waits for keys
    still   the same with a screen vector that draws nothing, sixty times a second
    frame   milliseconds to show a full frame of 512x320: composition, upload, presentation
    pace    frames a second, and how far the time between two is from a sixtieth
    sound   how often the sound ran dry under a guest that never lets go of the processor

It needs a display; without one, `xvfb-run -a python -m bench.window all`. Presentation then is that
of SDL's software renderer. Nothing is heard: the sound goes to SDL's dummy driver, which takes it
at a card's pace, unless SDL_AUDIODRIVER names another.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from time import perf_counter, process_time, sleep

from jitvm.guests.uxn.assembler import assemble
from jitvm.guests.uxn.varvara.computer import Computer
from jitvm.platform.frames import RATE, SAMPLES
from jitvm.window import WindowError

TYPE_CHECKING = False  # as in jitvm: importing the window fails where there is no SDL
if TYPE_CHECKING:
    from jitvm.platform.frames import Frame
    from jitvm.window.player import Player

SETTLE = 2
"""Seconds before anything is measured, for the window to open and the JIT to be done."""

FULL = (0, 0, 512, 320)

DEVICES = """
|08 @System &r $2 &g $2 &b $2
|20 @Screen &vector $2 &width $2 &height $2 &auto $1 &pad $1 &x $2 &y $2 &addr $2 &pixel $1
|80 @Controller &vector $2
|0100 #0f0f .System/r DEO2 #00ff .System/g DEO2 #f00f .System/b DEO2 #81 .Screen/pixel DEO
"""
IDLE = DEVICES + ";on .Controller/vector DEO2 BRK @on BRK"
STILL = DEVICES + ";on .Screen/vector DEO2 BRK @on BRK"
FILL = (
    DEVICES
    + """ ;on .Screen/vector DEO2 BRK
@on ( fills the screen with one of two colours, in turns )
    #0000 .Screen/x DEO2 #0000 .Screen/y DEO2
    [ LIT &colour 80 ] #01 EOR DUP ,&colour STR .Screen/pixel DEO BRK"""
)
DOT = (
    DEVICES
    + """ ;on .Screen/vector DEO2 BRK
@on .Screen/x DEI2 INC2 .Screen/x DEO2 #01 .Screen/pixel DEO BRK"""
)
NOISE = (
    DEVICES
    + """ ;on .Screen/vector DEO2
    #30 voice #40 voice #50 voice #60 voice BRK
@on ( draws and looks at the clock, without an end )
    &loop .Screen/x DEI2 INC2 .Screen/x DEO2 #42 .Screen/pixel DEO #c6 DEI POP !&loop
@voice ( device -- ) ( plays the wave until the end, each voice another tone )
    STH
    ;wave STHkr #0c ADD DEO2
    #0040 STHkr #0a ADD DEO2
    #ff STHkr #0e ADD DEO
    #0000 STHkr #08 ADD DEO2
    STHkr #02 SFT #24 ADD STHr #0f ADD DEO JMP2r
@wave 0040 80c0 0040 80c0 0040 80c0 0040 80c0 0040 80c0 0040 80c0 0040 80c0 0040 80c0
    0040 80c0 0040 80c0 0040 80c0 0040 80c0 0040 80c0 0040 80c0 0040 80c0 0040 80c0"""
)


@dataclass(frozen=True, slots=True)
class Options:
    """How to measure: seconds for each figure after `SETTLE`, window pixels for a pixel."""

    seconds: int
    scale: int


# -- figures -------------------------------------------------------------------------------------


class Figure:
    """Something measured, printed as `TEXT` has it."""

    __slots__ = ()
    TEXT = ""

    def __str__(self) -> str:
        return self.TEXT.format(self)


@dataclass(frozen=True, slots=True)
class Spread(Figure):
    """How values are distributed, in milliseconds."""

    TEXT = "median {0.median:.3f} ms, p99 {0.p99:.3f} ms, most {0.most:.3f} ms"

    median: float
    p99: float
    most: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Spread:
        """That of durations in seconds, one at least."""
        ordered = sorted(1e3 * value for value in seconds)
        p99 = ordered[math.ceil(0.99 * len(ordered)) - 1]
        return cls(statistics.median(ordered), p99, ordered[-1])


@dataclass(frozen=True, slots=True)
class Share(Figure):
    """What a window takes of one core, in per cent, and the frames that it ran."""

    TEXT = "{0.percent:.2f} % of a core, {0.frames} frames"

    percent: float
    frames: int


@dataclass(frozen=True, slots=True)
class FrameCost(Figure):
    """The parts of showing a full frame."""

    TEXT = "compose  {0.compose}\n         upload   {0.upload}\n         present  {0.present}"

    compose: Spread
    upload: Spread
    present: Spread


@dataclass(frozen=True, slots=True)
class Pace(Figure):
    """Frames a second, how far the times between them are from a sixtieth, frames left out."""

    TEXT = "{0.rate:.3f} frames a second, off by {0.deviation}; {0.dropped} dropped"

    rate: float
    deviation: Spread
    dropped: int


@dataclass(frozen=True, slots=True)
class Sound(Figure):
    """How often sound ran dry, its delay at the end in milliseconds, seconds of it played."""

    TEXT = "{0.underruns} underruns in {0.played:.1f} s, delay {0.delay:.0f} ms"

    underruns: int
    delay: float
    played: float


# -- measuring -----------------------------------------------------------------------------------


def idle(options: Options) -> Share:
    """Measure a program that waits for keys."""
    return _share(IDLE, options)


def still(options: Options) -> Share:
    """Measure a program with frames in which nothing is drawn."""
    return _share(STILL, options)


def _share(source: str, options: Options) -> Share:
    computer = _computer(source)
    computer.frame()
    player = _player(computer, options, 1)
    with ThreadPoolExecutor(1) as watcher:
        percent = watcher.submit(_percent, options.seconds)
        player.run()
        return Share(percent.result(), computer.frames.number)


def _percent(seconds: int) -> float:
    """What this process takes of a core, measured from a thread beside its window."""
    sleep(SETTLE)
    worked, begun = process_time(), perf_counter()
    sleep(seconds)
    return 100 * (process_time() - worked) / (perf_counter() - begun)


def frame(options: Options) -> FrameCost:
    """Time what a player does to show a frame, at its pace, with the guest's work left out."""
    from jitvm.playing.pacing import Pacer
    from jitvm.window.binding import poll_events
    from jitvm.window.display import Display

    computer = _computer(FILL)
    computer.boot()
    screen, times = computer.screen, []
    display = Display((screen.width, screen.height), options.scale, False, "bench.window")
    pacer = Pacer(RATE)
    try:
        for _ in range((SETTLE + options.seconds) * RATE):
            sleep(pacer.remaining())
            pacer.begin()
            poll_events()
            computer.evaluator.run(screen.vector)
            begun = perf_counter()
            screen.compose()
            composed = perf_counter()
            assert screen.changed == FULL
            display.update(screen.pixels, screen.changed)
            uploaded = perf_counter()
            display.present()
            times.append((composed - begun, uploaded - composed, perf_counter() - uploaded))
    finally:
        display.close()
    compose, upload, present = zip(*times[SETTLE * RATE :], strict=True)
    return FrameCost(Spread.of(compose), Spread.of(upload), Spread.of(present))


def pace(options: Options) -> Pace:
    """Look at when frames of a light program end."""
    computer = _computer(DOT)
    computer.frame()
    times: list[float] = []
    player = _player(computer, options, 0, lambda _: times.append(perf_counter()))
    player.run()
    gaps = [after - before for before, after in pairwise(times[SETTLE * RATE :])]
    deviation = Spread.of([abs(gap - 1 / RATE) for gap in gaps])
    return Pace(1 / statistics.mean(gaps), deviation, player.pacer.dropped)


def sound(options: Options) -> Sound:
    """Play four voices while the guest draws without an end."""
    from jitvm.platform.sound import RATE as SOUND_RATE

    computer = _computer(NOISE)
    computer.boot()
    assert computer.audio.render(SAMPLES).any(), "there is nothing to hear"
    player = _player(computer, options, 0)
    player.run()
    speaker = player.speaker
    return Sound(speaker.underruns, 1e3 * speaker.delay, speaker.played / SOUND_RATE)


def _computer(source: str) -> Computer:
    return Computer(assemble(source, name="window.tal").rom, sandbox=None)


def _player(
    computer: Computer,
    options: Options,
    margin: int,
    on_frame: Callable[[Frame], object] | None = None,
) -> Player:
    """A window that closes by itself, so many seconds after the measurement."""
    from jitvm.playing.loop import Limits
    from jitvm.window.player import Player

    limits = Limits(seconds=SETTLE + options.seconds + margin)
    return Player(computer, scale=options.scale, on_frame=on_frame, limits=limits)


# -- the command ---------------------------------------------------------------------------------

MEASUREMENTS: dict[str, Callable[[Options], Share | FrameCost | Pace | Sound]] = {
    "idle": idle,
    "still": still,
    "frame": frame,
    "pace": pace,
    "sound": sound,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; 2 where no window can be opened."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.window",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=[*MEASUREMENTS, "all"])
    parser.add_argument(
        "--seconds", type=_positive, default=8, help="for each figure (default: %(default)s)"
    )
    parser.add_argument(
        "--scale", type=_positive, default=2, help="size of a pixel (default: %(default)s)"
    )
    parser.add_argument("--json", type=Path, help="write the figures to a file")
    arguments = parser.parse_args(argv)
    os.environ.setdefault("SDL_AUDIODRIVER", "dummy")
    try:
        _check_display()
    except WindowError as error:
        reason = str(error).partition("; ")[0]
        print(
            f"bench.window: {reason}; it takes PySDL2 (pip install 'jitvm[window]') and a display "
            "(where there is none: xvfb-run -a python -m bench.window ...)",
            file=sys.stderr,
        )
        return 2
    options = Options(arguments.seconds, arguments.scale)
    figures = {}
    for name in MEASUREMENTS if arguments.what == "all" else (arguments.what,):
        figures[name] = MEASUREMENTS[name](options)
        print(f"{name:<8} {figures[name]}", flush=True)
    if arguments.json is not None:
        written = {name: asdict(figure) for name, figure in figures.items()}
        arguments.json.write_text(json.dumps(written) + "\n")
    return 0


def _check_display() -> None:
    from jitvm.window.binding import start_video

    start_video()


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of 1 or more")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
