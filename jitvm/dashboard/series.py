"""A bounded number of samples over time: the past gets coarser instead of longer.

    time  ->   0.0  0.4  0.8 ............ 11.2  11.6        one sample per `period`
    full:      every two samples become one, and `period` doubles

So a run of a day takes no more memory, and no more to send, than a run of a minute. Values are
sums (instructions, seconds) over the sample's time; two samples are merged by adding them.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, fields

MOST = 1200
"""Samples kept; an even number."""
SHORTEST = 0.1
"""Seconds of a sample at first."""
USUAL_COST = 1.5e-9
"""Seconds an interpreted instruction takes, about, until it is measured."""
ENOUGH = 100_000
"""Instructions of a sample that measures it."""
WHILE = 20
"""Samples that lumps are spread over."""


@dataclass(slots=True)
class Sample:
    """What happened in a stretch of time. Times are seconds of the guest's thread but where noted.

    Attributes:
        end: seconds since the run began, at the end of the stretch.
        span: seconds it lasted.
        native, interpreted: instructions by tier.
        running: the guest ran, at whichever tier.
        waiting: it waited for a frame or an input.
        paused: the run was paused.
        recording: of `running`, while a recording was made.
        devices: of `running`, in Python devices.
        compiling: of the compile thread, which works beside the guest's.
        events: events of the JIT.
        counted: of `span`, while all instructions were counted; `native` is all there were only
            where that is all of it.
        interpreting, in_native: of `running`, the rest of it, as `Cost` parts it.
    """

    end: float
    span: float = 0.0
    native: int = 0
    interpreted: int = 0
    running: float = 0.0
    waiting: float = 0.0
    paused: float = 0.0
    recording: float = 0.0
    compiling: float = 0.0
    events: int = 0
    devices: float = 0.0
    interpreting: float = 0.0
    in_native: float = 0.0
    counted: float = 0.0

    def add(self, other: Sample) -> None:
        """Make it the sum of both; `other` is the later one."""
        self.end = other.end
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def row(self) -> list[float]:
        """Values in the order of `COLUMNS`."""
        return [round(getattr(self, name), 5) for name in COLUMNS]


COLUMNS = tuple(field.name for field in fields(Sample))
_SUMS = COLUMNS[1:]


class Series:
    """Samples of one run; for one writer, and readers under the writer's lock.

    Attributes:
        added: how many samples were ever put in.
        folded: how often the past was made coarser: readers then have to read all of it again.
    """

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.period = SHORTEST
        self.added = self.folded = 0

    def add(self, sample: Sample) -> None:
        """Append a sample; short ones are merged with the last."""
        self.added += 1
        if self.samples and self.samples[-1].span + sample.span / 2 < self.period:
            self.samples[-1].add(sample)
            return
        if len(self.samples) >= MOST:
            self._fold()
        self.samples.append(sample)

    def _fold(self) -> None:
        pairs = list(zip(self.samples[::2], self.samples[1::2], strict=True))
        for first, second in pairs:
            first.add(second)
        self.samples = [first for first, _ in pairs]
        self.period *= 2
        self.folded += 1

    def since(self, index: int) -> list[list[float]]:
        """Rows from a sample on; the last one a reader has may have grown since it was read."""
        return [sample.row() for sample in self.samples[index:]]


class Cost:
    """Estimates how long a sample was interpreting: its instructions, at what one takes.

    That is taken from samples in which hardly anything else ran: the least of these, as native
    instructions may not be counted.
    """

    def __init__(self) -> None:
        self._seconds = USUAL_COST
        self._measured: list[float] = []

    def part(self, sample: Sample, *, has_native: bool = True) -> None:
        """Divide the time of a sample between the tiers, if there was native code at all."""
        time = max(sample.running - sample.devices - sample.recording, 0.0)
        is_plain = not sample.devices and not sample.recording
        if is_plain and sample.interpreted > max(ENOUGH, 100 * sample.native):
            self._measured = sorted([*self._measured, time / sample.interpreted])[:2]
            if len(self._measured) > 1:
                self._seconds = self._measured[0]
        least = sample.interpreted * self._seconds
        sample.interpreting = min(time, least) if has_native else time
        sample.in_native = time - sample.interpreting


class Part:
    """What part of a sum another one is, where that is known in lumps only: over `WHILE` samples.

    part.of(0.1, total)     as much of 0.1 as `total` has lately grown by, for each of these
    """

    def __init__(self) -> None:
        self._sum = 0.0
        self._recent: deque[tuple[float, float]] = deque([(0.0, 0.0)], maxlen=WHILE)

    def of(self, amount: float, total: float) -> float:
        """The part of the next amount; `total` is the other sum so far."""
        self._sum += amount
        sum_before, total_before = self._recent[0]
        self._recent.append((self._sum, total))
        grown = self._sum - sum_before
        return amount * min(max(total - total_before, 0.0) / grown, 1.0) if grown else 0.0
