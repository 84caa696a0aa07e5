"""Uxn, the 16-bit stack machine of Hundred Rabbits, as a guest of jitvm.

What its opcodes do is imported when somebody asks for them: a program whose handlers are in the
code cache runs without.
"""

from __future__ import annotations

import os

from jitvm.guest import Guest, Space, Stack

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.guest import Opcode


def _opcodes() -> tuple[Opcode, ...]:
    from jitvm.engine.host.process import IMPORTS

    with IMPORTS:
        from jitvm.guests.uxn.instructions import uxn_opcodes

    return uxn_opcodes()


def _stored(memory: bytes) -> frozenset[int]:
    from jitvm.guests.uxn.idioms import stored_variables

    return stored_variables(memory)


UXN = Guest(
    name="uxn",
    opcodes=_opcodes,
    spaces=(Space("ram", 0x10000, code=True),),
    stacks=(Stack("wst", 0x100, cached=(1, 2)), Stack("rst", 0x100, return_addresses=True)),
    ports=0x100,
    pc_bits=16,
    word_bits=32,
    byte_order="big",
    stored=_stored,
)
_FOLDER = os.path.dirname(__file__)
UXN.sources = (
    __file__, os.path.join(_FOLDER, "encoding.py"), os.path.join(_FOLDER, "instructions.py"),
)  # fmt: skip
