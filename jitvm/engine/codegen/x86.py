"""Machine code of x86-64: instructions as bytes, and a buffer with labels.

What few instructions regions need, and no others, so nothing here is general:

    reg_reg(OP, reg, rm)                    op  reg, rm
    reg_mem(OP, reg, (base, index, disp))   op  reg, [base + index + disp]
    alu(n, rm, number)                      op  rm, number                 add or and sub xor cmp

`wide` is 8 for 64 bits and 0 for 32, as in the REX prefix. `low` says that `reg` (of `reg_reg`:
either) is meant as a byte. Instructions are made again and again, so those that were made are
remembered: to look one up is ten times as fast.

Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, chapter 2.
"""

from __future__ import annotations

from _struct import Struct

from jitvm.guest.light import cache

RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 = range(16)

ADD, OR, AND, SUB, XOR, CMP = 0, 1, 4, 5, 6, 7
"""Numbers of what `alu` does; the opcode of `reg, rm` is 8 * number + 3."""
ROL, SHL, SHR = 0, 4, 5
BELOW, NOT_BELOW, EQUAL, NOT_EQUAL, NOT_ABOVE, ABOVE = 2, 3, 4, 5, 6, 7
"""Conditions; the contrary of one differs in its lowest bit."""

MOV, LEA, TEST = b"\x8b", b"\x8d", b"\x85"
MOV_TO, MOV_WORD_TO, MOV_BYTE_TO = b"\x89", b"\x66\x89", b"\x88"
ZERO_BYTE, ZERO_WORD = b"\x0f\xb6", b"\x0f\xb7"
SIGN_BYTE, SIGN_WORD, SIGN_DOUBLE = b"\x0f\xbe", b"\x0f\xbf", b"\x63"
MULTIPLY, MULTIPLY_BY = b"\x0f\xaf", b"\x69"
SHIFT, SHIFT_BY_CL, SHIFT_WORD = b"\xc1", b"\xd3", b"\x66\xc1"
NUMBER_TO = {1: b"\xc6", 2: b"\x66\xc7", 4: b"\xc7", 8: b"\xc7"}
OR_NUMBER_TO = {1: b"\x80", 2: b"\x66\x81", 4: b"\x81", 8: b"\x81"}
ALU_BYTE, ALU_NUMBER = b"\x83", b"\x81"
GROUP_3, GROUP_5 = b"\xf7", b"\xff"
DIVIDE = 6
"""In group 3; in group 5 are these."""
INCREMENT, CALL, JUMP = 0, 2, 4
RETURN = b"\xc3"

Address = tuple[int, int, int]
"""Base register, index register or `NONE`, displacement."""
NONE = -1

_int32 = Struct("<i").pack


def number_of(value: int, size: int) -> bytes:
    """A number as it follows an instruction: at most four bytes of it, which are sign-extended."""
    return (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")[:4]


def is_short(number: int) -> bool:
    """Whether a number, as a 64-bit word, is what its low 32 bits are as a signed one."""
    return -0x80000000 <= number < 0x80000000


def _prefixed(op: bytes, rex: int, *, is_needed: bool) -> bytes:
    """An opcode with its REX prefix, which stands behind all others."""
    if rex == 0x40 and not is_needed:
        return op
    prefix = bytes([rex])
    return b"\x66" + prefix + op[1:] if op[0] == 0x66 else prefix + op


@cache
def reg_reg(op: bytes, reg: int, rm: int, wide: int = 0, *, low: bool = False) -> bytes:
    """An instruction with two registers; `reg` may be a part of the opcode."""
    rex = 0x40 | wide | (reg >> 3) << 2 | rm >> 3
    modrm = 0xC0 | (reg & 7) << 3 | rm & 7
    return _prefixed(op, rex, is_needed=low and (rm > RBX or reg > RBX)) + bytes([modrm])


@cache
def reg_mem(
    op: bytes, reg: int, address: Address, wide: int = 0, *, low: bool = False, scale: int = 0
) -> bytes:
    """An instruction with a register and memory; the index counts ``1 << scale`` bytes each."""
    base, index, disp = address
    rex = 0x40 | wide | (reg >> 3) << 2 | base >> 3
    if index >= 0:
        rex |= (index >> 3) << 1
    head = _prefixed(op, rex, is_needed=low and reg > RBX)
    if disp == 0 and base & 7 != RBP:
        mode, tail = 0, b""
    elif -128 <= disp < 128:
        mode, tail = 0x40, bytes([disp & 0xFF])
    else:
        mode, tail = 0x80, _int32(disp)
    if index < 0 and base & 7 != RSP:
        return head + bytes([mode | (reg & 7) << 3 | base & 7]) + tail
    sib = scale << 6 | (index & 7 if index >= 0 else RSP) << 3 | base & 7
    return head + bytes([mode | (reg & 7) << 3 | RSP, sib]) + tail


@cache
def alu(number: int, rm: int, operand: int, wide: int = 0) -> bytes:
    """An operation of a register and a number that is short."""
    if -128 <= operand < 128:
        return reg_reg(ALU_BYTE, number, rm, wide) + bytes([operand & 0xFF])
    return reg_reg(ALU_NUMBER, number, rm, wide) + _int32(operand)


@cache
def alu_mem(number: int, address: Address, operand: int, wide: int = 0) -> bytes:
    """An operation of memory and a number that is short."""
    if -128 <= operand < 128:
        return reg_mem(ALU_BYTE, number, address, wide) + bytes([operand & 0xFF])
    return reg_mem(ALU_NUMBER, number, address, wide) + _int32(operand)


@cache
def move_number(reg: int, number: int) -> bytes:
    """Have a register hold a number of 64 bits; flags stay."""
    prefix = b"\x41" if reg > RDI else b""
    if 0 <= number < 1 << 32:
        return prefix + bytes([0xB8 | reg & 7]) + number.to_bytes(4, "little")
    if is_short(number):
        return reg_reg(b"\xc7", 0, reg, 8) + _int32(number)
    rex = 0x48 | reg >> 3
    return bytes([rex, 0xB8 | reg & 7]) + (number & ((1 << 64) - 1)).to_bytes(8, "little")


@cache
def move(to: int, source: int, wide: int = 0) -> bytes:
    """Copy a register."""
    return reg_reg(MOV, to, source, wide)


@cache
def shift(kind: int, reg: int, distance: int, wide: int = 0) -> bytes:
    """Shift or rotate a register."""
    return reg_reg(SHIFT, kind, reg, wide) + bytes([distance])


@cache
def swap_bytes(reg: int, size: int) -> bytes:
    """Reverse the order of the low `size` bytes of a register, 2, 4 or 8."""
    if size == 2:
        return reg_reg(SHIFT_WORD, ROL, reg) + b"\x08"
    rex = 0x40 | (8 if size == 8 else 0) | reg >> 3
    return _prefixed(bytes([0x0F, 0xC8 | reg & 7]), rex, is_needed=False)


class Assembler:
    """Machine code under construction. Labels are numbers; all jumps are relative."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0
        self._labels = 0
        self._places: dict[int, int] = {}
        self._jumps: list[tuple[int, int]] = []

    def label(self) -> int:
        """A label that is nowhere yet."""
        self._labels += 1
        return self._labels

    def bind(self, label: int) -> None:
        """Have a label be here."""
        self._places[label] = self.size

    def offset(self, label: int) -> int:
        """Where a label is."""
        return self._places[label]

    def put(self, *parts: bytes) -> None:
        for part in parts:
            self.parts.append(part)
            self.size += len(part)

    def jump(self, label: int) -> None:
        self.put(b"\xe9\0\0\0\0")
        self._jumps.append((self.size, label))

    def jump_if(self, condition: int, label: int) -> None:
        self.put(bytes([0x0F, 0x80 | condition, 0, 0, 0, 0]))
        self._jumps.append((self.size, label))

    def code(self) -> bytes:
        """All of it, with every jump where it leads."""
        code = bytearray().join(self.parts)
        for behind, label in self._jumps:
            code[behind - 4 : behind] = _int32(self._places[label] - behind)
        return bytes(code)
