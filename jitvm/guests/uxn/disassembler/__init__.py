"""The Uxn disassembler.

    rom -> flow (what is code) -> names (labels) -> listing (text)

`disassemble` returns Uxntal that assembles to exactly the same bytes, including trailing zeros.
`spell` returns a single instruction, for traces and debuggers.
"""

from __future__ import annotations

from collections.abc import Sequence

from jitvm.guests.uxn.disassembler.flow import MEMORY_SIZE, follow
from jitvm.guests.uxn.disassembler.listing import Line, LineKind, Listing, Writer
from jitvm.guests.uxn.disassembler.names import choose_names
from jitvm.guests.uxn.encoding import JCI, JMI, JSI, LIT, LIT2, MNEMONICS, operand_size
from jitvm.guests.uxn.symbols import PROGRAM_START, SymbolTable

__all__ = ["DisassemblyError", "Line", "LineKind", "Listing", "disassemble", "spell"]

MAX_ROM = MEMORY_SIZE - PROGRAM_START
"""Bytes of a ROM that lie in the first bank, the only one Uxntal can describe."""


class DisassemblyError(ValueError):
    """The bytes have no form in Uxntal; the message says why and what to do."""


def disassemble(rom: bytes, symbols: SymbolTable | None = None) -> Listing:
    """Return a listing of a ROM (loaded at 0x0100) that assembles back to the same bytes.

    Labels come from `symbols` where there are any. Raise DisassemblyError for a ROM that is empty
    or reaches past 0xffff.
    """
    if not rom:
        raise DisassemblyError("the ROM is empty; there is nothing to disassemble")
    if len(rom) > MAX_ROM:
        raise DisassemblyError(
            f"the ROM has {len(rom)} bytes; those after the first {MAX_ROM} are loaded into other "
            f"banks, which Uxntal cannot describe. Disassemble the first {MAX_ROM} alone."
        )
    known = symbols or SymbolTable()
    flow = follow(rom, known)
    return Listing(tuple(Writer(flow, choose_names(flow, known)).lines()))


def spell(
    memory: Sequence[int], address: int, symbols: SymbolTable | None = None
) -> tuple[str, int]:
    """Return the instruction at an address as text, and its size in bytes.

    `memory` is a bank of 65536 bytes; operands wrap round its end. Jump targets are given as
    labels, with an offset if need be, or as addresses: ``JSI print+2``, ``JCI 0x0123``.
    """
    byte = memory[address]
    size = operand_size(byte)
    operand = bytes(memory[(address + 1 + n) % MEMORY_SIZE] for n in range(size))
    if byte in (JCI, JMI, JSI):
        target = (address + 3 + int.from_bytes(operand, "big")) % MEMORY_SIZE
        return f"{MNEMONICS[byte]} {(symbols or SymbolTable()).describe(target)}", 3
    if byte in (LIT, LIT2):
        return f"#{operand.hex()}", 1 + size
    text = f"{MNEMONICS[byte]} {operand.hex()}" if size else MNEMONICS[byte]
    return text, 1 + size
