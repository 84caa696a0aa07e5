"""What sampling with call stacks costs: ``python -m bench.profiling``.

Processor time of the whole process, the threads of the profile included, each pair of runs in
turns, median of the ratios. The machine is a JIT in its steady state; the profile begins before a
run and ends after it, outside of the clock.

    loop        a loop that calls nothing
    calls       two calls in a loop, which the JIT compiles into it
    recursion   the Ackermann function: deep stacks, most of it between regions
    interpreted the loop without a JIT
"""

from __future__ import annotations

import argparse
from statistics import median
from time import process_time

import jitvm
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.guest import Stop

LOOP = "|0100 #0060 &outer #0000 &loop INC2 ORAk ?&loop POP2 #0001 SUB2 ORAk ?&outer POP2 BRK"
CALLS = """|0100 #0040 &outer #0000 &loop twice ORAk ?&loop POP2 #0001 SUB2 ORAk ?&outer POP2 BRK
@twice once !once @once INC2 #0002 MUL2 #0002 DIV2 JMP2r
"""
RECURSION = """|0100 #0020 &again #02 #20 ackermann POP #0001 SUB2 ORAk ?&again POP2 BRK
@ackermann ( m n -- a )
    OVR ?{ INC NIP JMP2r }
    DUP ?{ POP #01 SUB #01 !ackermann }
    OVR #01 SUB STH #01 SUB ackermann STHr SWP !ackermann
"""
SECONDS = 0.4
"""Of a measurement, about."""
PROGRAMS = {
    "loop": (LOOP, Tier.JIT),
    "calls": (CALLS, Tier.JIT),
    "recursion": (RECURSION, Tier.JIT),
    "interpreted": (LOOP.replace("#0060", "#0018"), Tier.INTERPRETER),
}


def machine_of(name: str) -> Machine:
    """A machine with a program, in its steady state."""
    source, tier = PROGRAMS[name]
    machine, rom = Machine(jitvm.UXN, tier=tier), jitvm.assemble(source).rom
    machine.memory[0x100 : 0x100 + len(rom)] = rom
    began = process_time()
    while process_time() - began < SECONDS:
        run(machine)
    return machine


def run(machine: Machine, times: int = 1) -> float:
    """Seconds of processor time of so many runs."""
    began = process_time()
    for _ in range(times):
        assert machine.run(0x100) is Stop.HALT
    return process_time() - began


def profiled(machine: Machine, times: int) -> tuple[float, int]:
    """The same while they are profiled, and how many call stacks were taken."""
    with jitvm.profile(machine) as profile:
        seconds = run(machine, times)
    return seconds, getattr(profile, "stack_samples", 0)


def main() -> None:
    """Measure all of them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    for name in PROGRAMS:
        machine = machine_of(name)
        times = max(1, round(SECONDS / run(machine)))
        pairs = [(run(machine, times), *profiled(machine, times)) for _ in range(rounds)]
        ratio = median(seconds / plain for plain, seconds, _ in pairs)
        samples = sum(count for *_, count in pairs)
        plain = median(seconds for seconds, *_ in pairs)
        print(f"{name:12} {ratio - 1:+7.1%} of {plain * 1000:.0f} ms, {samples} samples")


if __name__ == "__main__":
    main()
