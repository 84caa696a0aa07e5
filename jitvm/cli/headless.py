"""Runs the frames of a program with a screen without showing them, as fast as possible.

live(computer, script, stdin, last)       its frames, after the reset vector
run(computer, count, script, stdin)       so many frames, or until it ends
"""

from __future__ import annotations

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterator

    from jitvm.platform.computer import Computer
    from jitvm.platform.evaluator import Ending
    from jitvm.platform.events import Event
    from jitvm.platform.frames import Frame
    from jitvm.platform.input import Readable
    from jitvm.platform.script import Script

FRAMES = 600
"""How many a program gets where nobody says."""


def live(
    computer: Computer, script: Script | None, stdin: Readable | None, last: int | None
) -> Iterator[Frame]:
    """Frames of a program that has its input from a script and from standard input, up to number
    `last`; those without any may be several at a time, of which it gives the last one."""
    typed, frames = _StdinEvents(computer, stdin), computer.frames
    while not computer.is_ended and (last is None or frames.number < last):
        if script is None and not typed.is_due:
            yield frames.pass_by(None if last is None else last - frames.number)
            continue
        events = script.at(frames.number + 1) if script else ()
        yield computer.frame((*events, *typed.take()))


def run(computer: Computer, count: int, script: Script | None, stdin: Readable | None) -> Ending:
    """Run `count` frames, or fewer where the program ends.

    Raises:
        LimitReached, KeyboardInterrupt, OutputError: as for `Computer.frame`.
    """
    from jitvm.platform.evaluator import Ending

    for _ in live(computer, script, stdin, count):
        computer.evaluator.check_time()
    return Ending.EXIT if computer.is_ended else Ending.FRAMES


class _StdinEvents:
    """Turns standard input into events, without ever waiting for it.

    It is read only for a program that listens to its console, and a chunk a frame: so a program
    that reads a file gets it in the same frames each time.
    """

    CHUNK = 8192

    def __init__(self, computer: Computer, stream: Readable | None) -> None:
        import select

        self._computer = computer
        self._descriptor: int | None = None
        self._poll = select.poll()
        try:
            self._descriptor = None if stream is None else stream.fileno()  # type: ignore[attr-defined]
        except (AttributeError, OSError):
            return  # a stream without a descriptor cannot be asked whether it would wait
        if self._descriptor is not None:
            self._poll.register(self._descriptor, select.POLLIN)

    @property
    def is_due(self) -> bool:
        """Whether the program wants it, as far as there is any."""
        return self._descriptor is not None and self._computer.listens

    def take(self) -> tuple[Event, ...]:
        """What has come since the last frame."""
        import os

        if self._descriptor is None or not self.is_due:
            return ()
        if not self._poll.poll(0):
            return ()
        from jitvm.platform.events import EndOfInput, Stdin

        data = os.read(self._descriptor, self.CHUNK)
        if data:
            return (Stdin(data),)
        self._descriptor = None
        return (EndOfInput(),)
