"""Programs of the wire VM, and how instructions are written.

    op("goto", label)                            an instruction with labels and numbers
    field("int32.2", tag=, next=, miss=, a=)     one with the operands of fields

Labels are filled in when all is written. Where the variant of an instruction is chosen by what
messages look like, there is a `Site`.
"""

from __future__ import annotations

from functools import cache
from struct import Struct

from jitvm.guests.wire.instructions import LENGTHS_OF, NUMBERS
from jitvm.guests.wire.vm.operands import OPERANDS, UNIT

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Mapping

    from jitvm.guests.wire.columns import Column

NEVER = -1
"""A tag that does not come."""


class ProgramError(ValueError):
    """A program that cannot be made of a tree; the message says why."""


class Instructions:
    """What instructions programs are made of.

    Attributes:
        numbers: opcodes, by name.
        lengths: bytes of each, its opcode included.
        operands: where those of fields are, behind the opcode, and how many bytes they have.
    """

    __slots__ = ("lengths", "numbers", "operands")

    def __init__(
        self,
        numbers: Mapping[str, int],
        lengths: Mapping[str, int],
        operands: Mapping[str, tuple[int, int]],
    ) -> None:
        self.numbers = numbers
        self.lengths = lengths
        self.operands = operands


READING = Instructions(NUMBERS, LENGTHS_OF, OPERANDS)
"""Those that read messages."""


class Label:
    """A place in a program, once it is known."""

    __slots__ = ("at",)

    def __init__(self) -> None:
        self.at = -1


class Site:
    """An instruction whose variant is chosen by what messages look like.

    Attributes:
        at: where its opcode is.
        stem, suffix: of its name; between them stands how long values are.
        variants: lengths there are, the last of them right for all.
        column: what it reads.
    """

    __slots__ = ("at", "chosen", "column", "stem", "suffix", "variants")

    def __init__(
        self, at: int, stem: str, suffix: str, variants: tuple[str, ...], column: Column
    ) -> None:
        self.at = at
        self.stem = stem
        self.suffix = suffix
        self.variants = variants
        self.column = column
        self.chosen = variants[-1]

    def name(self, variant: str) -> str:
        """The instruction of a variant."""
        return f"{self.stem}.{variant}{self.suffix}"


class Program:
    """What a tree became.

    Attributes:
        instructions: those that it is made of.
        code: bytes from address 0.
        start: where a run begins: at the instruction that begins the next row.
        sites: what is chosen by what messages look like.
        notes: what stands at addresses, for people: the path of a field, and which piece of it.
        tables: addresses that are no instructions, and how many bytes they have.
        drop: where a row that failed is taken back.
        usual: opcodes on the way of messages in which each field comes where it is looked for, but
            for those of `sites`.
    """

    def __init__(self, instructions: Instructions) -> None:
        self.instructions = instructions
        self.code = bytearray()
        self.start = self.drop = 0
        self.sites: list[Site] = []
        self.notes: dict[int, str] = {}
        self.tables: dict[int, int] = {}
        self.usual: set[int] = set()

    @property
    def opcodes(self) -> set[int]:
        """Those that most messages need."""
        return self.usual | {self.code[site.at] for site in self.sites}

    def choose(self, site: Site, variant: str) -> int:
        """Take a variant; the address of the byte that is written."""
        site.chosen = variant
        self.code[site.at] = self.instructions.numbers[site.name(variant)]
        return site.at


_ADDRESS = Struct("<I")
_CODES = {1: "B", 4: "I"}
_OPERANDS = Struct("<" + "".join(_CODES[width] for _, width in OPERANDS.values()))
"""Operands of fields: they lie one behind the other."""
_MISS, _SLOW, _A, _C = (OPERANDS[name][0] for name in ("miss", "slow", "a", "c"))


def _units(place: int | None) -> int:
    """An address of a column as an operand."""
    if place is None:
        return 0
    assert place % UNIT == 0
    return place // UNIT


@cache
def looked_for(tag: int) -> tuple[int, int]:
    """A mask, and what is under it where a tag comes next; what never is, for one that is too long
    or does not come."""
    wanted = tag_bytes(tag) if tag != NEVER else b""
    if not 0 < len(wanted) <= 4:
        return 0, 1
    return (1 << 8 * len(wanted)) - 1, int.from_bytes(wanted, "little")


@cache
def tag_bytes(tag: int) -> bytes:
    """A tag as it lies in a message, in as few bytes as can be."""
    found = bytearray()
    while tag >= 0x80:
        found.append(tag & 0x7F | 0x80)
        tag >>= 7
    return bytes((*found, tag))


class Writer:
    """Writes the instructions of a program, one behind the other.

    Args:
        instructions: those that there are.

    Attributes:
        program: what is written.
        uses: places of addresses that have to be filled in.
        jumps: tables of addresses that have to be: where each is, how many it has, some by their
            place in it, and all others.
        is_usual: whether most messages need what is written now.
        fail: where a message ends that nobody can read.
    """

    def __init__(self, instructions: Instructions = READING) -> None:
        self.program = Program(instructions)
        self.code = self.program.code
        self.uses: list[tuple[int, Label]] = []
        self.jumps: list[tuple[int, int, Mapping[int, Label], Label]] = []
        self.is_usual = True
        self.fail = Label()

    def put(self, label: Label) -> None:
        label.at = len(self.code)

    def begin(self, name: str) -> int:
        """Write an opcode; where it is."""
        at, sites = len(self.code), self.program.sites
        number = self.program.instructions.numbers[name]
        if self.is_usual and not (sites and sites[-1].at == at):
            self.program.usual.add(number)
        self.code.append(number)
        return at

    def op(self, name: str, *operands: Label | tuple[int, int]) -> int:
        """An instruction: labels, and numbers with their bytes; where it is."""
        at = self.begin(name)
        for each in operands:
            if isinstance(each, Label):
                self.uses.append((len(self.code), each))
                self.code += bytes(4)
            else:
                self.code += each[0].to_bytes(each[1], "little")
        assert len(self.code) - at == self.program.instructions.lengths[name], name
        return at

    def field(
        self,
        name: str,
        *,
        tag: int = 0,
        next: int = NEVER,
        miss: Label | None = None,
        slow: Label | None = None,
        a: int | Label | None = None,
        b: int | None = None,
        c: int | Label | None = None,
    ) -> int:
        """An instruction with the operands of fields; where it is."""
        at = self.begin(name)
        place = at + 1
        self.uses.append((place + _MISS, miss or self.fail))
        self.uses.append((place + _SLOW, slow or self.fail))
        if isinstance(a, Label):
            self.uses.append((place + _A, a))
            a = None
        if isinstance(c, Label):
            self.uses.append((place + _C, c))
            c = None
        mask, number = looked_for(next)
        size = len(tag_bytes(tag)) if tag else 0
        self.code += _OPERANDS.pack(size, 0, 0, mask, number, _units(a), _units(b), _units(c))
        assert len(self.code) - at == self.program.instructions.lengths[name], name
        return at

    def filled(self, name: str, values: Mapping[str, int | Label | None]) -> int:
        """The same, given its operands: addresses of columns in bytes, None for 0."""
        instructions = self.program.instructions
        at = self.begin(name)
        self.code += bytes(instructions.lengths[name] - 1)
        for key, value in values.items():
            offset, width = instructions.operands[key]
            place = at + 1 + offset
            if isinstance(value, Label):
                self.uses.append((place, value))
            elif value is not None:
                if key in "abc":
                    assert value % UNIT == 0
                    value //= UNIT
                self.code[place : place + width] = value.to_bytes(width, "little")
        return at

    def switch(self, size: int, places: Mapping[int, Label], other: Label) -> None:
        """A table of addresses: some by their place in it, and all others."""
        at = len(self.code)
        self.program.tables[at] = 4 * size
        self.jumps.append((at, size, places, other))
        self.code += bytes(4 * size)

    def chosen(
        self, stem: str, suffix: str, variants: tuple[str, ...], careful: Label | None,
        column: Column,
    ) -> str:  # fmt: skip
        """The name of an instruction whose variant may be chosen later, if there is a place for
        what it does not fit."""
        site = Site(len(self.code), stem, suffix, variants, column)
        if careful is not None:
            self.program.sites.append(site)
        return site.name(variants[-1])

    def fill_in(self) -> None:
        """Put addresses where labels are used: all are known now."""
        code, put = self.code, _ADDRESS.pack_into
        for at, label in self.uses:
            put(code, at, label.at)
        for at, size, places, other in self.jumps:
            code[at : at + 4 * size] = _ADDRESS.pack(other.at) * size
            for place, label in places.items():
                put(code, at + 4 * place, label.at)
