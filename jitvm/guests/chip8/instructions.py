"""What the instructions of CHIP-8 do, and those of its extensions SUPER-CHIP and XO-CHIP.

An instruction is two bytes, four hexadecimal digits, written like this in the tables of all
references (and in function names below where there is no better name):

    6XNN    6   selects the kind of instruction      X, Y    registers, V0 to VF
    8XY4    4   selects the operation                NNN, NN, N   a number of so many digits

jitvm decodes an instruction by its first byte, so sixteen rows of the table share a function, which
takes X from the opcode. If other digits select the operation, the function ends in a `switch`.

There are only spaces, no devices. The host reads the screen, and writes keys and timers, between
runs.

    MEMORY   64 KiB. Programs begin at PROGRAM; sprites of the digits are at FONT and BIG_FONT
    STATE    registers, timers, keys, and whatever else the constants below name
    SCREEN   planes (XO-CHIP has two) of 64 rows of 16 bytes, whose highest bits are leftmost.
             Unless HIRES is set, only the upper left quarter is used

Sources: Cowgod's *Chip-8 Technical Reference* for CHIP-8 and SUPER-CHIP, John Earnest's *XO-CHIP
Specification*; names of the quirks, and the machines that have them, as in Timendus' test suite.
"""

from __future__ import annotations

from functools import partial

from jitvm.engine.tables.struct import Struct
from jitvm.guest import Opcode, Space, Stack

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from collections.abc import Callable

    from jitvm.guest import Core, Word

    Meaning = Callable[[Core], None]
    Row = Callable[[Core, Word], tuple[Word, Word]]

MEMORY, STATE, SCREEN = 0, 1, 2
SPACES = (Space("memory", 0x10000, code=True), Space("state", 128), Space("screen", 4096))
CALLS = 0
STACKS = (Stack("calls", 128, return_addresses=True),)

VF = 0x0F
INDEX, DELAY, SOUND, STATUS, PLANES, HIRES, PITCH = 0x10, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17
WAITING, RELEASED, SEED, AUDIO, SAVED, KEYS = 0x18, 0x19, 0x20, 0x30, 0x40, 0x50
"""Addresses in STATE, after V0 to VF. INDEX (I) has two bytes, SEED (of random numbers) eight;
AUDIO (a pattern of bits), SAVED (for the next run) and KEYS (1 while a key is down) have sixteen.
RELEASED is the key let go of while the program was WAITING for one, or NO_KEY."""
NO_KEY = 0xFF
RUNNING, ENDED, UNKNOWN = 0, 1, 2
"""STATUS. UNKNOWN: there is no such instruction as the one at the program counter."""
FONT, BIG_FONT, PROGRAM = 0x050, 0x0A0, 0x200
ROWS, ROW, PLANE = 64, 16, 1024
WORD = (1 << 64) - 1


class Quirks(Struct, frozen=True):
    """What machines that run CHIP-8 disagree about; the defaults are those of the first.

    Attributes:
        resets: 8XY1, 8XY2 and 8XY3 set VF to 0.
        increments: FX55 and FX65 leave I behind the last byte.
        waits: DXYN waits for the next frame.
        clips: sprites end at the edge of the screen instead of going on at the other.
        shifts: 8XY6 and 8XYE shift VX instead of VY.
        jumps: BNNN adds VX instead of V0.
        super: there are the instructions of SUPER-CHIP.
        xo: there are those of XO-CHIP, too.
    """

    resets: bool = True
    increments: bool = True
    waits: bool = True
    clips: bool = True
    shifts: bool = False
    jumps: bool = False
    super: bool = False
    xo: bool = False


CHIP8 = Quirks()
SUPERCHIP = CHIP8.but(
    resets=False, increments=False, waits=False, shifts=True, jumps=True, super=True
)
XOCHIP = CHIP8.but(resets=False, waits=False, clips=False, super=True, xo=True)


# -- parts of an instruction, and registers ------------------------------------------------------


def x(core: Core) -> Word:
    return core.opcode & 15


def y(core: Core) -> Word:
    return core.operand(0, 1) >> 4


def n(core: Core) -> Word:
    return core.operand(0, 1) & 15


def nn(core: Core) -> Word:
    return core.operand(0, 1)


def nnn(core: Core) -> Word:
    return x(core) << 8 | nn(core)


def get(core: Core, register: Word) -> Word:
    return core.load(STATE, register, 1)


def put(core: Core, register: Word, word: Word) -> None:
    core.store(STATE, register, word, 1)


def index(core: Core) -> Word:
    return core.load(STATE, INDEX, 2)


def set_index(core: Core, word: Word) -> None:
    core.store(STATE, INDEX, word, 2)


# -- control -------------------------------------------------------------------------------------


def stop(status: int, core: Core) -> None:
    """End the run, and all that follow."""
    put(core, STATUS, status)
    core.jump(core.pc)
    core.halt()


unknown = partial(stop, UNKNOWN)


def call(core: Core) -> None:
    core.push(CALLS, core.return_address(), 2)
    core.jump(nnn(core))


def return_(core: Core) -> None:
    core.jump(core.pop(CALLS, 2))


def skip(q: Quirks, condition: Word, core: Core) -> None:
    """Skip the next instruction; XO-CHIP has one of four bytes."""
    size = core.select(core.beyond(0, 2) == 0xF000, 4, 2) if q.xo else 2
    core.jump_if(condition, core.next_pc + size)


def if_key(q: Quirks, core: Core) -> None:
    """EX9E and EXA1: skip if the key of VX is down, or if it is not."""
    is_down = core.load(STATE, (get(core, x(core)) & 15) + KEYS, 1)
    cases: dict[int, Meaning] = {
        0x9E: lambda core: skip(q, is_down != 0, core),
        0xA1: lambda core: skip(q, is_down == 0, core),
    }
    core.switch(nn(core), cases, unknown)


def wait_for_key(core: Core) -> None:
    """FX0A: until a key was let go of. Nothing else happens in this frame."""
    key = get(core, RELEASED)
    is_none = key == NO_KEY
    put(core, x(core), core.select(is_none, get(core, x(core)), key))
    put(core, WAITING, is_none)
    put(core, RELEASED, NO_KEY)
    core.jump_if(is_none, core.pc)
    core.halt()


# -- arithmetic ----------------------------------------------------------------------------------


def math(q: Quirks, core: Core) -> None:
    """8XYN: VX becomes the first word, and VF after it the second where there is one."""
    a, b = get(core, x(core)), get(core, y(core))
    shifted = a if q.shifts else b
    zero = (0,) if q.resets else ()
    results: dict[int, tuple[Word, ...]] = {
        0x0: (b,),
        0x1: (a | b, *zero),
        0x2: (a & b, *zero),
        0x3: (a ^ b, *zero),
        0x4: (a + b, (a + b) >> 8),
        0x5: (a - b, a >= b),
        0x6: (shifted >> 1, shifted & 1),
        0x7: (b - a, b >= a),
        0xE: (shifted << 1, shifted >> 7),
    }

    def result(words: tuple[Word, ...], core: Core) -> None:
        for register, word in zip((x(core), VF), words, strict=False):
            put(core, register, word)

    core.switch(n(core), {i: partial(result, words) for i, words in results.items()}, unknown)


def random(core: Core) -> None:
    """CXNN: from the highest bits of a linear congruential generator."""
    seed = core.load(STATE, SEED, 8)
    put(core, x(core), (seed >> 56) & nn(core))
    core.store(STATE, SEED, seed * 0x5851F42D4C957F2D + 0x14057B7EF767814F, 8)


# -- memory --------------------------------------------------------------------------------------


def save(registers: list[Word], increments: bool, core: Core) -> None:
    at = index(core)
    for i, word in enumerate([get(core, register) for register in registers]):
        core.store(MEMORY, at + i, word, 1)
    if increments:
        set_index(core, at + len(registers))


def restore(registers: list[Word], increments: bool, core: Core) -> None:
    at = index(core)
    words = [core.load(MEMORY, at + i, 1) for i in range(len(registers))]
    for register, word in zip(registers, words, strict=True):
        put(core, register, word)
    if increments:
        set_index(core, at + len(registers))


def up_to_x(move: Callable[[list[Word], bool, Core], None], q: Quirks, core: Core) -> None:
    """FX55 and FX65: V0 to VX."""
    cases = {last: partial(move, [*range(last + 1)], q.increments) for last in range(16)}
    core.switch(x(core), cases, unknown)


def x_to_y(move: Callable[[list[Word], bool, Core], None], core: Core) -> None:
    """5XY2 and 5XY3 of XO-CHIP: VX to VY, upward or downward; I stays."""
    first, last = x(core), y(core)
    is_up = first <= last
    step = core.select(is_up, 1, -1)

    def case(distance: int) -> Meaning:
        return lambda core: move(
            [(first + step * i) & 15 for i in range(distance + 1)], False, core
        )

    distance = core.select(is_up, last - first, first - last) & 15
    core.switch(distance, {i: case(i) for i in range(16)}, unknown)


def copy(source: int, target: int, core: Core) -> None:
    """FX75 and FX85: V0 to VX, from one part of STATE to another."""

    def case(last: int) -> Meaning:
        def semantics(core: Core) -> None:
            for i, word in enumerate([get(core, source + i) for i in range(last + 1)]):
                put(core, target + i, word)

        return semantics

    core.switch(x(core), {last: case(last) for last in range(16)}, unknown)


def digits(core: Core) -> None:
    """FX33: VX in decimal, a byte each digit."""
    at, word = index(core), get(core, x(core))
    tens, hundreds = (core.divide(word, by, by_zero=0) for by in (10, 100))
    for i, digit in enumerate((hundreds, tens - hundreds * 10, word - tens * 10)):
        core.store(MEMORY, at + i, digit, 1)


def load_audio(core: Core) -> None:
    at = index(core)
    for i, word in enumerate([core.load(MEMORY, at + i, 8) for i in (0, 8)]):
        core.store(STATE, AUDIO + 8 * i, word, 8)


def load_long(core: Core) -> None:
    """F000 NNNN: I becomes the number, which is four digits long."""
    set_index(core, core.beyond(0, 2))
    core.jump(core.next_pc + 2)


# -- the screen ----------------------------------------------------------------------------------


def planes(q: Quirks, core: Core) -> list[tuple[int, Word]]:
    """Where each plane begins, and whether it is drawn on."""
    if not q.xo:
        return [(0, 1)]
    chosen = get(core, PLANES)
    return [(0, chosen & 1), (PLANE, chosen >> 1)]


def sprite(q: Quirks, height: int, width: int, core: Core) -> None:
    """Exclusive or of the screen and of a sprite at I, for each plane one; VF: whether they met."""
    hires = get(core, HIRES) if q.super else 0
    columns, rows = core.select(hires, 128, 64), core.select(hires, 64, 32)
    left, top = get(core, x(core)) & (columns - 1), get(core, y(core)) & (rows - 1)
    shift, is_right = left & 63, left >> 6
    at, met = index(core), 0
    changed: list[tuple[Word, Word]] = []
    for plane, is_drawn in planes(q, core):
        for i in range(height):
            fits = is_drawn & (top + i < rows) if q.clips else is_drawn
            points = core.load(MEMORY, at + i * width, width) << (64 - 8 * width)
            inside = core.select(fits, points >> shift, 0)
            over = core.select(fits, ((points << (shift ^ 63)) << 1) & WORD, 0)
            around = 0 if q.clips else over
            halves = [inside | around]
            if q.super:
                halves[0] = core.select(is_right, around, core.select(hires, inside, halves[0]))
                halves.append(core.select(is_right, inside, core.select(hires, over, 0)))
            place = (top + i & rows - 1 & 63) << 4
            for half, word in enumerate(halves):
                here = place | plane | half * 8
                old = core.load(SCREEN, here, 8)
                met = met | old & word
                changed.append((here, old ^ word))
        at = at + core.select(is_drawn, height * width, 0)
    for place, word in changed:
        core.store(SCREEN, place, word, 8)
    put(core, VF, met != 0)
    if q.waits:
        core.halt()


def draw(q: Quirks, core: Core) -> None:
    """DXYN: N rows of 8 points; SUPER-CHIP has sprites of 16 rows of 16 points for DXY0."""
    cases = {height: partial(sprite, q, height, 1) for height in range(16)}
    if q.super:
        cases[0] = partial(sprite, q, 16, 2)
    core.switch(n(core), cases, unknown)


def redraw(q: Quirks, row: Row, core: Core) -> None:
    """Replace what is drawn on; `row` gives the two halves of the row that is at an address."""
    changed = []
    for plane, is_drawn in planes(q, core):
        for at in range(plane, plane + ROWS * ROW, ROW):
            for half, word in zip((at, at + 8), row(core, at), strict=True):
                changed.append((half, core.select(is_drawn, word, core.load(SCREEN, half, 8))))
    for half, word in changed:
        core.store(SCREEN, half, word, 8)


def scroll_rows(q: Quirks, direction: int, core: Core) -> None:
    """00CN and 00DN: N rows down, or up."""
    distance, size = n(core) * direction, core.select(get(core, HIRES), 64, 32)

    def row(core: Core, at: Word) -> tuple[Word, Word]:
        here = at // ROW % ROWS
        source = (here - distance) & 127
        fits = (source < size) & (here < size)
        source = (source & 63) << 4 | at // PLANE * PLANE
        first, second = (core.select(fits, core.load(SCREEN, source | i, 8), 0) for i in (0, 8))
        return first, second

    redraw(q, row, core)


def scroll_columns(q: Quirks, is_right: bool, core: Core) -> None:
    """00FB and 00FC: four columns to the right, or to the left."""
    hires = get(core, HIRES)

    def row(core: Core, at: Word) -> tuple[Word, Word]:
        a, b = core.load(SCREEN, at, 8), core.load(SCREEN, at + 8, 8)
        if is_right:
            return a >> 4, core.select(hires, (a & 15) << 60 | b >> 4, 0)
        return a << 4 | b >> 60, b << 4

    redraw(q, row, core)


def clear(q: Quirks, core: Core) -> None:
    redraw(q, lambda *_: (0, 0), core)


def set_hires(hires: int, core: Core) -> None:
    put(core, HIRES, hires)
    for at in range(0, 2 * PLANE, 8):
        core.store(SCREEN, at, 0, 8)


# -- the table -----------------------------------------------------------------------------------


def system(q: Quirks, core: Core) -> None:
    """00NN: what takes no operands."""
    cases: dict[int, Meaning] = {0xE0: partial(clear, q), 0xEE: return_}
    rest: dict[int, Meaning] = {}
    if q.super:
        rest[0xC] = partial(scroll_rows, q, 1)
        cases[0xFB] = partial(scroll_columns, q, True)
        cases[0xFC] = partial(scroll_columns, q, False)
        cases[0xFD] = partial(stop, ENDED)
        cases[0xFE] = partial(set_hires, 0)
        cases[0xFF] = partial(set_hires, 1)
    if q.xo:
        rest[0xD] = partial(scroll_rows, q, -1)
    core.switch(nn(core), cases, lambda core: core.switch(y(core), rest, unknown))


def pairs(q: Quirks, core: Core) -> None:
    """5XYN"""
    cases: dict[int, Meaning] = {
        0: lambda core: skip(q, get(core, x(core)) == get(core, y(core)), core)
    }
    if q.xo:
        cases |= {2: partial(x_to_y, save), 3: partial(x_to_y, restore)}
    core.switch(n(core), cases, unknown)


def unlike(q: Quirks, core: Core) -> None:
    """9XY0"""
    a, b = get(core, x(core)), get(core, y(core))
    core.switch(n(core), {0: lambda core: skip(q, a != b, core)}, unknown)


def only_0(meaning: Meaning, core: Core) -> None:
    """What there is without a register."""
    core.switch(x(core), {0: meaning}, unknown)


def misc(q: Quirks, core: Core) -> None:
    """FXNN: timers, memory, and all else."""
    word = get(core, x(core))
    cases: dict[int, Meaning] = {
        0x07: lambda core: put(core, x(core), get(core, DELAY)),
        0x0A: wait_for_key,
        0x15: lambda core: put(core, DELAY, word),
        0x18: lambda core: put(core, SOUND, word),
        0x1E: lambda core: set_index(core, index(core) + word),
        0x29: lambda core: set_index(core, (word & 15) * 5 + FONT),
        0x33: digits,
        0x55: partial(up_to_x, save, q),
        0x65: partial(up_to_x, restore, q),
    }
    if q.super:
        cases[0x30] = lambda core: set_index(core, (word & 15) * 10 + BIG_FONT)
        cases[0x75] = partial(copy, 0, SAVED)
        cases[0x85] = partial(copy, SAVED, 0)
    if q.xo:
        only: dict[int, Meaning] = {0x00: load_long, 0x02: load_audio}
        cases[0x01] = lambda core: put(core, PLANES, x(core) & 3)
        cases[0x3A] = lambda core: put(core, PITCH, word)
        cases |= {code: partial(only_0, meaning) for code, meaning in only.items()}
    core.switch(nn(core), cases, unknown)


def opcodes(q: Quirks) -> tuple[Opcode, ...]:
    """A row for each first byte."""
    kinds: tuple[tuple[str, Meaning], ...] = (
        ("system", partial(system, q)),
        ("jump", lambda core: core.jump(nnn(core))),
        ("call", call),
        ("skip-if", lambda core: skip(q, get(core, x(core)) == nn(core), core)),
        ("skip-unless", lambda core: skip(q, get(core, x(core)) != nn(core), core)),
        ("pairs", partial(pairs, q)),
        ("set", lambda core: put(core, x(core), nn(core))),
        ("add", lambda core: put(core, x(core), get(core, x(core)) + nn(core))),
        ("math", partial(math, q)),
        ("skip-unlike", partial(unlike, q)),
        ("index", lambda core: set_index(core, nnn(core))),
        ("jump-by", lambda core: core.jump(get(core, x(core) if q.jumps else 0) + nnn(core))),
        ("random", random),
        ("draw", partial(draw, q)),
        ("key", partial(if_key, q)),
        ("misc", partial(misc, q)),
    )
    rows = []
    for code in range(256):
        name, semantics = kinds[code >> 4]
        is_routine = 0x00 < code < 0x10  # 0NNN called machine code of the first machine
        rows.append(Opcode(code, f"{name}-{code & 15:X}", unknown if is_routine else semantics, 1))
    return tuple(rows)
