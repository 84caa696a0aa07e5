"""Checks semantic functions against the rules of `jitvm.guest.core`: runs them without values.

    check(guest)    runs every opcode's function twice on a `CheckingCore`
    Word            knows how wide it is, never what it is: see `jitvm.guest.opaque`
    DescriptionError   "guest calc, opcode 0x17 ADD: what is wrong; what to do"

This is the only place where rules about semantics are enforced: reference machines run the check
when they are created, native code when it is built, so a mistake is found at every tier and
reported in the same words. The engine's cores can build whatever passes here; they check nothing
again.

 1. What is rejected does not depend on numbers: no word is ever constant here, though it may be in
    the engine. A bound here is never below the engine's bound for the same word.
 2. Functions are run in four rounds over the whole table, and must do the same in all. The second
    and third, with numbers, expose one that does something else with these (see
    `jitvm.guest.replay`). Rounds go forwards, forwards, backwards, backwards, so that what one
    function leaves in a variable is found there by another in one round, and what a third has put
    there instead in another: that exposes all that count their calls or leave something for others.
 3. An error that a function catches is not lost: its first mistake is raised when it returns.
"""

from __future__ import annotations

from collections.abc import Mapping

from jitvm.guest.opaque import Word
from jitvm.guest.parts import DescriptionError, said_by, shown
from jitvm.guest.replay import Differs, mixed, ones, replay

TYPE_CHECKING = False  # known to type checkers
if TYPE_CHECKING:
    from typing import Any, NoReturn, Protocol

    from jitvm.guest.parts import Opcode, Semantics, Space, Stack
    from jitvm.guest.replay import Draw

    class Declared(Protocol):
        """What is looked at of a guest; see `jitvm.guest.description.Guest`."""

        @property
        def opcodes(self) -> tuple[Opcode, ...]: ...

        spaces: tuple[Space, ...]
        stacks: tuple[Stack, ...]
        ports: int
        pc_bits: int
        word_bits: int
        code_index: int

        def where(self, row: Opcode) -> str:
            """Guest and opcode, as messages begin."""

        def stored_in(self, code: bytes) -> frozenset[int]:
            """What its hint for the JIT says of these bytes of the code space."""


MODULAR = 0
"""`bits` of a word whose high bits mean nothing."""
SIZES = (1, 2, 4, 8)
FURTHEST = 8
"""Bytes after an instruction that it may look at."""
STEPS = 4096
"""Operations of one instruction: what does more is taken for a loop that never ends."""
COMPARISONS = frozenset(("eq", "ne", "lt", "le"))


def check(guest: Declared) -> str:
    """Run all semantic functions of a guest.

    Returns a digest of all that they do: guests of one declaration and one digest are the same.

    Raises:
        DescriptionError: one breaks a rule of `jitvm.guest.core`, or the hint `stored` does not
            work.
    """
    from hashlib import sha256

    rows = _round(guest, guest.opcodes)
    _with_numbers(guest, rows, guest.opcodes, ones)
    _with_numbers(guest, rows, guest.opcodes[::-1], mixed)
    for row, steps in _round(guest, guest.opcodes[::-1]).items():
        _same(guest, row, rows[row], steps)
    guest.stored_in(bytes(guest.spaces[guest.code_index].size))
    return sha256(repr(_plain([rows[row] for row in guest.opcodes])).encode()).hexdigest()


def _plain(steps: object) -> object:
    """Steps as tuples of words of text and of plain numbers: a member of an enumeration is shown by
    its name, which says less than its value."""
    if isinstance(steps, list | tuple):
        return tuple(map(_plain, steps))
    return int(steps) if isinstance(steps, int) else steps


def _round(guest: Declared, opcodes: tuple[Opcode, ...]) -> dict[Opcode, list[object]]:
    """What each row does, in this order. One function for several rows does the same in all."""
    done: dict[tuple[int, int], list[object]] = {}
    for row in opcodes:
        if row.meaning not in done:
            done[row.meaning] = Run(guest, row).steps()
    return {row: done[row.meaning] for row in opcodes}


def _with_numbers(
    guest: Declared, rows: dict[Opcode, list[object]], opcodes: tuple[Opcode, ...], draw: Draw
) -> None:
    """Make sure that each row does with numbers what it does with words."""
    done: set[tuple[int, int]] = set()
    for row in opcodes:
        if row.meaning in done:
            continue
        done.add(row.meaning)
        try:
            replay(row.semantics, rows[row], guest.pc_bits, draw)
        except Differs as error:
            _same(guest, row, rows[row], Run(guest, row).steps())
            raise DescriptionError(
                f"{guest.where(row)}: {error} where words are numbers, as they are for the "
                "reference interpreter; do not ask Python what class or which object a word is, "
                "and take plain ints for constants"
            ) from error


def _same(guest: Declared, row: Opcode, first: list[object], again: list[object]) -> None:
    """Refuse a row that did something else the second time."""
    if first != again:
        error = DescriptionError(
            f"{guest.where(row)}: does something else each time it is called; its meaning "
            "may depend on its words, and on nothing that changes"
        )
        error.is_chance = True
        raise error


class _Depth:
    """How far an instruction has reached into a stack, in bytes from the pointer before it.

    `holes` are bytes that were reserved and have not been written.
    """

    __slots__ = ("high", "holes", "low", "top")

    def __init__(self) -> None:
        self.top = self.low = self.high = 0
        self.holes: set[int] = set()

    def copy(self) -> _Depth:
        twin = _Depth()
        twin.top, twin.low, twin.high, twin.holes = self.top, self.low, self.high, set(self.holes)
        return twin


class Run:
    """One function at work: what it has done, and what is wrong with it."""

    def __init__(self, guest: Declared, row: Opcode) -> None:
        self.guest = guest
        self.row = row
        self.done: list[object] = []
        self.error: DescriptionError | None = None
        self.is_over = False
        self.words = 0
        self.depths = [_Depth() for _ in guest.stacks]
        self.stored: set[int] = set()
        self.wrote_port = self.jumped = self.switched = False
        self.others: list[range] = []
        """Numbers of words that belong to another case of a switch."""

    def steps(self) -> list[object]:
        """Call the function; everything it did.

        Raises:
            DescriptionError: it broke a rule.
        """
        self._call(self.row.semantics)
        self.is_over = True
        return self.done

    def _call(self, semantics: Semantics) -> None:
        """Call what completes the instruction."""
        try:
            result: object = semantics(CheckingCore(self))  # type: ignore[func-returns-value]
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if self.error is None:
                if isinstance(error, DescriptionError) and error.is_ours:  # of another opcode
                    raise
                self._raised(error)
        if self.error is not None:
            raise self.error
        self._returned(semantics, result)
        for stack, depth in zip(self.guest.stacks, self.depths, strict=True):
            if depth.holes and not self.switched:
                self.refuse(
                    f"reserves {len(depth.holes)} bytes of stack {stack.name} and does not put them"
                )

    def case(self, semantics: Semantics) -> list[object]:
        """Everything that one case of a switch does, as if there were no others."""
        before = self.done, self.depths, self.stored, self.wrote_port, self.jumped, self.words
        self.done, self.depths = [], [depth.copy() for depth in self.depths]
        self.stored = set(self.stored)
        self._call(semantics)
        steps = self.done
        self.done, self.depths, self.stored, self.wrote_port, self.jumped, words = before
        self.switched = False
        self.others.append(range(words + 1, self.words + 1))
        return steps

    def _raised(self, error: BaseException) -> NoReturn:
        text = said_by(error).replace(CheckingCore.__name__, "core")
        raise DescriptionError(
            f"{self.guest.where(self.row)}: raised {type(error).__name__}{text and ': '}{text}"
        ) from error

    def _returned(self, semantics: Semantics, result: object) -> None:
        """Nothing is to be returned; a lambda cannot help what its last call gives."""
        if result is None:
            return
        if getattr(semantics, "__name__", "") == "<lambda>":
            parts = result if isinstance(result, tuple | list) else (result,)
            if all(part is None or isinstance(part, Word) for part in parts):
                return
        if isinstance(result, Word):
            self.refuse("returns a word; a semantic function returns nothing: push, store or jump")
        name = type(result).__name__
        if name in ("generator", "coroutine", "async_generator"):
            if name == "coroutine":
                result.close()  # type: ignore[attr-defined]  # or Python warns of it
            self.refuse(f"is a {name}; take a function without yield, async and await")
        kind = f"{name} {shown(result)}"
        self.refuse(f"returns {kind}; a semantic function returns nothing: push, store or jump")

    def refuse(self, message: str) -> NoReturn:
        """Raise for a broken rule, and remember it."""
        error = DescriptionError(f"{self.guest.where(self.row)}: {message}")
        error.is_ours = True
        self.error = self.error or error
        raise error

    def step(self, *what: object) -> None:
        """Note an operation."""
        if self.is_over:
            self.refuse("kept its core and used it after it had returned")
        if self.switched:
            self.refuse("goes on behind its switch; a switch is the last thing an instruction does")
        self.done.append(what)
        if len(self.done) > STEPS:
            self.refuse(f"does more than {STEPS} things; does a loop of it never end?")

    def word(self, bits: int) -> Word:
        """A new word."""
        self.words += 1
        return Word(self, bits, self.words)

    # -- arguments ---------------------------------------------------------------------------

    def bits(self, doing: str, value: object) -> int:
        """The bits of an operand: a word of this run, or a constant that a word can be."""
        if isinstance(value, Word):
            if value.run_ is not self:
                self.refuse(
                    f"{doing} of a word kept from another instruction; "
                    "keep it in a space or on a stack"
                )
            if any(value.number_ in numbers for numbers in self.others):
                self.refuse(f"{doing} of a word kept from another case of the switch")
            return value.bits_
        if not isinstance(value, int):
            self.refuse(f"{doing} of {shown(value)}; take a word or an int")
        width = self.guest.word_bits
        if not -(1 << width - 1) <= value < 1 << width:
            self.refuse(f"{doing} of {shown(value)}, which does not fit into {width}-bit words")
        return MODULAR if value < 0 else max(value.bit_length(), 1)

    def noted(self, value: object) -> object:
        """An operand as it is written into the steps."""
        return ("word", value.number_) if isinstance(value, Word) else value

    def need(self, doing: str, bits: int) -> None:
        """Refuse a word of which only the low bits are meant."""
        if bits == MODULAR:
            self.refuse(f"{doing} of a word whose high bits are not known; mask it first")

    def known(self, doing: str, value: object) -> int:
        """A number that may not depend on words."""
        if not isinstance(value, int) or isinstance(value, bool):
            what = "a word" if isinstance(value, Word) else shown(value)
            self.refuse(f"{doing} {what}; take an int that is known when the opcode is described")
        return value

    def size(self, doing: str, size: object) -> int:
        """The bytes of a word."""
        most = self.guest.word_bits // 8
        known = self.known(f"{doing}: a size of", size)
        if known not in SIZES or known > most:
            sizes = "1, 2, 4 or 8" if most == SIZES[-1] else "1, 2 or 4 (word_bits is 32)"
            self.refuse(f"a word of {known} bytes; take {sizes} for {doing}")
        return known

    def indexed(self, doing: str, kind: str, all_: tuple[Any, ...], index: object) -> Any:
        """The stack or space of an index."""
        known = self.known(f"{doing}: a {kind}", index)
        if not 0 <= known < len(all_):
            names = ", ".join(f"{i} ({each.name})" for i, each in enumerate(all_))
            self.refuse(f"{doing}: there is no {kind} {known}; the guest has {names or 'none'}")
        return all_[known]

    # -- words -------------------------------------------------------------------------------

    def combine(self, op: str, a: object, b: object) -> Word:
        """The word ``a op b``."""
        for each in (a, b):
            if op in COMPARISONS and isinstance(each, int):
                self.comparable(op, each)
        x, y = self.bits(op, a), self.bits(op, b)
        if op in COMPARISONS:
            self.need(op, x)
            self.need(op, y)
            bits = 1
        else:
            if op == "shr":
                self.need(op, x)
            bits = self._bound(op, x, y, b)
        self.step(op, self.noted(a), self.noted(b))
        return self.word(bits if bits <= self.guest.word_bits else MODULAR)

    def comparable(self, op: str, number: int) -> None:
        """Refuse a number that is no unsigned word."""
        if not 0 <= number < 1 << self.guest.word_bits:
            self.refuse(f"{op} with {shown(number)}, which no unsigned word can be")

    def distance(self, op: str, by: object, bits: int) -> int:
        """How far a shift may go at most."""
        if not isinstance(by, int):
            self.need(op, bits)
        furthest = by if isinstance(by, int) else (1 << bits) - 1
        if not 0 <= furthest < self.guest.word_bits:
            self.refuse(
                f"{op} by up to {furthest} bits of a {self.guest.word_bits}-bit word; "
                "mask the distance first"
            )
        return furthest

    def _bound(self, op: str, x: int, y: int, b: object) -> int:
        """How many bits a result has at most; MODULAR where its high bits mean nothing."""
        if op == "and":
            return min(x, y) or x or y
        distance = self.distance(op, b, y) if op in ("shl", "shr") else 0
        if op == "shr":
            return max(x - distance, 1) if isinstance(b, int) else x
        if op == "sub" or not (x and y):
            return MODULAR
        if op == "add":
            return max(x, y) + 1
        if op == "mul":
            return x + y
        return x + distance if op == "shl" else max(x, y)

    # -- stacks ------------------------------------------------------------------------------

    def reach(self, doing: str, stack: Stack, depth: _Depth, low: int, high: int) -> None:
        """Note that an instruction touches bytes from `low` to `high` of a stack."""
        depth.low, depth.high = min(depth.low, low), max(depth.high, high)
        reach, most = depth.high - depth.low, max(stack.size, SIZES[-1])
        if reach > most:
            self.refuse(
                f"{doing}: reaches over {reach} bytes of stack {stack.name}, "
                f"which has {stack.size}; an instruction may over {most}"
            )

    def read(self, doing: str, stack: Stack, depth: _Depth, at: int, size: int) -> Word:
        """A word of a stack, `at` bytes from where the pointer was."""
        self.reach(doing, stack, depth, at, depth.top)
        if not depth.holes.isdisjoint(range(at, at + size)):
            self.refuse(f"{doing}: reads what was reserved on stack {stack.name}; put it first")
        return self.word(8 * size)

    # -- spaces ------------------------------------------------------------------------------

    def access(
        self, doing: str, space: object, address: object, size: object, within: object
    ) -> None:
        """Make sure that a load or a store is one."""
        found: Space = self.indexed(doing, "space", self.guest.spaces, space)
        self.size(doing, size)
        self.bits(f"{doing}: an address", address)
        if found.window and doing == "store":
            self.refuse(f"store: {found.name} is a window; it is read only")
        if within is not None:
            if found.is_attached:
                self.refuse(f"{doing}: within, in {found.name}; windows and large spaces know none")
            limit = self.known(f"{doing}: within", within)
            if limit < 1 or limit & (limit - 1) or limit > found.size:
                self.refuse(
                    f"{doing}: within {shown(limit)}; take a power of two up to the "
                    f"{found.size} bytes of {found.name}"
                )

    def window(self, doing: str, window: object) -> None:
        """Make sure that a space is a window."""
        if not (found := self.indexed(doing, "space", self.guest.spaces, window)).window:
            self.refuse(f"{doing}: {found.name} is no window")

    def not_stored(self, space: int) -> None:
        """Refuse to load from a space after a store to it."""
        if space in self.stored:
            self.refuse("a load follows a store to the same space; load first")

    def port(self, doing: str, port: object) -> None:
        """Make sure that there is such a port; words are truncated to one."""
        if not self.guest.ports:
            self.refuse(f"{doing}: the guest has no ports; declare ports=256")
        if isinstance(port, int) and not 0 <= port < self.guest.ports:
            self.refuse(f"{doing}: there is no port {shown(port)}; take 0 to 255")
        self.bits(f"{doing}: a port", port)

    def go(self, doing: str, target: object) -> None:
        """Note a jump."""
        self.bits(doing, target)
        if self.jumped:
            self.refuse("an instruction jumps at most once; select the target instead")
        self.jumped = True


class CheckingCore:
    """A `Core` that does nothing but hold the rules."""

    __slots__ = ("_run",)

    def __init__(self, run: Run) -> None:
        self._run = run

    def __getattr__(self, name: str) -> Any:
        from difflib import get_close_matches

        public = [each for each in dir(type(self)) if not each.startswith("_")]
        near = get_close_matches(name, public, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(public)}"
        self._run.refuse(f"asked its core for {name!r}; {hint}")

    @property
    def pc(self) -> Word:
        self._run.step("pc")
        return self._run.word(self._run.guest.pc_bits)

    @property
    def next_pc(self) -> Word:
        self._run.step("next_pc")
        return self._run.word(self._run.guest.pc_bits)

    @property
    def opcode(self) -> Word:
        self._run.not_stored(self._run.guest.code_index)
        self._run.step("opcode")
        return self._run.word(8)

    def operand(self, offset: int, size: int) -> Word:
        run = self._run
        run.size("operand", size)
        end = run.known("operand: an offset of", offset) + size
        run.not_stored(run.guest.code_index)
        if offset < 0 or end > run.row.operand_size:
            run.refuse(
                f"operand: {size} bytes at {offset} are outside of the instruction, which has "
                f"{run.row.operand_size} operand bytes; declare its operand_size"
            )
        run.step("operand", offset, size)
        return run.word(8 * size)

    def beyond(self, offset: int, size: int) -> Word:
        run = self._run
        run.size("beyond", size)
        end = run.known("beyond: an offset of", offset) + size
        run.not_stored(run.guest.code_index)
        if offset < 0 or end > FURTHEST:
            run.refuse(f"beyond: {size} bytes at {offset}; take some of the {FURTHEST} that follow")
        run.step("beyond", offset, size)
        return run.word(8 * size)

    def _stack(self, doing: str, stack: int, size: int) -> tuple[Stack, _Depth]:
        declared = self._run.indexed(doing, "stack", self._run.guest.stacks, stack)
        self._run.size(doing, size)
        return declared, self._run.depths[stack]

    def pop(self, stack: int, size: int) -> Word:
        run = self._run
        declared, depth = self._stack("pop", stack, size)
        word = run.read("pop", declared, depth, depth.top - size, size)
        depth.top -= size
        run.step("pop", stack, size)
        return word

    def peek(self, stack: int, depth: int, size: int) -> Word:
        run = self._run
        declared, reached = self._stack("peek", stack, size)
        if run.known("peek: a depth of", depth) < size:
            run.refuse(
                f"peek: {size} bytes at depth {depth} lie above the pointer; depth counts from the "
                "pointer down to the lowest byte, so it is at least the size"
            )
        run.step("peek", stack, depth, size)
        return run.read("peek", declared, reached, reached.top - depth, size)

    def push(self, stack: int, word: object, size: int) -> None:
        run = self._run
        declared, depth = self._stack("push", stack, size)
        run.bits("push", word)
        run.reach("push", declared, depth, depth.top, depth.top + size)
        depth.top += size
        run.step("push", stack, run.noted(word), size)

    def reserve(self, stack: int, size: int) -> None:
        run = self._run
        declared, depth = self._stack("reserve", stack, size)
        run.reach("reserve", declared, depth, depth.top, depth.top + size)
        depth.holes.update(range(depth.top, depth.top + size))
        depth.top += size
        run.step("reserve", stack, size)

    def put(self, stack: int, word: object, size: int) -> None:
        run = self._run
        declared, depth = self._stack("put", stack, size)
        run.bits("put", word)
        run.reach("put", declared, depth, depth.top - size, depth.top)
        depth.holes.difference_update(range(depth.top - size, depth.top))
        run.step("put", stack, run.noted(word), size)

    def load(self, space: int, address: object, size: int, within: int | None = None) -> Word:
        run = self._run
        run.access("load", space, address, size, within)
        run.not_stored(space)
        run.step("load", space, run.noted(address), size, within)
        return run.word(8 * size)

    def store(
        self, space: int, address: object, word: object, size: int, within: int | None = None
    ) -> None:
        run = self._run
        run.access("store", space, address, size, within)
        run.bits("store", word)
        run.stored.add(space)
        run.step("store", space, run.noted(address), run.noted(word), size, within)

    def copy(self, space: int, address: object, origin: int, source: object, count: object) -> None:
        run = self._run
        found: Space = run.indexed("copy", "space", run.guest.spaces, space)
        if found.window or found.code:
            run.refuse(f"copy: to {found.name}; take a space that is neither code nor a window")
        other: Space = run.indexed("copy", "space", run.guest.spaces, origin)
        if not other.is_attached or other is found:
            run.refuse(f"copy: {other.name} is neither a window nor another large space")
        run.not_stored(origin)
        run.bits("copy: an address", address)
        run.bits("copy: an address", source)
        run.need("copy", run.bits("copy", count))
        run.stored.add(space)
        run.step("copy", space, run.noted(address), origin, run.noted(source), run.noted(count))

    def near(self, window: int, address: object) -> None:
        run = self._run
        run.window("near", window)
        run.bits("near: an address", address)
        run.step("near", window, run.noted(address))

    def expect(self, condition: object) -> None:
        run = self._run
        run.need("expect", run.bits("expect", condition))
        run.step("expect", run.noted(condition))

    def length(self, window: int) -> Word:
        run = self._run
        run.window("length", window)
        run.step("length", window)
        bits = run.guest.spaces[window].size.bit_length()
        return run.word(bits if bits <= run.guest.word_bits else MODULAR)

    def port_in(self, port: object) -> Word:
        run = self._run
        run.port("port_in", port)
        if run.wrote_port:
            run.refuse("a port is read after one was written; read first")
        run.step("port_in", run.noted(port))
        return run.word(8)

    def port_out(self, port: object, word: object) -> None:
        run = self._run
        run.port("port_out", port)
        run.bits("port_out", word)
        run.wrote_port = True
        run.step("port_out", run.noted(port), run.noted(word))

    def select(self, condition: object, yes: object, no: object) -> Word:
        run = self._run
        run.need("select", run.bits("select", condition))
        x, y = run.bits("select", yes), run.bits("select", no)
        run.step("select", run.noted(condition), run.noted(yes), run.noted(no))
        return run.word(max(x, y) if x and y else MODULAR)

    def switch(self, word: object, cases: Mapping[int, Semantics], otherwise: Semantics) -> None:
        run = self._run
        run.need("switch", run.bits("switch", word))
        if not isinstance(cases, Mapping):
            run.refuse(f"switch: cases are a dict of functions by number, not {shown(cases)}")
        for number, case in (*cases.items(), (0, otherwise)):
            run.comparable("switch", run.known("switch: a case of", number))
            if not callable(case):
                run.refuse(f"switch: a case is a function of a core, not {shown(case)}")
        run.step("switch", run.noted(word))
        done = [(number, run.case(case)) for number, case in cases.items()]
        run.done.append((done, run.case(otherwise)))
        run.switched = True

    def signed(self, word: object, size: int) -> Word:
        self._of_bytes("signed", word, size)
        return self._run.word(MODULAR)

    def _of_bytes(self, doing: str, word: object, size: int) -> int:
        """Note something done to the low bytes of a word; how many bits these have."""
        run = self._run
        run.bits(doing, word)
        run.step(doing, run.noted(word), known := run.size(doing, size))
        return 8 * known

    def leading_zeros(self, word: object, size: int) -> Word:
        return self._run.word(self._of_bytes("leading_zeros", word, size).bit_length())

    def trailing_zeros(self, word: object, size: int) -> Word:
        return self._run.word(self._of_bytes("trailing_zeros", word, size).bit_length())

    def swap_bytes(self, word: object, size: int) -> Word:
        return self._run.word(self._of_bytes("swap_bytes", word, size))

    def divide(self, dividend: object, divisor: object, by_zero: int) -> Word:
        run = self._run
        x, y = run.bits("divide", dividend), run.bits("divide", divisor)
        run.need("div", x)
        run.need("div", y)
        run.comparable("divide", run.known("divide: by_zero is", by_zero))
        run.step("divide", run.noted(dividend), run.noted(divisor), by_zero)
        return run.word(max(x, by_zero.bit_length()))

    def return_address(self) -> Word:
        self._run.step("return_address")
        return self._run.word(self._run.guest.pc_bits)

    link = return_address

    def jump(self, target: object) -> None:
        self._run.go("jump", target)
        self._run.step("jump", self._run.noted(target))

    def jump_if(self, condition: object, target: object) -> None:
        run = self._run
        run.need("jump_if", run.bits("jump_if", condition))
        run.go("jump_if", target)
        run.step("jump_if", run.noted(condition), run.noted(target))

    def halt(self) -> None:
        self._run.step("halt")

    def stop(self, reason: object, place: object) -> None:
        run = self._run
        run.bits("stop", reason)
        run.bits("stop", place)
        run.step("stop", run.noted(reason), run.noted(place))
