"""Variables that Uxn code is seen to store to, before it does."""

from __future__ import annotations

from jitvm.guests.uxn.assembler import assemble
from jitvm.guests.uxn.idioms import stored_variables


def stored(source: str) -> frozenset[int]:
    memory = bytearray(0x10000)
    rom = assemble(source).rom
    memory[0x100 : 0x100 + len(rom)] = rom
    return stored_variables(bytes(memory))


def test_absolute_stores_of_bytes_and_shorts() -> None:
    assert stored("|0100 #12 ;x STA #1234 ;y STA2 BRK |0200 @x $1 @y $2") == {0x200, 0x201, 0x202}


def test_relative_stores_forwards_and_backwards() -> None:
    source = "|0100 LIT2 &a 0000 #12 ,&b STR #1234 ,&a STR2 LIT &b 00"
    assert stored(source) == {0x101, 0x102, 0x10F}


def test_stores_through_computed_addresses_name_nothing() -> None:
    assert stored("|0100 #12 ;x INC2 STA #34 ;x INC2 STAk LDA BRK |0200 @x") == frozenset()


def test_addresses_wrap_at_the_ends_of_memory() -> None:
    memory = bytearray(0x10000)
    memory[0:3] = bytes.fromhex("80f033")  # LIT f0 STR2: 3 - 16
    memory[0x10:0x14] = bytes.fromhex("a0ffff35")  # LIT2 ffff STA2
    assert stored_variables(bytes(memory)) == {0xFFF3, 0xFFF4, 0xFFFF, 0x0000}
