"""Separates code from data in a ROM by following the flow of control.

The walk starts at 0x0100 and takes every edge it can prove from constants:

    ?l  !l  l                  immediate jumps, relative to the next instruction
    LIT rel  JCN/JMP/JSR       relative to the next instruction
    LIT2 adr JCN2/JMP2/JSR2    absolute
    LIT2 adr LIT port DEO2     adr is a vector when port is the first of a device

Whatever the walk reaches is code; the rest is data. Labels of a symbol table that were not reached
get a second chance: the bytes there are taken for code if they look like it (`_looks_like_code`).

The result is only an interpretation: a wrong guess makes a listing odd but never wrong, because a
listing spells bytes, and any spelling of the same bytes is correct.

Invariants
1. Claimed instructions lie inside the ROM and never overlap. Code that overlaps other code (a jump
   into an operand) is followed but not claimed, so its bytes show as part of the first claimant.
2. `uses` has entries only for operands of claimed instructions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, auto

from jitvm.guests.uxn.encoding import (
    BASE_MASK,
    BRK,
    JCI,
    JMI,
    JSI,
    LIT,
    LIT2,
    MODE_KEEP,
    MODE_RETURN,
    MODE_SHORT,
    opcode,
    operand_size,
)
from jitvm.guests.uxn.symbols import PROGRAM_START, SymbolTable

MEMORY_SIZE = 0x10000
_LONGEST_GUESS = 1024
"""Bytes read to find out whether an unreached label is code."""


def _base(name: str) -> int:
    byte = opcode(name)
    assert byte is not None
    return byte & BASE_MASK


_JMP, _JCN, _JSR = _base("JMP"), _base("JCN"), _base("JSR")
_JUMPS = (_JMP, _JCN, _JSR)
_ZERO_PAGE = (_base("LDZ"), _base("STZ"))
_RELATIVE = (_base("LDR"), _base("STR"))
_ABSOLUTE = (_base("LDA"), _base("STA"))
_DEVICE = (_base("DEI"), _base("DEO"))
_DEO2 = opcode("DEO2")
_FLAGS = tuple(_base(name) for name in ("EQU", "NEQ", "GTH", "LTH"))


class Role(IntEnum):
    """What a byte of the ROM is."""

    DATA = 0
    OPCODE = auto()
    OPERAND = auto()


class Kind(IntEnum):
    """Why an address has a label; the greatest of several reasons counts."""

    DATA = auto()
    SKIP = auto()
    LOOP = auto()
    CALL = auto()
    VECTOR = auto()


class Form(IntEnum):
    """How an operand names its target."""

    RELATIVE = auto()
    ADDRESS = auto()
    ZERO_PAGE = auto()
    PORT = auto()


@dataclass(frozen=True, slots=True)
class Use:
    """An operand that means an address."""

    target: int
    form: Form


@dataclass(slots=True)
class Flow:
    """What was found. Addresses are 0..0xffff; `roles` has one entry for each."""

    memory: bytes
    end: int
    """One past the last byte of the ROM."""
    roles: bytearray = field(default_factory=lambda: bytearray(MEMORY_SIZE))
    uses: dict[int, Use] = field(default_factory=dict)
    """By the address of the operand."""
    targets: dict[int, Kind] = field(default_factory=dict)
    """Addresses that need a label."""

    def in_rom(self, address: int) -> bool:
        """Tell whether the ROM has a byte at an address."""
        return PROGRAM_START <= address < self.end

    def word(self, address: int) -> int:
        """Return the two bytes at an address as a big-endian number."""
        return self.memory[address] << 8 | self.memory[(address + 1) % MEMORY_SIZE]


def follow(rom: bytes, symbols: SymbolTable) -> Flow:
    """Return what is code in a ROM of 1 to 0xff00 bytes, and which operands mean addresses."""
    memory = bytes(PROGRAM_START) + rom
    flow = Flow(memory.ljust(MEMORY_SIZE, b"\0"), PROGRAM_START + len(rom))
    walker = _Walker(flow)
    walker.walk(PROGRAM_START)
    for address in sorted({symbol.address for symbol in symbols}):
        if flow.in_rom(address) and _looks_like_code(flow, address):
            walker.walk(address)
    _name_pointers(flow, symbols)
    return flow


@dataclass(frozen=True, slots=True)
class _Instruction:
    address: int
    byte: int
    claimed: bool

    def is_literal_for(self, byte: int, *, short: bool) -> bool:
        """Tell whether this puts a constant on top of the stack an instruction works on."""
        literal = (LIT2 if short else LIT) | byte & MODE_RETURN
        return self.byte == literal


class _Walker:
    """Walks from given addresses until nothing new is reached."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._seen = bytearray(MEMORY_SIZE)
        self._pending: list[int] = []

    def walk(self, address: int) -> None:
        self._pending.append(address)
        while self._pending:
            self._run(self._pending.pop())

    def _run(self, pc: int) -> None:
        """Follow one straight run of instructions to where it ends or joins a known one."""
        flow = self._flow
        before: tuple[_Instruction | None, _Instruction | None] = (None, None)
        while flow.in_rom(pc) and not self._seen[pc]:
            self._seen[pc] = 1
            byte = flow.memory[pc]
            next_pc = pc + 1 + operand_size(byte)
            if next_pc > flow.end:
                return
            here = _Instruction(pc, byte, self._claim(pc, next_pc))
            if byte in (JCI, JMI, JSI):
                self._immediate(here, next_pc)
            elif byte & BASE_MASK in _JUMPS:
                self._jump(here, before[1], next_pc)
            elif byte & BASE_MASK:
                self._access(here, before, next_pc)
            if byte in (BRK, JMI) or self._leaves(here, before[1]):
                return
            before = (before[1], here)
            pc = next_pc

    def _claim(self, start: int, stop: int) -> bool:
        roles = self._flow.roles
        if any(roles[start:stop]):
            return False
        roles[start] = Role.OPCODE
        roles[start + 1 : stop] = bytes([Role.OPERAND]) * (stop - start - 1)
        return True

    @staticmethod
    def _leaves(here: _Instruction, last: _Instruction | None) -> bool:
        """Whether a jump never falls through; a computed byte jump may go just past itself."""
        if here.byte & BASE_MASK != _JMP:
            return False
        if here.byte & MODE_SHORT:
            return True
        return last is not None and last.is_literal_for(here.byte, short=False)

    # -- operands that mean addresses -------------------------------------------------------

    def _immediate(self, here: _Instruction, next_pc: int) -> None:
        target = (next_pc + self._flow.word(here.address + 1)) % MEMORY_SIZE
        kind = Kind.CALL if here.byte == JSI else _direction(here.address, target)
        self._reach(here, target, Form.ADDRESS, kind)

    def _jump(self, here: _Instruction, last: _Instruction | None, next_pc: int) -> None:
        base, short = here.byte & BASE_MASK, bool(here.byte & MODE_SHORT)
        if last is None or not last.is_literal_for(here.byte, short=short):
            is_computed_skip = base == _JMP and not short and _is_flag(last)
            if is_computed_skip and not operand_size(self._flow.memory[next_pc % MEMORY_SIZE]):
                # `EQU JMP A B`: the flag skips one instruction, if that is one byte long.
                self._pending.append(next_pc + 1)
            return
        target = self._constant(last, next_pc, short)
        kind = Kind.CALL if base == _JSR else _direction(here.address, target)
        self._reach(last, target, Form.ADDRESS if short else Form.RELATIVE, kind)

    def _access(
        self,
        here: _Instruction,
        before: tuple[_Instruction | None, _Instruction | None],
        next_pc: int,
    ) -> None:
        earlier, last = before
        base = here.byte & BASE_MASK
        if last is None or not last.is_literal_for(here.byte, short=base in _ABSOLUTE):
            return
        if base in _RELATIVE:
            target = self._constant(last, next_pc, short=False)
            self._mark(last, target, Form.RELATIVE, Kind.DATA)
        elif base in _ABSOLUTE:
            target = self._flow.word(last.address + 1)
            self._mark(last, target, Form.ADDRESS, Kind.DATA)
        elif base in _ZERO_PAGE or base in _DEVICE:
            form = Form.ZERO_PAGE if base in _ZERO_PAGE else Form.PORT
            port = self._flow.memory[last.address + 1]
            if last.claimed:
                self._flow.uses[last.address + 1] = Use(port, form)
            is_vector = here.byte & ~MODE_KEEP == _DEO2 and not port & 0x0F
            if is_vector and earlier is not None and earlier.byte == LIT2:
                self._vector(earlier)

    def _vector(self, literal: _Instruction) -> None:
        target = self._flow.word(literal.address + 1)
        if self._flow.in_rom(target):
            self._reach(literal, target, Form.ADDRESS, Kind.VECTOR)

    def _constant(self, literal: _Instruction, next_pc: int, short: bool) -> int:
        if short:
            return self._flow.word(literal.address + 1)
        byte = self._flow.memory[literal.address + 1]
        return next_pc + byte - (byte & 0x80) * 2

    def _reach(self, owner: _Instruction, target: int, form: Form, kind: Kind) -> None:
        self._mark(owner, target, form, kind)
        self._pending.append(target % MEMORY_SIZE)

    def _mark(self, owner: _Instruction, target: int, form: Form, kind: Kind) -> None:
        # A relative byte that wraps round memory is left a number: assemblers refuse it as a label.
        if owner.claimed and 0 <= target < MEMORY_SIZE:
            flow = self._flow
            flow.uses[owner.address + 1] = Use(target, form)
            flow.targets[target] = max(kind, flow.targets.get(target, kind))


def _is_flag(instruction: _Instruction | None) -> bool:
    return instruction is not None and instruction.byte & BASE_MASK in _FLAGS


def _direction(source: int, target: int) -> Kind:
    return Kind.LOOP if target <= source else Kind.SKIP


# -- guesses --------------------------------------------------------------------------------


def _looks_like_code(flow: Flow, start: int) -> bool:
    """Tell whether the bytes at an unreached label read as a routine.

    They must lead to an end (a jump, BRK) or into known code without crossing anything, and must
    not read as text. Pictures look like code that begins with BRK, keeps and returns at once,
    jumps out of the ROM, or comes to BRK without ever naming a constant.
    """
    if flow.roles[start] != Role.DATA or flow.memory[start] == BRK:
        return False
    if flow.targets.get(start) == Kind.DATA:
        return False
    pc, byte, has_operands = start, BRK, False
    while flow.in_rom(pc) and flow.roles[pc] == Role.DATA and pc - start < _LONGEST_GUESS:
        byte = flow.memory[pc]
        if byte & BASE_MASK and byte & MODE_KEEP and byte & MODE_RETURN:
            return False
        if byte in (JCI, JMI, JSI) and not flow.in_rom((pc + 3 + flow.word(pc + 1)) % MEMORY_SIZE):
            return False
        size = operand_size(byte)
        has_operands = has_operands or size > 0
        pc += 1 + size
        if byte in (BRK, JMI) or (byte & BASE_MASK == _JMP and byte & MODE_SHORT):
            break
    else:
        if not flow.in_rom(pc) or flow.roles[pc] != Role.OPCODE:
            return False
    if byte == BRK and not has_operands:
        return False
    body = flow.memory[start:pc]
    text = sum(0x20 <= byte < 0x7F for byte in body)
    return pc <= flow.end and not any(flow.roles[start:pc]) and text * 4 < len(body) * 3


def _name_pointers(flow: Flow, symbols: SymbolTable) -> None:
    """Make labels of short literals that point to data, or to a symbol, inside the ROM."""
    for address in range(PROGRAM_START, flow.end):
        if flow.roles[address] != Role.OPCODE or flow.memory[address] != LIT2:
            continue
        target = flow.word(address + 1)
        if address + 1 in flow.uses or target == PROGRAM_START or not flow.in_rom(target):
            continue
        if symbols.names_at(target) or _begins_data(flow, target):
            flow.uses[address + 1] = Use(target, Form.ADDRESS)
            flow.targets.setdefault(target, Kind.DATA)


def _begins_data(flow: Flow, address: int) -> bool:
    """Whether an item begins here: data just after code, or just after a zero byte."""
    if flow.roles[address] != Role.DATA:
        return False
    return flow.roles[address - 1] != Role.DATA or not flow.memory[address - 1]
