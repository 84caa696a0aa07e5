"""Uxn, the 16-bit stack machine of Hundred Rabbits, as a guest of jitvm."""

from jitvm.guest import Guest, Space, Stack
from jitvm.guests.uxn import encoding, instructions
from jitvm.guests.uxn.idioms import stored_variables
from jitvm.guests.uxn.instructions import uxn_opcodes

UXN = Guest(
    name="uxn",
    opcodes=uxn_opcodes(),
    spaces=(Space("ram", 0x10000, code=True),),
    stacks=(Stack("wst", 0x100), Stack("rst", 0x100, return_addresses=True)),
    ports=0x100,
    pc_bits=16,
    word_bits=32,
    byte_order="big",
    stored=stored_variables,
)
UXN.sources = (__file__, encoding.__file__, instructions.__file__)

__all__ = ["UXN"]
