"""Runs of the fuzzer's programs that stop here and there, as all tiers have to see them.

A *plan* says where to stop, of which bytes and ports to be told, and when to change one's mind.
What is seen is the list of all stops and all that was told, in order, with the state at each.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.tables.params import Parameters
from jitvm.guest import Stop
from tests.fuzz.case import Case
from tests.fuzz.lab import EVENT, START, STOP, VECTOR, Fault, Lab

MOST_STOPS = 120
LIMIT = 12_000
"""Instructions of a run: the reference takes part."""


@dataclass
class Plan:
    """Where a run stops.

    Attributes:
        breaks, opcodes: as `Machine.break_at` has them, one after the other.
        every: with a judge, every how many times it says yes; 0: there is none.
        watched: bytes of which stores are told.
        reads, writes: ports of which accesses are told.
        halting: every how many times what is told stops the run; 0: never.
    """

    breaks: list[frozenset[int]] = field(default_factory=lambda: [frozenset()])
    opcodes: list[frozenset[int]] = field(default_factory=lambda: [frozenset()])
    every: int = 0
    watched: frozenset[int] = frozenset()
    reads: frozenset[int] = frozenset()
    writes: frozenset[int] = frozenset()
    halting: int = 0


def plan_of(seed: int, case: Case) -> Plan:
    """A plan for a program: at places that it gets to, mostly, and bytes that it writes."""
    rng = random.Random(f"plan {seed}")
    machine = Lab(Tier.REFERENCE).machine
    rom = case.rom()
    machine.memory[START : START + len(rom)] = rom
    before, visited = bytes(machine.memory), Counter[int]()

    def note(pc: int) -> bool:
        visited[pc] += 1
        return False

    machine.break_at(range(START, START + len(rom)), judge=note)
    with suppress(Fault):
        machine.run(START, max_instructions=2000)
    rarest = sorted(visited, key=lambda pc: (visited[pc], pc))
    places = rarest[: max(len(rarest) // rng.choice((1, 3)), 1)]
    written = [at for at, byte in enumerate(machine.memory) if byte != before[at]]

    def some(of: list[int], most: int) -> frozenset[int]:
        return frozenset(rng.sample(of, min(len(of), rng.randint(0, most))))

    kind = rng.choice(("breaks", "breaks", "opcodes", "watch", "ports", "all"))
    plan = Plan(every=rng.choice((0, 0, 2, 7, 50)), halting=rng.choice((0, 1, 3, 20)))
    if kind in ("breaks", "all"):
        plan.breaks = [some(places, 4) for _ in range(rng.randint(1, 3))]
    if kind in ("opcodes", "all"):
        opcodes = sorted({machine.memory[at] for at in places})
        plan.opcodes = [some(opcodes, 2) for _ in range(rng.randint(1, 2))]
    if kind in ("watch", "all"):
        plan.watched = some(written or places, 6) | some(places, 1)
    if kind in ("ports", "all"):
        ports = [0x12, 0x13, 0x18, 0x19, 0x23, 0x66, 0x30, 0x64]
        plan.reads, plan.writes = some(ports, 4), some(ports, 4)
    return plan


def seen(tier: Tier, case: Case, plan: Plan) -> tuple[list[object], Machine]:
    """All that a tier shows of a run by plan."""
    lab = Lab(tier, Parameters(**{"verify": 1, **case.params}))
    machine = lab.machine
    lab.load(case, case.rom())
    machine.counting = True
    found: list[object] = []
    asked = judged = 0

    def judge(_pc: int) -> bool:
        nonlocal judged
        judged += 1
        found.append(("judge", state(machine)))
        return judged % plan.every == 0

    def told(*what: object) -> None:
        nonlocal asked
        asked += 1
        found.append(what)
        if plan.halting and asked % plan.halting == 0:
            machine.break_here()

    def change(number: int) -> None:
        machine.break_at(
            plan.breaks[number % len(plan.breaks)],
            plan.opcodes[number % len(plan.opcodes)],
            judge if plan.every else None,
        )

    machine.watch_writes(plan.watched, lambda at, _: told(at, machine.memory[at]))
    machine.watch_ports(plan.reads, plan.writes, told)
    change(0)

    def finish(first: Callable[[], Stop]) -> None:
        stops, run = 0, first
        while True:
            try:
                stop = run()
            except Fault:
                stop = Stop.INTERRUPT
            found.append((stop, machine.executed, state(machine)))
            if stop is Stop.HALT or machine.executed >= LIMIT:
                return
            stops += 1
            if stops % 5 == 0:
                change(stops // 5)
            if stops == MOST_STOPS:
                machine.break_at(())
                machine.watch_writes((), None)
                machine.watch_ports((), (), None)
            if stop is Stop.BREAK:
                machine.pass_break()
            run = lambda: machine.run(max_instructions=LIMIT - machine.executed)  # noqa: E731

    finish(lambda: machine.run(START, max_instructions=LIMIT))
    events = case.events
    while events and machine.executed < LIMIT and not machine.page[STOP]:

        def deliver(data: bytes = events) -> Stop:
            budget = LIMIT - machine.executed
            return machine.deliver(
                data, port=EVENT, stop_port=STOP, vector_port=VECTOR, max_instructions=budget
            ).stop

        finish(deliver)
        events = events[machine.begun :]
    found.append((bytes(machine.memory), bytes(machine.page), lab.noted, machine.take_output()))
    return found, machine


def state(machine: Machine) -> tuple[object, ...]:
    """Program counter and live bytes of both stacks."""
    now = machine.state
    stacks = zip(now.stacks, now.pointers, strict=True)
    return now.pc, *(bytes(stack[:pointer]) for stack, pointer in stacks)
