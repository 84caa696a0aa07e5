"""A guest's program at all tiers; see `jitvm.testing`."""

from __future__ import annotations

import os

from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.memory.cache import CodeCache
from jitvm.engine.tables.params import Parameters
from jitvm.engine.tables.struct import Struct
from jitvm.guest import Guest, Stop
from jitvm.guest.numbers import whole
from jitvm.testing.difference import Difference
from jitvm.testing.oracle import Spoiler
from jitvm.testing.programs import RandomProgram, random_programs

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from jitvm.platform import Platform, Program

    Connect = Callable[[Machine], object]

NATIVE = (Tier.INTERPRETER, Tier.JIT, Tier.IR)
"""What is compared with the reference."""
PARAMS = Parameters(
    hot=2, window=64, background=0, verify=1, polish=0, keep=0, nodes=60, quick=60, followers=2
)
"""What compiles as early as can be, in small regions, and checks what it compiles."""
ROUNDS = 2
"""Runs of a program at each tier; what the first has compiled the second begins with."""
SHOWN = 4
"""Differing bytes that a message shows."""


class Outcome(Struct, frozen=True):
    """What is seen of a machine after a run: whatever the reference says matters."""

    stop: str
    executed: int
    pc: int
    pointers: list[int]
    spaces: list[bytes]
    stacks: list[bytes]
    page: bytes


def compare(
    what: Guest | Platform,
    program: bytes | RandomProgram | str | os.PathLike[str] | Program,
    *,
    tiers: Sequence[Tier | str] = NATIVE,
    max_instructions: int = 20_000,
    connect: Connect | None = None,
    params: Parameters = PARAMS,
    **options: Any,
) -> None:
    """Run a program at the reference and at other tiers.

    Args:
        what: a guest, or a platform for a program with its devices.
        program: for a guest its bytes, which are put at the guest's origin, or a random program.
            For a platform a file, its bytes, or what the platform has loaded.
        tiers: what is compared with the reference.
        max_instructions: how many are executed at most, 1 or more; of a platform's console program
            as well. Programs with a screen run for a number of frames instead.
        connect: connects devices to each machine of a guest; they must do the same each time.
        params: limits of the JIT.
        options: for a platform: ``frames=60``, ``script=``, ``stdin=b""``, ``args=()``, and options
            of its own; see `jitvm.testing.computers`.

    Raises:
        Difference: a tier differs from the reference.
        DescriptionError: the description breaks a rule.
        ProgramError: a platform cannot load the program.
        ValueError: a number is out of range, or the program does not fit into memory.
    """
    budget = whole("max_instructions", max_instructions, 1)
    named = [Tier(tier) for tier in tiers]
    if not isinstance(what, Guest):
        from jitvm.testing.computers import compare_computers

        assert not isinstance(program, RandomProgram)
        compare_computers(what, program, named, budget, params, **options)
        return
    if not isinstance(program, bytes | bytearray | RandomProgram):
        raise TypeError(f"a guest's program is bytes, not {type(program).__name__}")
    if options:
        raise TypeError(f"{next(iter(options))} is an option of platforms; {what.name} is a guest")
    _Comparison(what, program, budget, connect, params).run(named)


def check(
    guest: Guest,
    *,
    seed: int = 0,
    count: int = 20,
    tiers: Sequence[Tier | str] = NATIVE,
    max_instructions: int = 2_000,
    connect: Connect | None = None,
) -> None:
    """Run random programs at all tiers; see `compare` and `random_programs`.

    Raises:
        Difference: a tier differs from the reference; the message names seed and program.
        DescriptionError: the description breaks a rule.
    """
    for program in random_programs(guest, seed, count):
        compare(
            guest, program, tiers=tiers, max_instructions=max_instructions, connect=connect
        )  # fmt: skip


def compared(machine: Machine) -> list[memoryview]:
    """Its spaces, but for windows, which `connect` may attach, and what is too large to copy."""
    spaces = zip(machine.guest.spaces, machine.state.spaces, strict=True)
    return [view for space, view in spaces if space.is_compared]


class _Comparison:
    """One program of one guest."""

    def __init__(
        self,
        guest: Guest,
        program: bytes | bytearray | RandomProgram,
        budget: int,
        connect: Connect | None,
        params: Parameters,
    ) -> None:
        self.guest = guest
        self.program = program
        self.connect = connect
        self.params = params
        self.budget, self.expected, self.dead = budget, *self._oracle(budget)
        self.budget = self.expected.executed

    def run(self, tiers: list[Tier]) -> None:
        """Run it at some tiers.

        Raises:
            Difference: one differs.
        """
        for tier in tiers:
            machine = self._machine(tier)
            for _ in range(ROUNDS):
                self._begin(machine)
                if found := self._differs(self.expected, self._outcome(machine, self.budget)):
                    raise Difference(self._message(tier, found))

    # -- running -----------------------------------------------------------------------------

    def _machine(self, tier: Tier) -> Machine:
        machine = Machine(self.guest, tier=tier, cache=CodeCache(), params=self.params)
        if self.connect is not None:
            self.connect(machine)
        return machine

    def _begin(self, machine: Machine) -> None:
        for view in (*compared(machine), *machine.state.stacks, machine.page):
            view[:] = bytes(len(view))
        if isinstance(self.program, RandomProgram):
            self.program.put_in(machine)
            return
        origin, size = self.guest.origin, len(self.program)
        if origin + size > len(machine.memory):
            raise ValueError(
                f"a program of {size} bytes at {origin:#x} does not fit into {self.guest.name}"
            )
        machine.memory[origin : origin + size] = self.program
        machine.code_written(0, len(machine.memory))
        machine.state.pointers[:] = [0] * len(machine.state.pointers)
        machine.state.pc = origin

    def _oracle(self, budget: int) -> tuple[Outcome, list[set[int]]]:
        """What has to come out, and what does not matter: dead bytes of stacks."""
        machine = self._machine(Tier.REFERENCE)
        self._begin(machine)
        reference = Spoiler(self.guest, machine.state)
        stop = Stop.BUDGET
        while stop is Stop.BUDGET and reference.executed < budget:
            stop = reference.run(1)
            if reference.has_looked:
                return self._oracle(reference.executed - 1)
        return self._seen(machine, stop, reference.executed), reference.dead

    def _outcome(self, machine: Machine, budget: int) -> Outcome:
        """Run on in two pieces, up to a number of instructions."""
        before = machine.executed
        stop = Stop.BUDGET
        for piece in (budget // 3, budget - budget // 3):
            if stop is Stop.BUDGET:
                stop = machine.run(max_instructions=piece)
        return self._seen(machine, stop, machine.executed - before)

    def _seen(self, machine: Machine, stop: Stop, executed: int) -> Outcome:
        state = machine.state
        return Outcome(
            stop=stop.name.lower(),
            executed=executed,
            pc=state.pc,
            pointers=list(state.pointers),
            spaces=[bytes(space) for space in compared(machine)],
            stacks=[bytes(stack) for stack in state.stacks],
            page=bytes(machine.page),
        )

    # -- comparing ---------------------------------------------------------------------------

    def _differs(self, expected: Outcome, got: Outcome) -> str:
        """In what two outcomes differ; empty if they do not."""
        found = []
        for name in ("stop", "executed", "pc", "pointers"):
            a, b = getattr(expected, name), getattr(got, name)
            if a != b:
                a, b = (f"{each:#06x}" if name == "pc" else each for each in (a, b))
                found.append(f"{name} is {b}, reference {a}")
        spaces = [space for space in self.guest.spaces if space.is_compared]
        stacks = self.guest.stacks
        names = [*[space.name for space in spaces], *[stack.name for stack in stacks], "ports"]
        rows = zip(
            names,
            [*expected.spaces, *expected.stacks, expected.page],
            [*got.spaces, *got.stacks, got.page],
            [*[set[int]()] * len(spaces), *self.dead, set[int]()],
            strict=True,
        )
        for name, before, after, dead in rows:
            places = [
                at
                for at, (a, b) in enumerate(zip(before, after, strict=True))
                if a != b and at not in dead
            ] if before != after else []  # fmt: skip
            found += [
                f"{name}[{at:#06x}] is {after[at]:#04x}, reference {before[at]:#04x}"
                for at in places[:SHOWN]
            ]
            if len(places) > SHOWN:
                found.append(f"{len(places) - SHOWN} more bytes of {name}")
        return "; ".join(found)

    def _message(self, tier: Tier, found: str) -> str:
        where = f"{self.guest.name} at tier {tier}"
        if isinstance(self.program, RandomProgram):
            where += f", random program {self.program.number} of seed {self.program.seed}"
        return f"{where}: {self._narrowed(tier) or f'after {self.budget} instructions: {found}'}"

    def _narrowed(self, tier: Tier) -> str:
        """The first instruction after which the tier differs, where new machines show it, too."""
        low, high, found = 0, self.budget, ""
        while low < high:
            middle = (low + high) // 2
            if difference := self._difference_after(tier, middle):
                high, found = middle, difference
            else:
                low = middle + 1
        if not found:
            return ""
        before = self._machine(Tier.REFERENCE)
        self._begin(before)
        before.run(max_instructions=max(high - 1, 0))
        pc = before.state.pc
        row = self.guest.opcodes[before.memory[pc]]
        size = len(before.memory)
        code = bytes(before.memory[(pc + i) % size] for i in range(row.length)).hex(" ")
        return f"after {high} instructions, the last {row.name} ({code}) at {pc:#06x}: {found}"

    def _difference_after(self, tier: Tier, budget: int) -> str:
        expected, self.dead = self._oracle(budget)
        machine = self._machine(tier)
        for _ in range(ROUNDS):
            self._begin(machine)
            if found := self._differs(expected, self._outcome(machine, expected.executed)):
                return found
        return ""
