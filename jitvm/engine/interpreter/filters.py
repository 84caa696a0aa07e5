"""Conditions of places to stop at, decided in native code: `Machine.break_at`'s `filters`.

A tree of tuples over whole numbers, which has every part of the state that stubs can see:

    ("number", 5)                          ("pc",)             ("pointer", stack)
    ("load", kind, index, address, size)   kind: space, stack (below its top) or port
    ("~", a) ("!", a) ("neg", a)           ("+", a, b)  and  -  *  &  |  ^  &&  ||
    ("<<", a, distance) (">>", ...)        == != < <= > >=, whose results are 1 and 0

Numbers have no end where conditions come from, but 64 bits here. So of each part it is known
between which numbers it lies, and what might need more bits has no filter: whoever asks decides
by itself. Nothing in a tree can fail, as addresses wrap.
"""

from __future__ import annotations

from jitvm.engine.codegen.emitter import Emitter
from jitvm.engine.memory.layout import Layout
from jitvm.guest import Guest

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from typing import Any

    Filter = tuple[Any, ...]

LIMIT = 1 << 62
"""What parts of a filter stay below, and above the negative of."""
WIDEST = 4
"""Bytes of the widest word."""
DEEPEST_SHIFT = 32
_COMPARED = {"==": "eq", "!=": "ne", "<": "slt", "<=": "sle", ">": "sgt", ">=": "sge"}
_PLAIN = {"+": "add", "-": "sub", "*": "mul", "&": "and", "|": "or", "^": "xor"}
_TRUTH = (0, 1)


def is_filter(tree: Filter | None, guest: Guest) -> bool:
    """Whether a tree can be decided by native code."""
    return tree is not None and _range(tree, guest) is not None


def _range(tree: Filter, guest: Guest) -> tuple[int, int] | None:
    """Between which numbers a part lies; None where that is too far, or it is no filter."""
    found = _ranged(tree, guest)
    return None if found is None or found[0] <= -LIMIT or found[1] >= LIMIT else found


def _ranged(tree: Filter, guest: Guest) -> tuple[int, int] | None:
    word, *parts = tree
    if word == "number":
        return parts[0], parts[0]
    if word == "pc":
        return 0, guest.code_space.size - 1
    if word == "pointer":
        return 0, guest.stacks[parts[0]].size - 1
    if word == "load":
        return _loaded(parts, guest)
    ranges = [_range(part, guest) for part in parts]
    if None in ranges:
        return None
    (low, high), *others = [found for found in ranges if found is not None]
    if word in _COMPARED or word in ("&&", "||", "!"):
        return _TRUTH
    if word == "~":
        return ~high, ~low
    if word == "neg":
        return -high, -low
    (low_2, high_2), = others  # fmt: skip
    if word in ("<<", ">>"):
        if low_2 != high_2 or not 0 <= low_2 <= DEEPEST_SHIFT:
            return None
        return (low << low_2, high << low_2) if word == "<<" else (low >> low_2, high >> low_2)
    if word == "+":
        return low + low_2, high + high_2
    if word == "-":
        return low - high_2, high - low_2
    if word == "*":
        products = [a * b for a in (low, high) for b in (low_2, high_2)]
        return min(products), max(products)
    if word in _PLAIN:
        bits = max(each.bit_length() for each in (low, high, low_2, high_2))
        return -(1 << bits), (1 << bits) - 1
    return None


def _loaded(parts: list[Any], guest: Guest) -> tuple[int, int] | None:
    kind, index, address, size = parts
    if size > WIDEST or _range(address, guest) is None:
        return None
    cells = _cells(kind, index, guest)
    return None if cells is None or cells & (cells - 1) else (0, 256**size - 1)


def _cells(kind: str, index: int, guest: Guest) -> int | None:
    """How many bytes there are; None if they are not in the machine's block."""
    if kind == "port":
        return guest.ports or None
    if kind == "stack":
        return guest.stacks[index].size
    space = guest.spaces[index]
    return None if space.is_attached else space.size


def lower(e: Emitter, tree: Filter) -> str:
    """Lines that compute what a filter is worth; the name of its value, 64 bits."""
    word, *parts = tree
    guest, layout = e.layout.guest, e.layout
    if word == "number":
        return str(parts[0])
    if word == "pc":
        return "%pc"
    if word == "pointer":
        return _pointer(e, parts[0])
    if word == "load":
        return _load(e, guest, layout, parts)
    values = [lower(e, part) for part in parts]
    if word == "~":
        return e.let(f"xor i64 {values[0]}, -1")
    if word == "neg":
        return e.let(f"sub i64 0, {values[0]}")
    if word == "!":
        return e.let(f"zext i1 {e.let(f'icmp eq i64 {values[0]}, 0')} to i64")
    if word in ("&&", "||"):
        flags = [e.let(f"icmp ne i64 {value}, 0") for value in values]
        both = e.let(f"{'and' if word == '&&' else 'or'} i1 {flags[0]}, {flags[1]}")
        return e.let(f"zext i1 {both} to i64")
    left, right = values
    if word in _COMPARED:
        return e.let(f"zext i1 {e.let(f'icmp {_COMPARED[word]} i64 {left}, {right}')} to i64")
    operation = {"<<": "shl", ">>": "ashr"}.get(word) or _PLAIN[word]
    return e.let(f"{operation} i64 {left}, {right}")


def _pointer(e: Emitter, stack: int) -> str:
    mask = e.layout.guest.stacks[stack].size - 1
    return e.let(f"and i64 {e.let(f'ptrtoint ptr %s{stack} to i64')}, {mask}")


def _load(e: Emitter, guest: Guest, layout: Layout, parts: list[Any]) -> str:
    kind, index, address, size = parts
    cells, at = _cells(kind, index, guest), lower(e, address)
    assert cells is not None
    if kind == "stack":
        at = e.let(f"sub i64 {e.let(f'sub i64 {_pointer(e, index)}, {at}')}, {size}")
        offset, tag = layout.stacks[index], "stack"
    elif kind == "port":
        offset, tag = layout.ports, "page"
    else:
        is_code = index == guest.code_index
        offset, tag = (0, "code") if is_code else (layout.spaces[index], "private")
    word = "0"
    for i in range(size):
        place = e.let(f"and i64 {e.let(f'add i64 {at}, {i}')}, {cells - 1}")
        byte = e.let(f"zext i8 {e.load('i8', e.at(place, e.at(offset)), tag)} to i64")
        shift = 8 * (size - 1 - i if guest.byte_order == "big" else i)
        word = e.let(f"or i64 {word}, {e.let(f'shl i64 {byte}, {shift}')}")
    return word
