"""A child process that runs one program on one tier, on request.

    python -m bench.worker TIER ROM STDIN SANDBOX|- FRAMES [ARGS...]

Requests are lines of standard input, answers are lines of JSON:

    (start)   {"llvm_loaded": false}                        once the program is loaded
    count     {"instructions": 41, "output_sha256": "..."}  one run in which all are counted
    warm      {"runs": 7, "steady": true}                   runs until no new region is installed
    run       {"ms": 1.25, "output_sha256": "..."}          one timed run

A run is the reset vector, one event for each byte of the arguments and of the standard input, the
event that announces its end, and the output taken out of the machine; garbage collection is off.
With FRAMES above 0 it is the reset vector and so many frames, or fewer where the program ends: the
screen vector of each, and its picture.
Before a run memory, registers and ports are put back, untimed, to what they were after loading.
Native code made in earlier runs stays.
"""

from __future__ import annotations

import gc
import hashlib
import io
import json
import sys
from pathlib import Path
from time import monotonic, perf_counter_ns

from jitvm.engine.machine.machine import Tier
from jitvm.guests.uxn.varvara import Computer

SETTLED_RUNS = 2
SETTLED_SECONDS = 1.0
"""It is steady when nothing was installed for so many runs and seconds: regions are compiled again,
thoroughly, a quarter of a second after the last new one."""

WARM_RUNS = 15
WARM_SECONDS = 8.0
"""When both have passed, warming up ends without being steady."""


class Bench:
    """One program in one computer.

    Args:
        tier: what executes it.
        rom: the program.
        stdin: its standard input.
        sandbox: the folder of its files, or None.
        frames: how many it is given at most; 0 for a console program.
        args: its command line.
    """

    def __init__(
        self,
        tier: Tier,
        rom: bytes,
        stdin: bytes,
        sandbox: str | None,
        frames: int,
        args: list[str],
    ) -> None:
        self._stdin, self._frames = stdin, frames
        self._stdout, self._stderr = io.BytesIO(), io.BytesIO()
        self._computer = Computer(
            rom, args=args, tier=tier, sandbox=sandbox, stdout=self._stdout, stderr=self._stderr
        )
        self._fresh = self._computer.snapshot()

    def run(self) -> dict[str, object]:
        """Run the program once and time it."""
        self._restore()
        gc.collect()
        gc.disable()
        begin = perf_counter_ns()
        self._live()
        end = perf_counter_ns()
        gc.enable()
        return {"ms": (end - begin) / 1e6, "output_sha256": self._digest()}

    def count(self) -> dict[str, object]:
        """Run the program once and count its instructions."""
        machine = self._computer.machine
        self._restore()
        machine.counting = True
        before = machine.executed
        self._live()
        machine.counting = False
        return {"instructions": machine.executed - before, "output_sha256": self._digest()}

    def warm(self) -> dict[str, object]:
        """Run the program until native code has settled."""
        begin = since = monotonic()
        runs = settled = 0
        installed = self._installed()
        while True:
            self.run()
            runs, settled, now = runs + 1, settled + 1, monotonic()
            if self._installed() != installed:
                installed, settled, since = self._installed(), 0, now
            if settled >= SETTLED_RUNS and now - since >= SETTLED_SECONDS:
                return {"runs": runs, "steady": True}
            if runs >= WARM_RUNS and now - begin >= WARM_SECONDS:
                return {"runs": runs, "steady": False}

    def _live(self) -> None:
        computer = self._computer
        if self._frames:
            self._show()
        else:
            computer.start()
            if computer.machine.vector:
                computer.send_arguments()
                computer.feed(self._stdin)
                computer.end_of_input()
        computer.output.flush()

    def _show(self) -> None:
        for _ in range(self._frames):
            self._computer.frame()
            if self._computer.is_ended:
                return

    def _restore(self) -> None:
        self._computer.restore(self._fresh)
        for device in self._computer.files:
            device.reset()
        for stream in (self._stdout, self._stderr):
            stream.seek(0)
            stream.truncate()

    def _digest(self) -> str:
        return hashlib.sha256(self._stdout.getbuffer()).hexdigest()

    def _installed(self) -> int:
        """How many regions were installed so far."""
        jit = self._computer.machine.jit
        return 0 if jit is None else jit.statistics.installed


def main(arguments: list[str]) -> int:
    """Serve requests until standard input ends."""
    tier, rom, stdin, sandbox, frames, *args = arguments
    bench = Bench(
        Tier(tier),
        Path(rom).read_bytes(),
        Path(stdin).read_bytes(),
        None if sandbox == "-" else sandbox,
        int(frames),
        args,
    )
    requests = {"run": bench.run, "count": bench.count, "warm": bench.warm}
    print(json.dumps({"llvm_loaded": "llvmlite" in sys.modules}), flush=True)
    for line in sys.stdin:
        print(json.dumps(requests[line.strip()]()), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
