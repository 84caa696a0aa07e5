"""From a random generator to a guest: what it has, and its rows.

Some rows every guest has, so that its programs can count, branch, call and come back; how they do
it is drawn. The others are random. All opcodes left over halt.

    set  ADDRESS NUMBER      a variable in memory           lit0 NUMBER, drop0    on each stack
    reg  NUMBER NUMBER       a register                     mcount ADDRESS LABEL  count down, loop
    call LABEL, ret          through a stack, a register    rcount, kcount LABEL  in a register, on
                             or memory                                            the first stack
    jump LABEL, br .. LABEL, table LABEL
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from tests.fuzz.guests.case import Row, Shape
from tests.fuzz.guests.semantics import Writer

STACK_SIZES = (2, 4, 8, 16, 64, 256, 256, 256, 1024, 0x10000, 0x20000)
SPACE_SIZES = (1, 2, 8, 16, 64, 64, 128, 256, 4096)
SHOWN = (0, 1, 7, 8, 9, 40, 200, 4096, 5000)
"""Bytes that windows show."""


@dataclass(slots=True)
class Described:
    """A guest under construction.

    Attributes:
        moves: by how much a row moves each stack's pointer, by name; unknown ones move none.
        random: names of the random rows.
        count_size: bytes of a counter on the first stack, 0 without one.
    """

    shape: Shape
    rows: list[Row] = field(default_factory=list)
    moves: dict[str, list[int]] = field(default_factory=dict)
    random: list[str] = field(default_factory=list)
    count_size: int = 0


def shape(rng: random.Random) -> Shape:
    """What a random guest has."""
    stacks = tuple(rng.choice(STACK_SIZES) for _ in range(rng.choice((0, 1, 1, 2, 2, 2, 3, 4))))
    private = tuple(rng.choice(SPACE_SIZES) for _ in range(rng.choice((0, 0, 1, 1, 2))))
    if not stacks and not private:
        private = (64,)
    pc_bits = 17 if rng.random() < 0.08 else 16
    code = rng.randint(0, len(private))
    spaces = (*private[:code], 1 << pc_bits, *private[code:])
    window = rng.choice((0, 0, 0, 16, 32))
    word_bits = rng.choice((32, 64))
    sizes = [1, 2, 4, 8][: 3 + (word_bits == 64)]
    return Shape(
        word_bits=word_bits,
        byte_order=rng.choice(("big", "little")),
        pc_bits=pc_bits,
        ports=rng.choice((0, 256, 256)),
        stacks=stacks,
        spaces=spaces,
        code=code,
        window=window,
        shown=rng.choice(SHOWN) if window else 0,
        large=rng.choice((0, 0, 16)),
        cached=tuple(rng.sample(sizes, rng.choice((0, 0, 1, 1, 2)))) if stacks else (),
        cached_at=rng.randrange(len(stacks)) if stacks else 0,
    )


def describe(rng: random.Random) -> Described:
    """A random guest."""
    made = Described(shape(rng))
    codes = rng.sample(range(256), 64)
    for name, row in _basic(rng, made).items():
        operands, lines = row
        made.rows.append(Row(codes.pop(), name, tuple(operands), tuple(lines)))
    for number in range(rng.choice((5, 8, 12))):
        name = f"x{number}"
        writer = Writer(rng, made.shape)
        made.rows.append(writer.row(codes.pop(), name))
        made.moves[name] = writer.moves
        made.random.append(name)
    return made


Body = tuple[list[str], list[str]]
"""Operands and lines of a row."""


def _basic(rng: random.Random, made: Described) -> dict[str, Body]:
    shape = made.shape
    code, link = shape.code, shape.link_size
    sizes = [s for s in (1, 2, 4, 8) if 8 * s <= shape.word_bits]
    rows: dict[str, Body] = {"halt": ([], ["core.halt()"])}
    for stack in range(len(shape.stacks)):
        size = rng.choice(sizes)
        rows[f"lit{stack}"] = (
            [f"{size} imm"], [f"core.push({stack}, core.operand(0, {size}), {size})"]
        )  # fmt: skip
        rows[f"drop{stack}"] = ([], [f"core.pop({stack}, 1)"])
        made.moves[f"lit{stack}"] = _move(made, stack, size)
        made.moves[f"drop{stack}"] = _move(made, stack, -1)
    size = rng.choice(sizes)
    to = f"core.operand(0, {link})"
    rows["set"] = (
        [f"{link} addr", f"{size} imm"],
        [f"core.store({code}, {to}, core.operand({link}, {size}), {size})"],
    )
    rows["mcount"] = (
        [f"{link} count", f"{link} label"],
        [f"a = {to}", f"t = core.operand({link}, {link})",
         f"n = (core.load({code}, a, 2) - 1) & 0xffff",
         f"core.store({code}, a, n, 2)", "core.jump_if(n, t)"],
    )  # fmt: skip
    rows["mset"] = (
        [f"{link} count", "2 imm"],
        [f"core.store({code}, {to}, core.operand({link}, 2), 2)"],
    )
    private = [i for i, n in enumerate(shape.spaces) if i != code and n >= 16]
    rows |= _registers(rng, made, private)
    rows |= _calls(rng, made, private)
    rows |= _jumps(rng, made)
    if shape.stacks:
        size = made.moves["lit0"][0]
        made.count_size = size
        mask = (1 << 8 * size) - 1
        rows["kcount"] = (
            [f"{link} label"],
            [f"n = (core.pop(0, {size}) - 1) & {mask:#x}", f"core.push(0, n, {size})",
             f"core.jump_if(n, {to})"],
        )  # fmt: skip
    return rows


def _move(made: Described, stack: int, size: int) -> list[int]:
    return [size if i == stack else 0 for i in range(len(made.shape.stacks))]


def _registers(rng: random.Random, made: Described, private: list[int]) -> dict[str, Body]:
    if not private:
        return {}
    space, link = rng.choice(private), made.shape.link_size
    size = rng.choice((2, 4))
    at = f"core.operand(0, 1) << {size.bit_length() - 1}"
    return {
        "reg": (
            ["1 small", f"{size} imm"],
            [f"core.store({space}, {at}, core.operand(1, {size}), {size})"],
        ),
        "rcount": (
            ["1 small", f"{link} label"],
            [f"n = (core.load({space}, {at}, {size}) - 1) & {(1 << 8 * size) - 1:#x}",
             f"core.store({space}, {at}, n, {size})",
             f"core.jump_if(n != 0, core.operand(1, {link}))"],
        ),
    }  # fmt: skip


def _calls(rng: random.Random, made: Described, private: list[int]) -> dict[str, Body]:
    """Return addresses on a stack, in a register, or in memory."""
    shape, link = made.shape, made.shape.link_size
    to = f"core.jump(core.operand(0, {link}))"
    if shape.stacks and rng.random() < 0.7:
        stack = rng.randrange(len(shape.stacks))
        keep, back = (
            f"core.push({stack}, core.return_address(), {link})",
            f"core.pop({stack}, {link})",
        )
    elif private and rng.random() < 0.7:
        space, at = rng.choice(private), rng.choice((0, 4, 8))
        keep = f"core.store({space}, {at}, core.return_address(), {link})"
        back = f"core.load({space}, {at}, {link})"
    else:
        keep = f"core.store({shape.code}, 0x1e00, core.return_address(), {link})"
        back = f"core.load({shape.code}, 0x1e00, {link})"
    ret: Body = ([], [f"core.jump({back})"])
    if "store" in keep:
        return {"call": ([f"{link} label"], [f"t = core.operand(0, {link})", keep, "core.jump(t)"]),
                "ret": ret}  # fmt: skip
    return {"call": ([f"{link} label"], [keep, to]), "ret": ret}


def _jumps(rng: random.Random, made: Described) -> dict[str, Body]:
    shape, code, link = made.shape, made.shape.code, made.shape.link_size
    sized = rng.choice((1, 2))
    operands: list[str] = []
    if shape.stacks and rng.random() < 0.7:
        value, at = f"core.pop({rng.randrange(len(shape.stacks))}, {sized})", 0
    else:
        operands, at = [f"{link} addr"], link
        value = f"core.load({code}, core.operand(0, {link}), {sized})"
    target = f"core.operand({at}, {link})"
    relative = f"core.next_pc + core.signed(core.operand({at}, 2), 2)"
    table = f"core.load({code}, {target} + ((v & 3) << {link.bit_length() - 1}), {link})"
    branch = rng.random() < 0.5
    condition = rng.choice(("v", "v & 1", "v & 3", "v < 0x70"))
    return {
        "jump": ([f"{link} label"], [f"core.jump(core.operand(0, {link}))"]),
        "br": (
            [*operands, "2 rel" if branch else f"{link} label"],
            [f"v = {value}", f"core.jump_if({condition}, {relative if branch else target})"],
        ),
        "table": ([*operands, f"{link} label"], [f"v = {value}", f"core.jump({table})"]),
    }
