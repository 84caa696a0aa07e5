"""Every operation of region IR, one row each: all there is to know about it except its lowering.

    STORE = Row("store[space,size,within] address, word", writes="memory", repeated=True)
    SHR = Row("shr known, distance", means=operator.rshift, bits=_shifted_right, repeated=True)

A row says how the operation is written, what it computes, and what it touches. Everything else is
derived, here or where it is needed, and never listed a second time:

    needed by               what                                derived from
    text, verify            operands, attributes, exit, result  the first column
    graph, verify           `bits` of a result                  `bits`
    graph, run, rules       constants                           `means`
    dead                    EFFECTS are kept                    no result, or something written
    fold                    SHARED with an equal one before     what it reads is never written
    arms                    SPECULATED: done on either way      no effect, not `dear`, `guarded`
    stores                  READS_MEMORY: sees stores           `reads`
    unroll                  REPEATED                            `repeated`
    verify, region core     ACTS cannot be undone               `writes`
    region core             CALLS, CHANGED: order of effects    `reads`, `writes`

What a row leaves out defaults to the safe answer: nothing is repeated unless its row says so, and
an operation without a result is kept. `jitvm.engine.ir.run` and the lowering of regions are checked
against the table when they are imported: an operation that they do not cover fails there
(`covered`).

First column: the operation as the text of the IR has it, with kinds in place of values.

    word            any word                       address, index, port, byte, known, flag
    distance        below the width of a word                      a word whose high bits are known
    pointer...      any number more                -> exit         may leave the graph

State that operations read and write

    entry           pc, stack pointers and stacks as they were when the graph was entered
    stacks          stacks now                     pointers        stack pointers now
    memory          spaces                         map             the code map and its watermark
    page            the port page                  ports           which ports have a device
    output          the ring                       host            requests to stop, code to discard
    interrupt       requests to leave              budget          instructions that are left
    windows         what windows show; nobody      told            why the guest stopped
                    changes it while it is shown

Source of the idea: IRDEF of LuaJIT (lj_ir.h), in which the rows are columns of a macro.
"""

from __future__ import annotations

import _operator as operator

from jitvm.guest.light import StrEnum

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Protocol, TypeVar

    from jitvm.guest import Guest

    class Operand(Protocol):
        """What is known of an operand; see `Value`."""

        bits: int
        constant: int | None

    Side = TypeVar("Side", bound=Operand)

MODULAR = 0
"""`bits` of a word whose high bits mean nothing."""

_OPERANDS = frozenset(
    ("word", "known", "flag", "distance", "address", "index", "port", "byte", "pointer")
)
_ATTRIBUTES = frozenset((
    "value", "stack", "offset", "size", "space", "within", "window", "origin", "word",
    "instructions",
))  # fmt: skip
_STATE = frozenset((
    "entry", "stacks", "pointers", "memory", "map", "page", "ports", "output", "host",
    "interrupt", "budget", "windows", "told",
))  # fmt: skip
_DEVICE = "stacks pointers memory page ports output host"
"""What a device may look at and change."""


class Row:
    """One operation.

    Args:
        text: its name, attributes, operands and exit, as at the head of this file.
        means: what it gives for numbers: operands, then attributes. Any number, to be cut to the
            word. Only operations on words mean something by themselves.
        bits: how many low bits of the result may be set, by operands and attributes; MODULAR
            if the others mean nothing. Not yet cut to the word.
        guest_bits: the same by the guest and the attributes.
        reads, writes: state, as at the head of this file.
        commutes: operands may be swapped.
        denied: the comparison that holds if this one does not. It compares the same sides
            if it commutes, and the sides swapped if not.
        dear: takes longer than a wrong guess of a branch.
        guarded: may stand only below a guard that makes it safe: it is never moved above that.
        repeated: may be done several times in a row if it is known that it does not leave.
        stands: it is found among the values of a block.

    Attributes:
        name: of the operation.
        operands: the kind of each.
        has_more: any number may follow.
        attributes: what its static attributes are.
        exits: it has an exit.
    """

    __slots__ = (
        "attributes", "bits", "commutes", "dear", "denied", "exits", "guarded", "guest_bits",
        "has_more", "means", "name", "operands", "reads", "repeated", "stands", "writes",
    )  # fmt: skip

    def __init__(
        self,
        text: str,
        *,
        means: Callable[..., int] | None = None,
        bits: Callable[..., int] | int | None = None,
        guest_bits: Callable[..., int] | None = None,
        reads: str = "",
        writes: str = "",
        commutes: bool = False,
        denied: str = "",
        dear: bool = False,
        guarded: bool = False,
        repeated: bool = False,
        stands: bool = True,
    ) -> None:
        text, arrow, _ = text.partition(" -> exit")
        head, _, operands = text.partition(" ")
        self.name, _, attributes = head.partition("[")
        self.has_more = operands.endswith("...")
        given = operands.rstrip(".").split(", ") if operands else []
        self.operands = tuple(given[:-1] if self.has_more else given)
        self.attributes = tuple(attributes.rstrip("]").split(",")) if attributes else ()
        self.exits = bool(arrow)
        self.means = means
        self.bits = (lambda *_: bits) if isinstance(bits, int) else bits
        self.guest_bits = guest_bits
        self.reads = frozenset(reads.split())
        self.writes = frozenset(writes.split())
        self.commutes = commutes
        self.denied = denied
        self.dear = dear
        self.guarded = guarded
        self.repeated = repeated
        self.stands = stands
        for names, known in (
            (given, _OPERANDS),
            (self.attributes, _ATTRIBUTES),
            (self.reads | self.writes, _STATE),
        ):
            if not known.issuperset(names):
                raise ValueError(f"{self.name}: {', '.join(set(names) - known)}: no such word")

    @property
    def has_result(self) -> bool:
        """Whether there is a value to use."""
        return self.bits is not None or self.guest_bits is not None

    def least_bits(self, args: Sequence[Operand], imm: Sequence[int], guest: Guest) -> int:
        """The bits that a result has at least, by its operands alone; not yet cut to the word."""
        if self.guest_bits is not None:
            return self.guest_bits(guest, *imm)
        assert self.bits is not None
        return self.bits(*args, *imm)

    def attribute(self, name: str, imm: tuple[int, ...]) -> int:
        """One of the static attributes of an operation."""
        return imm[self.attributes.index(name)]


# -- bits of results -----------------------------------------------------------------------------


def _sum(a: Operand, b: Operand) -> int:
    return max(a.bits, b.bits) + 1 if a.bits and b.bits else MODULAR


def _product(a: Operand, b: Operand) -> int:
    return a.bits + b.bits if a.bits and b.bits else MODULAR


def _common(a: Operand, b: Operand) -> int:
    return min(a.bits, b.bits) or a.bits or b.bits


def _wider(a: Operand, b: Operand) -> int:
    return max(a.bits, b.bits) if a.bits and b.bits else MODULAR


def _shifted_left(word: Operand, by: Operand) -> int:
    if not (word.bits and by.bits):
        return MODULAR
    return word.bits + ((1 << by.bits) - 1 if by.constant is None else by.constant)


def _shifted_right(word: Operand, by: Operand) -> int:
    return max(word.bits - (by.constant or 0), 1)


def _pointer(guest: Guest, stack: int) -> int:
    return guest.stacks[stack].size.bit_length() - 1


def _signed(word: int, size: int) -> int:
    sign = 1 << (8 * size - 1)
    return ((word & (2 * sign - 1)) ^ sign) - sign


def _leading_zeros(word: int, size: int) -> int:
    return 8 * size - (word & ((1 << 8 * size) - 1)).bit_length()


def _trailing_zeros(word: int, size: int) -> int:
    above = word | 1 << 8 * size
    return (above & -above).bit_length() - 1


def _swapped(word: int, size: int) -> int:
    low = word & ((1 << 8 * size) - 1)
    return int.from_bytes(low.to_bytes(size, "little"), "big")


# -- the table -----------------------------------------------------------------------------------


class Op(StrEnum):
    """The operations; `row` is what is known of one."""

    _value_: str
    row: Row

    def __new__(cls, row: Row) -> Op:
        self = str.__new__(cls, row.name)
        self._value_ = row.name
        self.row = row
        return self

    # -- what blocks take for granted: constants stand nowhere, parameters at the head of a block
    CONST = Row("const[value]", bits=lambda value: max(value.bit_length(), 1), stands=False)
    PARAM = Row("param", bits=MODULAR, stands=False)
    # -- words
    ADD = Row("add word, word", means=operator.add, bits=_sum, commutes=True, repeated=True)
    SUB = Row("sub word, word", means=operator.sub, bits=MODULAR, repeated=True)
    MUL = Row("mul word, word", means=operator.mul, bits=_product, commutes=True, repeated=True)
    AND = Row("and word, word", means=operator.and_, bits=_common, commutes=True, repeated=True)
    OR = Row("or word, word", means=operator.or_, bits=_wider, commutes=True, repeated=True)
    XOR = Row("xor word, word", means=operator.xor, bits=_wider, commutes=True, repeated=True)
    SHL = Row("shl word, distance", means=operator.lshift, bits=_shifted_left, repeated=True)
    SHR = Row("shr known, distance", means=operator.rshift, bits=_shifted_right, repeated=True)
    EQ = Row(
        "eq known, known", means=lambda x, y: int(x == y), bits=1, denied="ne",
        commutes=True, repeated=True,
    )  # fmt: skip
    NE = Row(
        "ne known, known", means=lambda x, y: int(x != y), bits=1, denied="eq",
        commutes=True, repeated=True,
    )  # fmt: skip
    LT = Row("lt known, known", means=lambda x, y: int(x < y), bits=1, denied="le", repeated=True)
    LE = Row("le known, known", means=lambda x, y: int(x <= y), bits=1, denied="lt", repeated=True)
    SELECT = Row(
        "select flag, word, word", means=lambda flag, yes, no: yes if flag else no,
        bits=lambda _, yes, no: _wider(yes, no), repeated=True,
    )  # fmt: skip
    SIGNED = Row("signed[size] word", means=_signed, bits=MODULAR, repeated=True)
    CLZ = Row(  # of the low bytes: 8 * size if they are 0
        "clz[size] word", means=_leading_zeros,
        bits=lambda _, size: (8 * size).bit_length(), repeated=True,
    )  # fmt: skip
    CTZ = Row(
        "ctz[size] word", means=_trailing_zeros,
        bits=lambda _, size: (8 * size).bit_length(), repeated=True,
    )  # fmt: skip
    BSWAP = Row(  # the low bytes in the other order
        "bswap[size] word", means=_swapped, bits=lambda _, size: 8 * size, repeated=True
    )
    DIV = Row(  # dividend, divisor; the attribute is what there is by zero
        "div[word] known, known", means=lambda x, y, by_zero: x // y if y else by_zero,
        bits=lambda x, _, by_zero: max(x.bits, by_zero.bit_length()), dear=True,
    )  # fmt: skip
    # -- the state at entry
    PC = Row("pc", guest_bits=lambda guest: guest.pc_bits, reads="entry")
    POINTER = Row("pointer[stack]", guest_bits=_pointer, reads="entry")
    SLOT = Row(
        "slot[stack,offset,size]", bits=lambda _stack, _offset, size: 8 * size, reads="entry"
    )
    # -- the state now
    STACK_BYTE = Row("stack_byte[stack] index", bits=8, reads="stacks")
    LOAD = Row(
        "load[space,size,within] address", bits=lambda _at, _space, size, _within: 8 * size,
        reads="memory", repeated=True,
    )  # fmt: skip
    MAP = Row(  # not zero if compiled code was made from these bytes
        "map[size] address", bits=lambda _at, size: 8 * size, reads="map", repeated=True
    )
    WATERMARK = Row(  # the highest address that `map` is not zero for; 0 without one
        "watermark", guest_bits=lambda guest: (guest.code_space.size - 1).bit_length(), reads="map"
    )
    PAGE = Row("page port", bits=8, reads="page", repeated=True)
    READER = Row("reader port", bits=1, reads="ports")  # whether a device answers reads
    WRITER = Row("writer port", bits=1, reads="ports")  # whether a device acts on writes
    HOST_POINTER = Row("host_pointer[stack]", guest_bits=_pointer, reads="pointers")
    # -- windows
    LENGTH = Row(  # bytes that it shows
        "length[window]", guest_bits=lambda guest, i: guest.spaces[i].size.bit_length(),
        reads="windows",
    )  # fmt: skip
    FENCE = Row(  # addresses below have NEAR bytes before the end
        "fence[window]", guest_bits=lambda guest, i: guest.spaces[i].size.bit_length() - 1,
        reads="windows",
    )  # fmt: skip
    PEEK = Row("peek[window] address", bits=8, reads="windows")  # one byte, 0 past the end
    VIEW = Row(  # a word that is sure to be inside
        "view[window,size] address", bits=lambda _at, _window, size: 8 * size, reads="windows",
        guarded=True,
    )  # fmt: skip
    # -- effects
    COPY = Row(  # to an address, from an address of a window or a large space, so many bytes
        "copy[space,origin] address, address, known", reads="memory windows", writes="memory"
    )
    TELL = Row("tell word, word", writes="told")  # a reason and a place
    STORE = Row("store[space,size,within] address, word", writes="memory", repeated=True)
    SET_STACK_BYTE = Row("set_stack_byte[stack] index, word", writes="stacks")
    SET_PAGE = Row("set_page port, word", writes="page", repeated=True)
    WRITTEN = Row(  # tells the host of a store to watched bytes
        "written[size] address", reads="map memory", writes="host"
    )
    HOST_IN = Row(  # a read through the device, which sees the pointers
        "host_in port, pointer...", bits=8, reads=_DEVICE, writes=_DEVICE
    )
    HOST_OUT = Row("host_out port, byte, pointer...", reads=_DEVICE, writes=_DEVICE)
    COLLECT = Row(  # written to the port page and to the ring, which may be emptied by that
        "collect port, byte", reads="memory", writes="page output"
    )
    OUT = Row(  # through a device that looks at memory and ports and changes only these
        "out port, byte", reads="memory page", writes="page output"
    )
    SYNC = Row("sync -> exit", writes="stacks pointers")  # what its exit would write; stays
    # -- leaving
    CHECK = Row("check -> exit", reads="pointers host")  # if a device moved a pointer
    GUARD = Row("guard flag -> exit", repeated=True)  # if it is zero
    CHARGE = Row(  # if the budget does not cover them
        "charge[instructions] -> exit", reads="budget", writes="budget"
    )
    POLL = Row("poll -> exit", reads="interrupt", repeated=True)
    # -- marks: what an instruction does stands between the two
    ACT = Row("act", repeated=True)
    DONE = Row("done", repeated=True)


# -- what follows --------------------------------------------------------------------------------

BY_NAME = {op.value: op for op in Op}
VALUES = tuple([op for op in Op if op.row.stands])
"""What is found among the values of a block."""
MEANS = {op: op.row.means for op in VALUES if op.row.means is not None}
WORDS = frozenset(MEANS)
"""What depends on words alone."""
BITS = {op: op.row.bits for op in VALUES if op.row.bits is not None}
BINARY = frozenset([op for op in WORDS if len(op.row.operands) == 2 and not op.row.attributes])
COMPARISONS = frozenset([op for op in VALUES if op.row.denied])
WITHOUT_RESULT = frozenset([op for op in VALUES if not op.row.has_result])
"""Operations whose value nobody may use."""
EFFECTS = WITHOUT_RESULT | {op for op in VALUES if op.row.writes}
ACTS = frozenset([op for op in EFFECTS if op.row.writes - {"budget"}])
"""What cannot be undone."""
MARKS = frozenset([
    op for op in WITHOUT_RESULT if not (op.row.reads or op.row.writes or op.row.exits)
])  # fmt: skip
"""What does nothing."""
_WRITTEN = frozenset().union(*[op.row.writes for op in VALUES])
SHARED = frozenset([op for op in VALUES if op not in EFFECTS and op.row.reads.isdisjoint(_WRITTEN)])
"""What gives the same wherever it stands."""
SPECULATED = frozenset([
    op for op in VALUES if op not in EFFECTS and not (op.row.dear or op.row.guarded)
])  # fmt: skip
"""What may be done for nothing."""
REPEATED = frozenset([op for op in VALUES if op.row.repeated])
"""What may be done several times in a row."""
READS_MEMORY = frozenset([op for op in VALUES if "memory" in op.row.reads])
ACCESSES = frozenset([op for op in VALUES if op.row.operands[:1] == ("address",)])
"""What has an address as its first operand."""
_OF_DEVICES = frozenset(_DEVICE.split())
CALLS = frozenset([op for op in EFFECTS if op.row.writes >= _OF_DEVICES])
"""What calls a device."""
CHANGED = frozenset([op for op in VALUES if op not in EFFECTS and op.row.reads & _OF_DEVICES])
"""What reads what a device may change. (The code map gets no marks while native code runs.)"""
TOUCHES = frozenset([op for op in EFFECTS if (op.row.reads | op.row.writes) & _OF_DEVICES])
"""Effects that have to do with the state of the guest."""
_DENIED = {op: BY_NAME[op.row.denied] for op in COMPARISONS}


def denied(op: Op, a: Side, b: Side) -> tuple[Op, Side, Side]:
    """The comparison that holds if ``a op b`` does not."""
    return (_DENIED[op], a, b) if op.row.commutes else (_DENIED[op], b, a)


def covered(by: str, known: Iterable[Op], wanted: Iterable[Op] = VALUES) -> None:
    """Make sure that a table has all operations it needs.

    Raises:
        LookupError: some are missing; the message names them.
    """
    if missing := sorted(set(wanted).difference(known)):
        raise LookupError(f"{by} does not know {', '.join(missing)}")
