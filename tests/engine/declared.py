"""Guests that are only declared: byte order, word width and spaces, with opcodes that do nothing.

Tests of what stands below the opcodes (stacks as values, cells, lowering) need a guest of either
byte order and of words wider than Uxn's, but no instructions.
"""

from __future__ import annotations

from collections.abc import Callable

from jitvm.guest import Core, Guest, Opcode, Space, Stack

CODE, PRIVATE, LARGE, WINDOW, DEEP = range(5)
"""Its spaces; the last two where they are wanted: a window, and a large space."""
LENGTH = 9
"""Bytes of each of its instructions."""

Semantics = Callable[[Core], None]


def nothing(core: Core) -> None:
    """What opcodes do that nobody gave a meaning."""


def declared(
    byte_order: str,
    word_bits: int = 64,
    meanings: tuple[Semantics, ...] = (),
    *,
    attached: bool = False,
) -> Guest:
    """A guest with two stacks, a private space and ports; its first opcodes may mean something."""
    assert byte_order in ("big", "little")
    more = (Space("window", 0x10000, window=True), Space("deep", 0x10000, large=True))
    rest = (nothing,) * (256 - len(meanings))
    return Guest(
        name=f"declared-{byte_order}-{word_bits}",
        opcodes=tuple(
            Opcode(code, f"op-{code:02x}", meaning, LENGTH - 1)
            for code, meaning in enumerate((*meanings, *rest))
        ),
        spaces=(
            Space("memory", 0x10000, code=True),
            Space("private", 64),
            Space("large", 512),
            *(more if attached else ()),
        ),
        stacks=(Stack("first", 256), Stack("second", 256)),
        ports=256,
        word_bits=word_bits,
        byte_order="big" if byte_order == "big" else "little",
    )
