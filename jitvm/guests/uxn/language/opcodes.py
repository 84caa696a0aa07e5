"""What an opcode does, for people: stack effect and meaning, in any of its modes.

Both come from the docstrings of the semantic functions (see `jitvm.guests.uxn.instructions`):

    STH   a -- | -- a      ->   STH2kr   ( | a* -- a* | a* )   Move the top to the other stack.

so what an editor shows is what the opcode is documented to do, and there is no second list.
"""

from __future__ import annotations

import inspect
from functools import cache

from jitvm.engine.tables.struct import Struct
from jitvm.guests.uxn.encoding import (
    BASE_MASK,
    MNEMONICS,
    MODE_KEEP,
    MODE_RETURN,
    MODE_SHORT,
    operand_size,
)
from jitvm.guests.uxn.instructions import IMMEDIATES, OPERATIONS

_MODES = (
    (MODE_SHORT, "2: on shorts"),
    (MODE_KEEP, "k: keeps its operands"),
    (MODE_RETURN, "r: on the return stack"),
)


class OpcodeHelp(Struct, frozen=True):
    """An opcode for people.

    Attributes:
        name: its canonical spelling.
        effect: on the stacks, in Uxntal's notation: working stack, ``|``, return stack.
        meaning: a sentence or two.
        modes: a line for each letter behind the name.
    """

    name: str
    effect: str
    meaning: str
    modes: tuple[str, ...]


@cache
def opcode_help(byte: int) -> OpcodeHelp:
    """What to say of an opcode byte."""
    if byte & BASE_MASK:
        function: object = OPERATIONS[(byte & BASE_MASK) - 1]
        flags = byte
    else:
        function = IMMEDIATES[byte]
        function = getattr(function, "func", function)
        flags = byte & ~MODE_KEEP if operand_size(byte) else 0
        if byte in (0x20, 0x40, 0x60):
            flags = 0
    effect, _, meaning = (inspect.getdoc(function) or "").partition("\n\n")
    modes = tuple(about for mode, about in _MODES if flags & mode)
    return OpcodeHelp(MNEMONICS[byte], _in_mode(effect, flags), " ".join(meaning.split()), modes)


def _in_mode(effect: str, byte: int) -> str:
    """A documented effect, in the modes of an opcode."""
    own, _, other = effect.partition(" | ")
    taken, given = _sides(own, byte)
    if byte & MODE_KEEP:
        given = [*taken, *given]
    other_taken, other_given = _sides(other, byte)
    before, after = [taken, other_taken], [given, other_given]
    if byte & MODE_RETURN:
        before.reverse()
        after.reverse()
    return f"( {_spelled(before)}-- {_spelled(after)})"


def _sides(effect: str, byte: int) -> tuple[list[str], list[str]]:
    taken, _, given = effect.partition("--")
    return _items(taken, byte), _items(given, byte)


def _items(text: str, byte: int) -> list[str]:
    items = []
    for item in text.split():
        if item.endswith("16"):
            items.append(f"{item[:-2]}*")
        elif item.endswith("8"):
            items.append(item[:-1])
        else:
            # A flag is a byte whatever is compared.
            is_flag = any(sign in item for sign in ("==", "!=", "<", ">"))
            items.append(f"{item}*" if byte & MODE_SHORT and not is_flag else item)
    return items


def _spelled(stacks: list[list[str]]) -> str:
    working, back = stacks
    words = [*working, *(["|", *back] if back else [])]
    return "".join(f"{word} " for word in words)
