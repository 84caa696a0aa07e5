"""Programs of the wire VM, and how instructions are written.

    op("goto", label)                            an instruction with labels and numbers
    field("int32.2", tag=, next=, miss=, a=)     one with the operands of fields

Labels are filled in when all is written. Where the variant of an instruction is chosen by what
messages look like, there is a `Site`.
"""

from __future__ import annotations

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
        is_usual: whether most messages need what is written now.
        fail: where a message ends that nobody can read.
    """

    def __init__(self, instructions: Instructions = READING) -> None:
        self.program = Program(instructions)
        self.code = self.program.code
        self.uses: list[tuple[int, Label]] = []
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
        wanted = tag_bytes(next) if next != NEVER else b""
        if len(wanted) > 4 or next == NEVER:
            mask, number = 0, 1
        else:
            mask, number = (1 << 8 * len(wanted)) - 1, int.from_bytes(wanted, "little")
        return self.filled(name, {
            "size": len(tag_bytes(tag)) if tag else 0, "miss": miss or self.fail,
            "slow": slow or self.fail, "mask": mask, "next": number, "a": a, "b": b, "c": c,
        })  # fmt: skip

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
        for at, label in self.uses:
            self.code[at : at + 4] = label.at.to_bytes(4, "little")
