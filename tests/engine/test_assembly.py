"""What the generated code looks like: hot handlers are short, keep no frame, end in a jump.

A handler that spills costs several times as much as one that does not, and nothing else would
notice, so the listed ones are held to it. The full handlers, which call the host, may.
"""

from __future__ import annotations

from functools import cache
from itertools import chain
from typing import Any

import capstone
import pytest

from jitvm.engine.interpreter.unit import Unit
from jitvm.engine.memory.layout import HANDLER_TABLES
from jitvm.guests.uxn import UXN
from tests.engine.emulated import kept_unit

HOT = {
    "literals": "LIT LIT2 LITr LIT2r",
    "stack": "INC INC2 POP POP2 NIP NIP2 SWP SWP2 ROT ROT2 DUP DUP2 OVR OVR2 STH STH2 STHr STH2r",
    "logic": "EQU EQU2 NEQ NEQ2 GTH GTH2 LTH LTH2 AND AND2 ORA ORA2 EOR EOR2 SFT SFT2",
    "control": "JMP JMP2 JCN JCN2 JSR JSR2 JMP2r JCI JMI JSI",
    "memory": "LDZ LDZ2 STZ STZ2 LDR LDR2 STR STR2 LDA LDA2 STA STA2",
    "arithmetic": "ADD ADD2 SUB SUB2 MUL MUL2",
    "keep": "DUPk EQUk EQU2k ADD2k LDAk LDA2k INC2k SFT2k",
}
LONGEST = 48
"""Instructions a hot handler may have; the longest today are those of ROT2 and STR2."""


@cache
def compiled(architecture: str) -> Unit:
    return kept_unit(UXN, architecture)


@cache
def entries(architecture: str) -> dict[str, list[int]]:
    """Offsets of handlers, by tables."""
    found = memoryview(compiled(architecture).entries.content()).cast("Q").tolist()
    size = len(found) // len(HANDLER_TABLES)
    return {name: found[size * i : size * (i + 1)] for i, name in enumerate(HANDLER_TABLES)}


@cache
def disassembler(architecture: str) -> Any:
    if architecture == "aarch64":
        return capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)
    return capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)


def listing(architecture: str, table: str, row: int) -> list[tuple[str, str]]:
    """Mnemonics and operands of one handler, up to where the next function begins."""
    unit, tables = compiled(architecture), entries(architecture)
    start = tables[table][row]
    starts = chain(unit.symbols.values(), *tables.values())
    end = min((at for at in starts if at > start), default=len(unit.machine_code))
    found = disassembler(architecture).disasm(unit.machine_code[start:end], start)
    return [(each.mnemonic, each.op_str) for each in found]


def fast_path(architecture: str, table: str, row: int) -> list[tuple[str, str]]:
    """From the first instruction to the first indirect jump."""
    jumps = {"x86_64": "jmp", "aarch64": "br"}
    path = []
    for mnemonic, operands in listing(architecture, table, row):
        path.append((mnemonic, operands))
        if mnemonic == jumps[architecture] and not operands.startswith(("0x", "#")):
            return path
    raise AssertionError(f"{table}, {row:#04x}: no indirect jump")


@pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
@pytest.mark.parametrize("table", ["plain", "jit"])
@pytest.mark.parametrize("kind", HOT)
def test_hot_handlers(kind: str, table: str, architecture: str) -> None:
    for opcode in HOT[kind].split():
        row = UXN.by_name[opcode].code
        path = fast_path(architecture, table, row)
        text = "\n".join([opcode, *(f"{mnemonic} {operands}" for mnemonic, operands in path)])
        for mnemonic, operands in path:
            assert mnemonic not in ("push", "pop", "call", "ret", "bl", "blr"), text
            assert "rsp" not in operands, text
            assert "[sp" not in operands, text
            assert not operands.startswith("sp"), text
        assert len(path) <= LONGEST, text


@pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
def test_code_is_position_independent(architecture: str) -> None:
    """No relocation was needed, and no handler mentions an absolute address."""
    unit = compiled(architecture)
    assert unit.entries.are_below(len(unit.machine_code))
    assert 0 < len(unit.machine_code) < 200_000
    for mnemonic, _ in listing(architecture, "plain", 0x18):
        assert mnemonic != "movabs"
