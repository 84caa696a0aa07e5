"""Kills runs at moments in which they write, and looks for what is left.

    part made --(a)--> first bytes in it --(b)--> in its place

A kill waits for one of the first two moments, in turn, and then for a random time. Whether it came
before the third is seen from what the kernel tells, and counted. How long the time is at most is
found by trying: longer after a kill that came before, shorter after one that came behind, so that
some three of four come before, all over the time in which the file is written.
"""

from __future__ import annotations

import json
import os
import random
import re
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from jitvm.engine.memory.cachefolder import TAG
from tests.kills.inotify import Happened, Watch
from tests.kills.kinds import Kind

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP)
PATIENCE = 120.0
"""Seconds after which a run hangs."""
LONGER, SHORTER = 1.3, 0.45
"""By what the longest wait changes with each kill."""
IN_TIME = re.compile(r"(jitvm: error: [^\n]*, so it is not written\n)?")
"""What a command that is killed may say: that there was nothing to write yet."""
COARSE = 0.001
"""Seconds below which a time is waited for by looking at the clock."""


class Forker:
    """The process that commands are forked from, for a ``with`` block."""

    def __enter__(self) -> Forker:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.kills.forker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
            cwd=Path(__file__).parents[2], env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._requests, self._answers = self._process.stdin, self._process.stdout
        return self

    def __exit__(self, *_: object) -> None:
        self._requests.close()
        self._process.wait(PATIENCE)
        self._answers.close()

    @property
    def descriptor(self) -> int:
        """Where something can be read when the command has ended."""
        return self._answers.fileno()

    def start(self, words: tuple[str, ...], folder: Path, cache: Path, errors: Path) -> int:
        """Run a command; a descriptor of its process, which no other one can take the place of."""
        request = {
            "words": words, "folder": str(folder), "cache": str(cache), "errors": str(errors),
        }  # fmt: skip
        self._requests.write(json.dumps(request).encode() + b"\n")
        process = os.pidfd_open(int(self._answers.readline()))
        self._requests.write(b"\n")
        return process

    def status(self) -> int:
        """How it has ended; waits for that.

        Raises:
            TimeoutError: it does not end.
        """
        if not select.select([self._answers], [], [], PATIENCE)[0]:
            raise TimeoutError("a command does not end")
        return int(self._answers.readline())


@dataclass
class Tally:
    """What came of the kills of one kind.

    Attributes:
        kills: how many.
        landed: those before the file was in its place; inside: of these, with bytes in the part.
        left: parts that SIGKILL has left on disk, which the next run had to remove.
        faults: what was wrong.
    """

    kills: int = 0
    landed: int = 0
    inside: int = 0
    left: int = 0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.kills} kills, {self.landed} while it was written ({self.inside} with bytes in "
            f"it), {self.left} parts left by SIGKILL, {len(self.faults)} faults"
        )


class Killer:
    """Kills runs that write one kind of file.

    Args:
        forker: runs commands.
        kind: what they write.
        folder: an empty one.
        seed: of the random times.
        cache: the folder of the code cache, which others may use; None for one of its own.
    """

    def __init__(
        self, forker: Forker, kind: Kind, folder: Path, seed: int, cache: Path | None = None
    ) -> None:
        self._forker, self._kind = forker, kind
        self._chance = random.Random(seed)
        self._files, self._cache = folder / "files", cache or folder / "cache"
        self._errors = folder / "errors"
        self._target = self._cache if kind.is_cached else self._files
        self._tally = Tally()
        self._longest = [COARSE, COARSE]
        for each in (self._files, self._cache):
            each.mkdir(exist_ok=True)
        (self._files / "program.tal").write_text(kind.program)

    def kill(self, kills: int) -> Tally:
        """Kill so many runs, and look after each."""
        self._watch = Watch(self._target)
        try:
            self._leave_alone("before")
            for turn in range(kills):
                self._kill_one(turn, SIGNALS[turn % len(SIGNALS)])
            self._leave_alone("in the end")
        finally:
            self._watch.close()
        return self._tally

    def _kill_one(self, turn: int, number: signal.Signals) -> None:
        if self._kind.is_cached:
            self._chance.choice([*self._whole()] or [self._errors]).unlink()
        anchor = turn // len(SIGNALS) % 2
        process = self._start()
        seen = self._wait_for((Happened.MADE, Happened.FILLED)[anchor])
        is_late = Happened.PLACED in seen
        if not is_late:
            _pause(self._chance.uniform(0, self._longest[anchor]))
            seen |= self._watch.news()
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(process, number)
        os.close(process)
        status, errors = self._ended()
        told = f"kill {turn} by {number.name}"
        has_landed = Happened.MADE in seen and Happened.PLACED not in seen
        if not is_late:
            self._longest[anchor] *= LONGER if has_landed else SHORTER
        self._tally.kills += 1
        self._tally.landed += has_landed
        self._tally.inside += has_landed and Happened.FILLED in seen
        # Where Python is being taken down, signals have no handlers any more.
        if status not in (0, -number, 128 + number) or not IN_TIME.fullmatch(errors):
            self._fault(f"{told}: status {status}: {errors}")
        self._look_at_files(told)
        if number is signal.SIGKILL:
            self._tally.left += len(self._strange())
            self._leave_alone(f"after {told}")
        else:
            self._look_around(told)

    def _leave_alone(self, moment: str) -> None:
        """Run it undisturbed, and look around."""
        os.close(self._start())
        status, errors = self._ended()
        if status or errors:
            self._fault(f"{moment}: status {status}: {errors}")
        if not [*self._whole()]:
            self._fault(f"{moment}: {self._kind.file} is missing")
        self._look_at_files(moment)
        self._look_around(moment)

    # -- a run -------------------------------------------------------------------------------

    def _start(self) -> int:
        self._watch.news()
        words = (*self._kind.words, "program.tal")
        return self._forker.start(words, self._files, self._cache, self._errors)

    def _wait_for(self, moment: Happened) -> Happened:
        """Until it has come, or the run has ended; what has happened until then."""
        seen = Happened(0)
        while not seen & moment:
            ready, _, _ = select.select(
                [self._watch.descriptor, self._forker.descriptor], [], [], PATIENCE
            )
            seen |= self._watch.news()
            if self._watch.descriptor not in ready:
                break
        return seen

    def _ended(self) -> tuple[int, str]:
        """Status and standard error of the run."""
        status = self._forker.status()
        return status, self._errors.read_text(errors="replace")

    # -- what is there -----------------------------------------------------------------------

    def _whole(self) -> list[Path]:
        return [*self._target.glob(self._kind.file)]

    def _strange(self) -> set[str]:
        """Files that do not belong where they are."""
        ours = {"program.tal", *(() if self._kind.is_cached else (self._kind.file,))}
        found = {path.name for path in self._files.iterdir()} - ours
        kept = {TAG, *(path.name for path in self._cache.glob("*.code"))}
        return found | {path.name for path in self._cache.iterdir()} - kept

    def _look_at_files(self, moment: str) -> None:
        for path in self._whole():
            try:
                self._kind.check(path)
            except Exception as fault:
                self._fault(f"{moment}: {path.name} is not whole: {fault!r}")

    def _look_around(self, moment: str) -> None:
        strange = self._strange()
        if strange:
            self._fault(f"{moment}: left behind: {', '.join(sorted(strange))}")

    def _fault(self, message: str) -> None:
        self._tally.faults.append(message)


def _pause(seconds: float) -> None:
    """Wait as exactly as it goes: `sleep` takes a tenth of a millisecond in any case."""
    end = time.monotonic() + seconds
    if seconds > COARSE:
        time.sleep(seconds - COARSE)
    while time.monotonic() < end:
        pass
