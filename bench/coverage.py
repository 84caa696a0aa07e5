"""What coverage costs: ``python -m bench.coverage``.

Processor time of benchmark programs at the tier `jit`, with and without marks, in turns: of the
steady state, the least of so many rounds once nothing is being compiled any more; and of the first
run, with everything that is compiled meanwhile, of which nothing was kept.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from statistics import geometric_mean
from time import process_time, sleep

import jitvm
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.tables.params import Parameters
from jitvm.guest import Stop

PROGRAMS = ("fib", "tak", "primes16", "queens", "crc32", "matmul", "collatz32", "sha256")
FOLDER = Path(__file__).parent / "programs"
QUIET = 6
"""Runs in which nothing is installed before a machine is in its steady state."""
PAUSE = 0.15
"""Seconds between these, in which it is compiled thoroughly."""


def machine_of(name: str, *, marks: bool) -> Machine:
    """A machine with a program."""
    computer = jitvm.load(FOLDER / f"{name}.tal", tier=Tier.JIT, params=Parameters(keep=0))
    if marks:
        computer.machine.mark()
    return computer.machine


def seconds(machine: Machine, image: bytes) -> float:
    """Of processor time of all threads, for a run from the beginning."""
    machine.memory[:] = image
    machine.state.pointers[:] = [0] * len(machine.state.pointers)
    machine.page[0x0F] = 0
    began = process_time()
    assert machine.run(0x100) is Stop.HALT
    return process_time() - began


def settle(machine: Machine, image: bytes) -> None:
    """Run until nothing changes any more."""
    quiet = installed = 0
    while quiet < QUIET:
        seconds(machine, image)
        sleep(PAUSE)
        assert machine.jit is not None
        before, installed = installed, machine.jit.statistics.installed
        quiet = quiet + 1 if installed == before else 0


def main() -> None:
    """Measure all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("programs", nargs="*", default=PROGRAMS)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    ratios = []
    for name in given.programs:
        machines = [machine_of(name, marks=marks) for marks in (False, True)]
        image = bytes(machines[0].memory)
        first = [seconds(machine, image) for machine in machines]
        for machine in machines:
            settle(machine, image)
        times = [[seconds(machine, image) for machine in machines] for _ in range(given.rounds)]
        plain, marking = (min(each) for each in zip(*times, strict=True))
        ratio = marking / plain
        ratios.append(ratio)
        print(
            f"{name:12} steady {ratio - 1:+7.1%} of {plain * 1000:7.1f} ms, "
            f"first run {first[1] / first[0] - 1:+7.1%} of {first[0] * 1000:7.1f} ms"
        )
    print(f"{'all':12} steady {geometric_mean(ratios) - 1:+7.1%}")


if __name__ == "__main__":
    main()
