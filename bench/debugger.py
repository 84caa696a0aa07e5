"""What a debugger costs: ``python -m bench.debugger``.

Processor time, each pair of runs in turns, medians. The machine is a JIT that counts
instructions, as in every debugging session, in its steady state.

    neighbour   a breakpoint behind a hot loop, which is not hit, against none
    watch       a watched range that the loop does not write, against none
    hits        a breakpoint with a condition that never holds, hit a million times
    back        a step back at the end of a run of so many seconds, the first one and the next ones
"""

from __future__ import annotations

import argparse
from statistics import median
from time import process_time

import jitvm
from jitvm.debugger.breakpoints import Kind
from jitvm.debugger.debugger import Debugger, Options
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.guest import Stop
from jitvm.platform import registry

LOOP = """|0100 #0400 &outer #0000
    &loop INC2 DUP2 #4000 STA2 DUP2 #8000 LTH2 ?&loop
    POP2 #0001 SUB2 ORAk ?&outer POP2 BRK
@neighbour #01 POP BRK
"""
COUNTING = "|0100 @main #0010 &outer #0000 &loop INC2 ORAk ?&loop POP2 #0001 SUB2 ORAk ?&outer BRK"
SPIN = """|0100 @main #0000 &a #0000 &b #0000 &c INC2 DUP2 #2000 STA2 ORAk ?&c POP2 INC2 ORAk ?&b
    POP2 INC2 !&a
"""


def machine_of(source: str) -> tuple[Machine, int]:
    """A machine with a program, and the address of its label `neighbour`, if it has one."""
    assembled = jitvm.assemble(source)
    machine = Machine(jitvm.UXN, tier=Tier.JIT)
    machine.memory[0x100 : 0x100 + len(assembled.rom)] = assembled.rom
    machine.counting = True
    return machine, assembled.symbols.address_of("neighbour") or 0


def seconds(machine: Machine) -> float:
    """Of processor time for a run."""
    began = process_time()
    assert machine.run(0x100) is Stop.HALT
    return process_time() - began


def pair(name: str, rounds: int) -> None:
    """A machine that is to stop somewhere, against one that is not."""
    plain, _ = machine_of(LOOP)
    other, neighbour = machine_of(LOOP)
    if name == "neighbour":
        other.break_at([neighbour])
    else:
        other.watch_writes(range(0x5000, 0x5100), lambda *_: other.break_here())
    for machine in (plain, other) * 4:  # to the steady state
        seconds(machine)
    times = [(seconds(plain), seconds(other)) for _ in range(rounds)]
    ratio = median(b / a for a, b in times)
    print(f"{name:10} {ratio - 1:+7.1%} of {median(a for a, _ in times) * 1000:.1f} ms")


def debugger_of(source: str) -> Debugger:
    """A debugger of a program."""
    platform = registry.named("uxn")
    from io import BytesIO

    return Debugger(platform, platform.read(BytesIO(source.encode()), "bench.tal"), Options())


def hits(rounds: int) -> None:
    """A condition that never holds."""
    times = []
    for _ in range(rounds):
        debugger = debugger_of(COUNTING)
        address = debugger.address_of("main/loop")
        assert address is not None
        debugger.breakpoint(Kind.CODE, [address], "loop", condition="wst[0]:2 == 0 && wst > 9")
        began = process_time()
        debugger.go_on()
        times.append(process_time() - began)
    print(f"hits       {median(times):7.2f} s for {16 * 65536} hits")


def back(length: float) -> None:
    """Steps back at the end of a long run."""
    debugger = debugger_of(SPIN)
    end = process_time() + length
    while process_time() < end:
        debugger.go_on(debugger.history.time + 100_000_000)
    moments = debugger.history.moments
    times = []
    for _ in range(6):
        began = process_time()
        debugger.past.back()
        times.append(process_time() - began)
    rest = max(times[1:])
    print(f"back       {times[0]:7.3f} s, then at most {rest:.3f} s, after {length:.0f} s and "
          f"{debugger.history.time:,} instructions; {len(moments)} snapshots, "
          f"{moments.size >> 10} KiB")  # fmt: skip
    began = process_time()
    assert debugger.past.last_write(0x2000) is not None
    print(f"who        {process_time() - began:7.3f} s for a byte that is written all the time")


def main() -> None:
    """Measure all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=60.0)
    given = parser.parse_args()
    pair("neighbour", given.rounds)
    pair("watch", given.rounds)
    hits(3)
    back(given.seconds)


if __name__ == "__main__":
    main()
