"""Random programs for any guest, generated from its description alone.

A program is written while it runs. Whenever the reference interpreter reaches an address where
there is no code yet, some instructions are tried, and one is chosen that does not halt and does not
lead into the middle of another. Occasionally it is one that leads back to existing code, so
programs have loops, and both sides of a branch are generated as far as they are taken.

Sensible operands are found by trial as well: those with which an instruction halts are left out. So
if a guest's operand bytes select the operation, and most of them are invalid, programs do not
consist mostly of invalid instructions.
"""

from __future__ import annotations

import random

from jitvm.engine.tables.struct import Struct
from jitvm.guest import Stop

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from collections.abc import Iterator

    from jitvm.engine.machine.machine import Machine
    from jitvm.guest import Guest, Opcode

SMALL = 4096
"""Bytes of the largest space that begins with random bytes."""
NEAR = 1024
"""Addresses below this are preferred in operands."""
SAMPLES = 256
"""Operands that are tried of each meaning."""
STEPS = 1500
"""Instructions that a program is executed for while it is written."""
WRITTEN = 200
"""Instructions of the longest program."""
CANDIDATES = 8
"""Instructions that are tried for a place; four times as many where it should lead back."""
LOOPS = 1 / 12
"""How often an instruction should lead back."""


class RandomProgram(Struct, frozen=True):
    """A program, and the state it begins in.

    Attributes:
        number: it came of the seed and this.
        spaces: contents of each space, code included.
        stacks, pointers: of each stack.
        pc: where it begins.
    """

    seed: int
    number: int
    spaces: tuple[bytes, ...]
    stacks: tuple[bytes, ...]
    pointers: tuple[int, ...]
    pc: int

    def put_in(self, machine: Machine) -> None:
        """Have a new machine begin with it."""
        state = machine.state
        for space, view, content in zip(
            machine.guest.spaces, state.spaces, self.spaces, strict=True
        ):
            if space.is_compared:
                view[:] = content
        for view, content in zip(state.stacks, self.stacks, strict=True):
            view[:] = content
        state.pointers[:] = self.pointers
        state.pc = self.pc
        machine.code_written(0, len(machine.memory))


def random_programs(guest: Guest, seed: int = 0, count: int = 20) -> Iterator[RandomProgram]:
    """Some programs of a guest; the same for the same seed.

    Raises:
        DescriptionError: the description breaks a rule.
    """
    maker = _Maker(guest, seed)
    for number in range(count):
        yield maker.program(number)


class _Maker:
    """Makes programs of one guest."""

    def __init__(self, guest: Guest, seed: int) -> None:
        from jitvm.engine.machine.machine import Machine, Tier

        self.guest = guest
        self.seed = seed
        self._rng = random.Random(seed)
        self._machine = Machine(guest, tier=Tier.REFERENCE)
        self._rows: dict[tuple[int, int], list[Opcode]] = {}
        for row in guest.opcodes:
            self._rows.setdefault(row.meaning, []).append(row)
        self._operands: dict[tuple[int, int], list[bytes]] = {}
        self._jumps: list[tuple[int, int]] = []
        for meaning, rows in self._rows.items():
            self._try(meaning, rows)
        if not self._operands:
            raise ValueError(f"guest {guest.name}: all that it does is to halt")

    def _try(self, meaning: tuple[int, int], rows: list[Opcode]) -> None:
        """Find operands with which an instruction does not halt, and whether it jumps."""
        size = rows[0].operand_size
        if size == 1:
            choices = [bytes([byte]) for byte in range(256)]
        else:
            choices = [self._rng.randbytes(size) for _ in range(SAMPLES)]
        fine, is_jump = [], False
        for operand in choices:
            machine = self._cleared()
            machine.memory[: 1 + size] = bytes([self._rng.choice(rows).code]) + operand
            if machine.run(0, max_instructions=1) is not Stop.HALT:
                fine.append(operand)
                is_jump = is_jump or machine.state.pc != 1 + size
        if fine:
            self._operands[meaning] = fine
        if is_jump:
            self._jumps.append(meaning)

    def _cleared(self) -> Machine:
        """The machine, with zeros in all but the code space."""
        state = self._machine.state
        for space, view in zip(self.guest.spaces, state.spaces, strict=True):
            if space.is_compared and not space.code:
                view[:] = bytes(len(view))
        for stack in state.stacks:
            stack[:] = bytes(len(stack))
        state.pointers[:] = [0] * len(state.pointers)
        return self._machine

    # -- instructions ------------------------------------------------------------------------

    def _instruction(self, meanings: list[tuple[int, int]]) -> bytes:
        rng = self._rng
        meaning = rng.choice(meanings)
        row, operand = rng.choice(self._rows[meaning]), rng.choice(self._operands[meaning])
        if len(operand) > 1 and rng.random() < 0.5:
            operand = operand[:-2] + self._number()
        return bytes([row.code]) + operand

    def _number(self) -> bytes:
        """Two bytes: a small number, or an address near the beginning."""
        rng = self._rng
        number = rng.choice((rng.randrange(16), rng.randrange(NEAR), rng.randrange(-32, 32)))
        return (number & 0xFFFF).to_bytes(2, self.guest.byte_order)

    # -- a program ---------------------------------------------------------------------------

    def program(self, number: int) -> RandomProgram:
        """The next one."""
        rng, guest = self._rng, self.guest
        spaces = [
            b""
            if not space.is_compared
            else bytes(space.mapped)
            if space.code or space.size > SMALL
            else rng.randbytes(space.size)
            for space in guest.spaces
        ]
        program = RandomProgram(
            seed=self.seed,
            number=number,
            spaces=tuple(spaces),
            stacks=tuple(rng.randbytes(stack.size) for stack in guest.stacks),
            pointers=tuple(stack.size // 2 for stack in guest.stacks),
            pc=4 * rng.randrange(NEAR // 16),
        )
        spaces[guest.code_index] = self._written(program)
        return program.but(spaces=tuple(spaces))

    def _written(self, program: RandomProgram) -> bytes:
        """The code space of a program, written while it runs."""
        machine = self._machine
        program.put_in(machine)
        image = bytearray(len(machine.memory))
        starts: set[int] = set()
        used: set[int] = set()
        stop = Stop.BUDGET
        for _ in range(STEPS):
            pc = machine.state.pc
            if pc in starts:
                stop = machine.step()
            elif len(starts) < WRITTEN:
                code, stop = self._extended(starts, used)
                image[pc : pc + len(code)] = code
                starts.add(pc)
                used.update(range(pc, pc + len(code)))
            else:
                break
            if stop is Stop.HALT:
                break
        return bytes(image)

    def _extended(self, starts: set[int], used: set[int]) -> tuple[bytes, Stop]:
        """Write an instruction where the program is, and execute it."""
        machine, pc = self._machine, self._machine.state.pc
        state = machine.state
        spaces = zip(machine.guest.spaces, state.spaces, strict=True)
        own = [view for space, view in spaces if space.is_compared]
        views = [*own, *state.stacks, machine.page]
        before, pointers = [bytes(view) for view in views], list(state.pointers)
        leads_back = bool(self._jumps) and self._rng.random() < LOOPS
        meanings = self._jumps if leads_back else [*self._operands]
        for _ in range(CANDIDATES * (4 if leads_back else 1)):
            for view, content in zip(views, before, strict=True):
                view[:] = content
            state.pointers[:], state.pc = pointers, pc
            code = self._instruction(meanings)
            end = min(pc + len(code), len(machine.memory))
            machine.memory[pc:end] = code[: end - pc]
            stop = machine.step()
            to = machine.state.pc
            fits = to in starts if leads_back else to in starts or to not in used
            if stop is not Stop.HALT and fits and used.isdisjoint(range(pc, end)):
                break
        return code[: end - pc], stop
