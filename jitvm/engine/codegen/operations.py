"""One method an operation of the IR: the LLVM instructions that compute its value.

What joins them, blocks, branches and exits, is in `lower`; what only regions have, in the lowering
of regions.
"""

from __future__ import annotations

from jitvm.engine.codegen.emitter import LIKELY, Emitter
from jitvm.engine.codegen.table import lowers
from jitvm.engine.ir.graph import Value
from jitvm.engine.ir.ops import Op
from jitvm.engine.memory.layout import FENCE, LENGTH, MIRROR, WIDEST, Layout

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import ClassVar

    from jitvm.engine.codegen.table import Lowerings

_INSTRUCTION = {
    Op.ADD: "add", Op.SUB: "sub", Op.MUL: "mul", Op.AND: "and", Op.OR: "or", Op.XOR: "xor",
    Op.SHL: "shl", Op.SHR: "lshr",
}  # fmt: skip
_JOINING = frozenset((Op.ADD, Op.OR, Op.XOR))
_MOVING_DOWN = frozenset((Op.SHR, Op.DIV, Op.BSWAP))
_MADE_OF = frozenset((*_INSTRUCTION, Op.SELECT))
PREDICATE = {Op.EQ: "eq", Op.NE: "ne", Op.LT: "ult", Op.LE: "ule"}
_ZEROS = {Op.CLZ: "ctlz", Op.CTZ: "cttz"}


class OperationLowering(Emitter):
    """Lowers values.

    Args:
        layout: where things lie.
        word_bits: of the words that the graph computes with.

    Attributes:
        lowerings: what lowers each operation, and gives the name of its result; of the class.
    """

    lowerings: ClassVar[Lowerings] = {}

    def __init__(self, layout: Layout, word_bits: int) -> None:
        super().__init__(layout)
        self.word = f"i{word_bits}"
        self.big = layout.guest.byte_order == "big"
        self._text: dict[int, str] = {}
        self._flags: dict[int, str] = {}
        self._known: dict[tuple[str, int], str] = {}
        self._predecessor = ""
        self._moved: set[int] = set()
        self._low_free: set[int] = set()

    def begin(self, label: str) -> None:
        """Begin a block; what is emitted next comes from there to the blocks that follow."""
        self.label(label)
        self._predecessor = label

    # -- names -------------------------------------------------------------------------------

    def text(self, value: Value) -> str:
        """How a value is written as an operand of the word type."""
        if (constant := value.constant) is not None:
            return str(constant)
        return self._text[id(value)]

    def wide(self, value: Value) -> str:
        """A value as i64, for addresses."""
        if (constant := value.constant) is not None:
            return str(constant)
        if value.op is Op.PC:
            return "%pc"
        if self.word == "i64":
            return self.text(value)
        return self.let(f"zext {self.word} {self.text(value)} to i64")

    def narrow(self, value: Value, bits: int) -> str:
        """The low bits of a value as an integer of their own."""
        if (constant := value.constant) is not None:
            return str(constant & ((1 << bits) - 1))
        if f"i{bits}" == self.word:
            return self.text(value)
        return self.let(f"trunc {self.word} {self.text(value)} to i{bits}")

    def flag(self, value: Value) -> str:
        """A value as i1: whether it is not zero."""
        known = self._flags.get(id(value))
        if known is not None:
            return known
        return self.let(f"icmp ne {self.word} {self.text(value)}, 0")

    def _widen(self, text: str, bits: int) -> str:
        if f"i{bits}" == self.word:
            return text
        return self.let(f"zext i{bits} {text} to {self.word}")

    # -- values ------------------------------------------------------------------------------

    def _load_bytes(self, address: str, size: int, tag: str) -> str:
        bits = 8 * size
        raw = self.load(f"i{bits}", address, tag)
        return self._widen(self._swapped(raw, bits) if self.big else raw, bits)

    def _store_bytes(self, address: str, word: Value, size: int, tag: str) -> None:
        bits = 8 * size
        text = self.narrow(word, bits)
        self.store(f"i{bits}", self._swapped(text, bits) if self.big else text, address, tag)

    def _swapped(self, text: str, bits: int) -> str:
        """An integer with its bytes in the other order."""
        if bits == 8:
            return text
        return self.let(f"call i{bits} @llvm.bswap.i{bits}(i{bits} {text})")

    def _tag(self, space: int) -> str:
        if self.layout.guest.spaces[space].large:
            return "large"
        return "code" if space == self.layout.guest.code_index else "private"

    def _space(self, space: int, address: Value) -> str:
        if space in self.layout.attached:
            return self._address(0, address, self._attached("ptr", space))
        return self._address(self.layout.spaces[space], address)

    def _attached(self, type_: str, space: int, what: int = 0) -> str:
        """What is known of a window or a large space: nobody changes it while native code runs, so
        it is loaded once."""
        key = type_, self.layout.attached[space] + what
        if key not in self._known:
            self._known[key] = self.name()
        return self._known[key]

    def _first(self) -> list[str]:
        """What the function begins with: the loads of what is known."""
        lines = []
        for (type_, offset), name in self._known.items():
            lines.append(f"  {name}.at = getelementptr inbounds i8, ptr %base, i64 {offset}")
            lines.append(f"  {name} = load {type_}, ptr {name}.at, align 8, !invariant.load !93")
        return lines

    def _address(self, offset: int, address: Value, pointer: str = "%base") -> str:
        """Where an address is, from where address 0 is.

        What is added to a word last is added here, which costs nothing.
        """
        if (constant := address.constant) is not None:
            return self.at(offset + constant, pointer)
        if address.op is Op.ADD and address.bits and (more := address.args[1].constant):
            return self.at(offset + more, self.at(self.wide(address.args[0]), pointer))
        return self.at(offset, self.at(self.wide(address), pointer))

    def _port_function(self, which: int, port: Value) -> str:
        index = self.wide(port)
        table = self.at(which)
        return self.let(f"getelementptr inbounds ptr, ptr {table}, i64 {index}")

    def _find_out(self, value: Value) -> None:
        """Note of a word whether bits of it may come from higher bits of another; and whether LLVM
        may find out that it is another one under a mask without the low byte, or a sum of such.
        See `_opaque`."""
        args = value.args
        if value.op in _MOVING_DOWN:
            self._moved.add(id(value))
        if value.op not in _MADE_OF:
            return
        is_free = any(id(arg) in self._low_free for arg in args)
        if any(id(arg) in self._moved for arg in args):
            self._moved.add(id(value))
            is_free = is_free or value.op in (Op.SHL, Op.MUL)
        if value.op is Op.AND and any(not (arg.constant or 0xFF) & 0xFF for arg in args):
            is_free = True
        if is_free and value.op is not Op.SHR:
            self._low_free.add(id(value))

    def _value(self, value: Value) -> None:
        self._find_out(value)
        result = self.lowerings[value.op](self, value)
        if result is not None:
            self._text[id(value)] = result

    @lowers(lowerings, *_INSTRUCTION)
    def _instruction(self, value: Value) -> str:
        a, b = value.args
        left, right = self.text(a), self.text(b)
        if value.op in _JOINING and a.constant is None and b.constant is None:
            left = self._opaque(self.word, left) if id(a) in self._low_free else left
            right = self._opaque(self.word, right) if id(b) in self._low_free else right
        return self.let(f"{_INSTRUCTION[value.op]} {self.word} {left}, {right}")

    def _opaque(self, type_: str, text: str) -> str:
        """A value of which LLVM does not know where it comes from.

        A way around a fault of LLVM 22: `(x & -256) | byte`, where the byte is loaded from an
        address that `x` is a part of, becomes `movb -1(%r15), %r15b`. One of the last passes sees
        the register in the address, takes its other bits for dead, and makes that
        `movzbl -1(%r15), %r15d`. The same goes for 16 bits. Without that pass interpreters are 4 to
        10 % slower.
        """
        return self.let(f'call {type_} asm "", "=r,0"({type_} {text})')

    @lowers(lowerings, *PREDICATE)
    def _comparison(self, value: Value) -> str:
        a, b = value.args
        text = f"icmp {PREDICATE[value.op]} {self.word} {self.text(a)}, {self.text(b)}"
        self._flags[id(value)] = flag = self.let(text)
        return self.let(f"zext i1 {flag} to {self.word}")

    @lowers(lowerings, Op.DIV)
    def _divide(self, value: Value) -> str:
        dividend, divisor = (self.text(v) for v in value.args)
        word = self.word
        if value.args[1].constant:
            return self.let(f"udiv {word} {dividend}, {divisor}")
        zero = self.let(f"icmp eq {word} {divisor}, 0")
        safe = self.let(f"select i1 {zero}, {word} 1, {word} {divisor}")
        quotient = self.let(f"udiv {word} {dividend}, {safe}")
        return self.let(f"select i1 {zero}, {word} {value.imm[0]}, {word} {quotient}")

    @lowers(lowerings, Op.SELECT)
    def _select(self, value: Value) -> str:
        condition, yes, no = value.args
        flag, word = self.flag(condition), self.word
        words = f"{word} {self.text(yes)}, {word} {self.text(no)}"
        return self.let(f"select i1 {flag}, {words}, !unpredictable !93")

    @lowers(lowerings, Op.SIGNED)
    def _signed(self, value: Value) -> str:
        bits = 8 * value.imm[0]
        if f"i{bits}" == self.word:
            return self.text(value.args[0])
        return self.let(f"sext i{bits} {self.narrow(value.args[0], bits)} to {self.word}")

    @lowers(lowerings, *_ZEROS)
    def _zeros(self, value: Value) -> str:
        bits = 8 * value.imm[0]
        type_, word = f"i{bits}", self.narrow(value.args[0], bits)
        count = self.let(f"call {type_} @llvm.{_ZEROS[value.op]}.{type_}({type_} {word}, i1 false)")
        return self._widen(count, bits)

    @lowers(lowerings, Op.BSWAP)
    def _bswap(self, value: Value) -> str:
        bits = 8 * value.imm[0]
        return self._widen(self._swapped(self.narrow(value.args[0], bits), bits), bits)

    @lowers(lowerings, Op.PC)
    def _pc(self, _: Value) -> str:
        return "%pc" if self.word == "i64" else self.let(f"trunc i64 %pc to {self.word}")

    @lowers(lowerings, Op.POINTER)
    def _pointer(self, value: Value) -> str:
        (index,) = value.imm
        return self._index_of(f"%s{index}", index)

    def _stack_base(self, index: int) -> str:
        size = self.layout.guest.stacks[index].size
        base = self.let(f"call ptr @llvm.ptrmask.p0.i64(ptr %s{index}, i64 {-size})")
        return self._opaque("ptr", base)

    def _index_of(self, pointer: str, index: int) -> str:
        bits = self.layout.guest.stacks[index].size.bit_length() - 1
        number = self.let(f"ptrtoint ptr {pointer} to i64")
        return self._widen(self.let(f"trunc i64 {number} to i{bits}"), bits)

    @lowers(lowerings, Op.SLOT)
    def _slot(self, value: Value) -> str:
        index, offset, size = value.imm
        return self._load_bytes(self.at(offset, f"%s{index}"), size, "stack")

    @lowers(lowerings, Op.STACK_BYTE)
    def _stack_byte(self, value: Value) -> str:
        (index,) = value.imm
        address = self.at(self.wide(value.args[0]), self._stack_base(index))
        return self._load_bytes(address, 1, "stack")

    @lowers(lowerings, Op.SET_STACK_BYTE)
    def _set_stack_byte(self, value: Value) -> None:
        (index,) = value.imm
        address = self.at(self.wide(value.args[0]), self._stack_base(index))
        self._store_bytes(address, value.args[1], 1, "stack")

    @lowers(lowerings, Op.LOAD)
    def _load(self, value: Value) -> str:
        space, size, _ = value.imm
        address = value.args[0]
        if space == self.layout.guest.code_index:
            address = self._in_mirror(address)
        return self._load_bytes(self._space(space, address), size, self._tag(space))

    def _in_mirror(self, address: Value) -> Value:
        """An address in the code as a sum that need not wrap: (pc + c) & m, of an operand, as
        pc + c, since the first bytes are repeated after the last."""
        mask = self.layout.guest.code_space.size - 1
        if address.op is not Op.AND or address.args[1].constant != mask:
            return address
        total = address.args[0]
        if total.op is not Op.ADD or total.args[0].op is not Op.PC:
            return address
        return total if (total.args[1].constant or MIRROR) <= MIRROR - WIDEST else address

    @lowers(lowerings, Op.STORE)
    def _store(self, value: Value) -> None:
        space, size, _ = value.imm
        address, word = value.args
        self._store_bytes(self._space(space, address), word, size, self._tag(space))

    @lowers(lowerings, Op.LENGTH)
    def _length(self, value: Value) -> str:
        return self._narrowed(self._attached("i64", value.imm[0], LENGTH))

    @lowers(lowerings, Op.FENCE)
    def _fence(self, value: Value) -> str:
        return self._narrowed(self._attached("i64", value.imm[0], FENCE))

    @lowers(lowerings, Op.VIEW)
    def _view(self, value: Value) -> str:
        window, size = value.imm
        return self._load_bytes(self._space(window, value.args[0]), size, "window")

    @lowers(lowerings, Op.PEEK)
    def _peek(self, value: Value) -> str:
        """A byte of the window, or of a word that is 0."""
        (window,) = value.imm
        at = self.wide(value.args[0])
        inside = self.let(f"icmp ult i64 {at}, {self._attached('i64', window, LENGTH)}")
        there = self.at(at, self._attached("ptr", window))
        nothing = self.at(self.layout.told["zero"])
        return self._load_bytes(
            self.let(f"select i1 {inside}, ptr {there}, ptr {nothing}"), 1, "window"
        )

    @lowers(lowerings, Op.COPY)
    def _copy(self, value: Value) -> None:
        """What there is by C's own function, and zeros for what a window has not."""
        space, origin = value.imm
        to, source, count = (self.wide(arg) for arg in value.args)
        size, other = self.layout.guest.spaces[space].size, self.layout.guest.spaces[origin]
        count = self._least(count, self.let(f"sub i64 {size}, {to}"))
        target = self._space(space, value.args[0])
        first = self.at(source, self._attached("ptr", origin))
        if other.large:
            there = self._least(count, self.let(f"sub i64 {other.size}, {source}"))
            self._call_c("copy", f"ptr {target}, ptr {first}, i64 {there}")
            return
        length = self._attached("i64", origin, LENGTH)
        inside = self.let(f"icmp ult i64 {source}, {length}")
        left = self.let(f"sub i64 {length}, {source}")
        there = self._least(count, self.let(f"select i1 {inside}, i64 {left}, i64 0"))
        self._call_c("copy", f"ptr {target}, ptr {first}, i64 {there}")
        missing = self.let(f"sub i64 {count}, {there}")
        clear, done = self.fresh_label(), self.fresh_label()
        none = self.let(f"icmp eq i64 {missing}, 0")
        self.do(f"br i1 {none}, label %{done}, label %{clear}, {LIKELY}")
        self.label(clear)
        self._call_c("clear", f"ptr {self.at(there, target)}, i64 0, i64 {missing}")
        self.do(f"br label %{done}")
        self.begin(done)

    def _least(self, a: str, b: str) -> str:
        return self.let(f"select i1 {self.let(f'icmp ult i64 {a}, {b}')}, i64 {a}, i64 {b}")

    def _call_c(self, name: str, arguments: str) -> None:
        """Call a function of C that the block knows."""
        function = self.load("ptr", self.at(self.layout.told[name]), "context", 8)
        self.let(f"call ptr {function}({arguments})")

    @lowers(lowerings, Op.TELL)
    def _tell(self, value: Value) -> None:
        for name, word, bits in zip(("reason", "place"), value.args, (32, 64), strict=True):
            text = self.wide(word)
            if bits == 32:
                text = self.let(f"and i64 {text}, {(1 << bits) - 1}")
            self.store("i64", text, self.at(self.layout.told[name]), "context", 8)

    @lowers(lowerings, Op.MAP)
    def _map(self, value: Value) -> str:
        (size,) = value.imm
        address = self._address(self.layout.code_map, value.args[0])
        return self._widen(self.load(f"i{8 * size}", address, "map"), 8 * size)

    @lowers(lowerings, Op.WATERMARK)
    def _watermark(self, _: Value) -> str:
        return self._narrowed(self.load("i64", self.field("watermark"), "context", 8))

    def _narrowed(self, text: str) -> str:
        """An i64 that fits a word, as one."""
        return text if self.word == "i64" else self.let(f"trunc i64 {text} to {self.word}")

    @lowers(lowerings, Op.PAGE)
    def _page(self, value: Value) -> str:
        address = self.at(self.layout.ports, self.at(self.wide(value.args[0])))
        return self._load_bytes(address, 1, "page")

    @lowers(lowerings, Op.SET_PAGE)
    def _set_page(self, value: Value) -> None:
        port, byte = value.args
        address = self.at(self.layout.ports, self.at(self.wide(port)))
        self._store_bytes(address, byte, 1, "page")

    def _has(self, value: Value, which: int) -> str:
        function = self.load("ptr", self._port_function(which, value.args[0]), "context", 8)
        there = self.let(f"icmp ne ptr {function}, null")
        return self.let(f"zext i1 {there} to {self.word}")

    @lowers(lowerings, Op.READER)
    def _reader(self, value: Value) -> str:
        return self._has(value, self.layout.readers)

    @lowers(lowerings, Op.WRITER)
    def _writer(self, value: Value) -> str:
        return self._has(value, self.layout.writers)

    @lowers(lowerings, Op.WRITTEN)
    def _written(self, value: Value) -> None:
        self.do(f"call void @written(ptr %base, i64 {self.wide(value.args[0])})")

    def _show_pointers(self, pointers: tuple[Value, ...]) -> None:
        for index, pointer in enumerate(pointers):
            address = self.at(self.wide(pointer), self._stack_base(index))
            self.store("ptr", address, self.at(self.layout.pointers[index]), "context", 8)

    @lowers(lowerings, Op.HOST_IN)
    def _host_in(self, value: Value) -> str:
        port, *pointers = value.args
        self._show_pointers(tuple(pointers))
        byte = self.let(f"call i64 @host_in(ptr %base, i64 {self.wide(port)})")
        return self._widen(self.let(f"trunc i64 {byte} to i8"), 8)

    @lowers(lowerings, Op.HOST_OUT)
    def _host_out(self, value: Value) -> None:
        port, byte, *pointers = value.args
        self._show_pointers(tuple(pointers))
        arguments = f"ptr %base, i64 {self.wide(port)}, i64 {self.wide(byte)}"
        self.do(f"call void @host_out({arguments})")

    @lowers(lowerings, Op.HOST_POINTER)
    def _host_pointer(self, value: Value) -> str:
        (index,) = value.imm
        pointer = self.load("ptr", self.at(self.layout.pointers[index]), "context", 8)
        return self._index_of(pointer, index)

    @lowers(lowerings, Op.ACT, Op.DONE)
    def _mark(self, _: Value) -> None:
        """Nothing: marks are for the verifier."""
