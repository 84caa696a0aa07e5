"""Instructions of x86-64 as bytes, where their form changes with registers and numbers.

What they do is mostly tested by what code made of them does; here are forms that are rare in it.
Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, chapter 2 and the
pages of the instructions.
"""

from __future__ import annotations

import pytest

from jitvm.engine.codegen import x86
from jitvm.engine.codegen.x86 import (
    ADD,
    CMP,
    MOV,
    MOV_BYTE_TO,
    MOV_TO,
    MOV_WORD_TO,
    NONE,
    R8,
    R12,
    R13,
    RAX,
    RBP,
    RBX,
    RCX,
    RDI,
    RSI,
    RSP,
    ZERO_BYTE,
    Assembler,
    alu,
    alu_mem,
    is_short,
    move_number,
    number_of,
    reg_mem,
    reg_reg,
    swap_bytes,
)

FORMS = {
    "mov rax, [rbx]": (reg_mem(MOV, RAX, (RBX, NONE, 0), 8), "48 8b 03"),
    "mov eax, [rbx]": (reg_mem(MOV, RAX, (RBX, NONE, 0)), "8b 03"),
    "mov rax, [rbx + 127]": (reg_mem(MOV, RAX, (RBX, NONE, 127), 8), "48 8b 43 7f"),
    "mov rax, [rbx + 128]": (reg_mem(MOV, RAX, (RBX, NONE, 128), 8), "48 8b 83 80 00 00 00"),
    "mov rax, [rbx - 128]": (reg_mem(MOV, RAX, (RBX, NONE, -128), 8), "48 8b 43 80"),
    "mov rax, [rbx - 129]": (reg_mem(MOV, RAX, (RBX, NONE, -129), 8), "48 8b 83 7f ff ff ff"),
    "mov rax, [rsp]": (reg_mem(MOV, RAX, (RSP, NONE, 0), 8), "48 8b 04 24"),
    "mov rax, [r12]": (reg_mem(MOV, RAX, (R12, NONE, 0), 8), "49 8b 04 24"),
    "mov rax, [rbp]": (reg_mem(MOV, RAX, (RBP, NONE, 0), 8), "48 8b 45 00"),
    "mov rax, [r13]": (reg_mem(MOV, RAX, (R13, NONE, 0), 8), "49 8b 45 00"),
    "mov rax, [r13 + rcx * 8]": (
        reg_mem(MOV, RAX, (R13, RCX, 0), 8, scale=3), "49 8b 44 cd 00",
    ),
    "mov [r8 + r12], r13": (reg_mem(MOV_TO, R13, (R8, R12, 0), 8), "4f 89 2c 20"),
    "mov [rbx], si": (reg_mem(MOV_WORD_TO, RSI, (RBX, NONE, 0)), "66 89 33"),
    "mov [rbx], r8w": (reg_mem(MOV_WORD_TO, R8, (RBX, NONE, 0)), "66 44 89 03"),
    "mov [rbx], bl": (reg_mem(MOV_BYTE_TO, RBX, (RBX, NONE, 0), low=True), "88 1b"),
    "mov [rbx], sil": (reg_mem(MOV_BYTE_TO, RSI, (RBX, NONE, 0), low=True), "40 88 33"),
    "movzx eax, dil": (reg_reg(ZERO_BYTE, RAX, RDI, low=True), "40 0f b6 c7"),
    "movzx eax, bl": (reg_reg(ZERO_BYTE, RAX, RBX, low=True), "0f b6 c3"),
    "movzx eax, r13b": (reg_reg(ZERO_BYTE, RAX, R13, low=True), "41 0f b6 c5"),
    "add rbx, 127": (alu(ADD, RBX, 127, 8), "48 83 c3 7f"),
    "add rbx, 128": (alu(ADD, RBX, 128, 8), "48 81 c3 80 00 00 00"),
    "add rbx, -128": (alu(ADD, RBX, -128, 8), "48 83 c3 80"),
    "add rbx, -129": (alu(ADD, RBX, -129, 8), "48 81 c3 7f ff ff ff"),
    "cmp qword [r12 + 8], 127": (alu_mem(CMP, (R12, NONE, 8), 127, 8), "49 83 7c 24 08 7f"),
    "cmp qword [r12 + 8], 128": (
        alu_mem(CMP, (R12, NONE, 8), 128, 8), "49 81 7c 24 08 80 00 00 00",
    ),
    "cmp qword [rbx], -129": (alu_mem(CMP, (RBX, NONE, 0), -129, 8), "48 81 3b 7f ff ff ff"),
    "mov eax, 0xffffffff": (move_number(RAX, 0xFFFF_FFFF), "b8 ff ff ff ff"),
    "mov r8d, 1": (move_number(R8, 1), "41 b8 01 00 00 00"),
    "mov rax, 0x100000000": (move_number(RAX, 1 << 32), "48 b8 00 00 00 00 01 00 00 00"),
    "mov rax, -1": (move_number(RAX, -1), "48 c7 c0 ff ff ff ff"),
    "mov r8, -0x80000000": (move_number(R8, -(1 << 31)), "49 c7 c0 00 00 00 80"),
    "mov r8, -0x80000001": (
        move_number(R8, -(1 << 31) - 1), "49 b8 ff ff ff 7f ff ff ff ff",
    ),
    "rol si, 8": (swap_bytes(RSI, 2), "66 c1 c6 08"),
    "bswap r8d": (swap_bytes(R8, 4), "41 0f c8"),
    "bswap rsi": (swap_bytes(RSI, 8), "48 0f ce"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_each_form(name: str) -> None:
    found, expected = FORMS[name]
    assert found.hex(" ") == expected


def test_numbers_that_fit_into_an_instruction() -> None:
    ends = (-(1 << 31) - 1, -(1 << 31), -1, 0, (1 << 31) - 1, 1 << 31, 1 << 32)
    assert [is_short(end) for end in ends] == [False, True, True, True, True, False, False]
    assert number_of(-2, 1) == b"\xfe"
    assert number_of(0x1234, 2) == b"\x34\x12"
    assert number_of(-2, 8) == b"\xfe\xff\xff\xff"


def test_jumps_lead_from_behind_themselves() -> None:
    asm = Assembler()
    start, end = asm.label(), asm.label()
    asm.bind(start)
    asm.jump_if(x86.EQUAL, end)
    asm.jump(start)
    asm.bind(end)
    assert asm.code().hex(" ") == "0f 84 05 00 00 00 e9 f5 ff ff ff"
    assert (asm.offset(start), asm.offset(end), asm.size) == (0, 11, 11)
