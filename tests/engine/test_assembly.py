"""What the generated code looks like: hot handlers are short, keep no frame, end in a jump.

A handler that spills costs several times as much as one that does not, and nothing else would
notice, so the listed ones are held to it. The full handlers, which call the host, may.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import capstone
import pytest

from jitvm.engine.memory.cache import CachedCode
from jitvm.guests.uxn import UXN
from tests.engine.emulated import kept_code

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
def compiled(architecture: str) -> CachedCode:
    return kept_code(UXN, architecture)


@cache
def disassembler(architecture: str) -> Any:
    if architecture == "aarch64":
        return capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_ARM)
    return capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)


def listing(architecture: str, symbol: str) -> list[tuple[str, str]]:
    """Mnemonics and operands of one function, up to where the next begins."""
    code = compiled(architecture)
    start = code.symbols[symbol]
    end = min((at for at in code.symbols.values() if at > start), default=len(code.machine_code))
    found = disassembler(architecture).disasm(code.machine_code[start:end], start)
    return [(each.mnemonic, each.op_str) for each in found]


def fast_path(architecture: str, symbol: str) -> list[tuple[str, str]]:
    """From the first instruction to the first indirect jump."""
    jumps = {"x86_64": "jmp", "aarch64": "br"}
    path = []
    for mnemonic, operands in listing(architecture, symbol):
        path.append((mnemonic, operands))
        if mnemonic == jumps[architecture] and not operands.startswith(("0x", "#")):
            return path
    raise AssertionError(f"{symbol} has no indirect jump")


@pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
@pytest.mark.parametrize("table", ["plain", "jit"])
@pytest.mark.parametrize("kind", HOT)
def test_hot_handlers(kind: str, table: str, architecture: str) -> None:
    for opcode in HOT[kind].split():
        row = UXN.by_name[opcode].code
        path = fast_path(architecture, f"{table}/{row}")
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
    code = compiled(architecture)
    assert set(code.symbols) >= {f"{table}/{row}" for table in ("plain", "jit") for row in (0, 255)}
    assert 0 < len(code.machine_code) < 200_000
    for mnemonic, _ in listing(architecture, "plain/24"):
        assert mnemonic != "movabs"
