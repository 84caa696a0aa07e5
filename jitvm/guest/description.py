"""The declaration of a guest bytecode, from which every tier is derived.

    Guest
      stacks    byte stacks with a circular pointer          Stack("wst", 256)
      spaces    byte arrays an instruction can address       Space("ram", 65536, code=True)
      ports     how many byte ports lead to devices          256
      opcodes   one row per opcode byte                      Opcode(0x18, "ADD", add)

The opcode byte is fetched from the one space marked ``code`` at the program counter. What an
opcode does is one Python function over a `Core` (see `jitvm.guest.core`); encoding bits that a
guest has (Uxn: short, return, keep) are expanded by the guest into rows of this table, so the
engine knows only rows.

Rules
 1. Sizes are bytes and powers of two. The code space has 64 KiB to 16 MiB; hosts map its first
    page a second time after its end, so that an access that wraps is a single access.
 2. `word_bits` is the width of arithmetic between loads; no word is wider. If a sum fills it
    (with 8-byte words, always), its high bits are meaningless: mask it before they matter.
 3. At most eight stacks; 0 or 256 ports; names are unique within their kind.
 4. Semantic functions are checked when the first machine is created: see `jitvm.guest.checker`.
 5. A guest is immutable and holds no state of a run; any number of machines share it.
"""

from __future__ import annotations

from jitvm.guest.light import cached_property
from jitvm.guest.parts import DescriptionError, Opcode, Space, Stack, said_by, shown

TYPE_CHECKING = False  # known to type checkers; `typing` and `dataclasses` cost 15 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Literal, NoReturn, TypeVar

    Each = TypeVar("Each")

MOST_STACKS = 8
"""How many stacks native code has registers for, besides base, table and program counter."""
LARGEST_STACK = 1 << 24
LARGEST_SPACE = 1 << 28
LEAST_ATTACHED = 1 << 16
"""Bytes of the smallest window or large space."""
LARGEST_WINDOW, LARGEST_LARGE = 1 << 32, 1 << 40
"""Bytes of the largest window, and of the largest large space."""
LARGEST_CODE = 24
"""Bits of the widest program counter: a machine takes twelve bytes for each byte of code."""
LONGEST = 255
"""Bytes of the longest operand."""


def _is_power_of_two(number: int) -> bool:
    return number > 0 and number & (number - 1) == 0


def is_name(name: object) -> bool:
    """Whether it may stand in a message: a text of one line, and not empty."""
    return isinstance(name, str) and name.isprintable() and bool(name.strip())


class Guest:
    """A bytecode. Its attributes are its arguments; equal only to itself.

    Args:
        name: for messages and the code cache.
        opcodes: rows 0 to 255, in order; or a function that makes them, which is called when they
            are first needed: running what is in the code cache takes none. They are checked then.
        spaces: byte arrays; exactly one holds code.
        stacks: circular byte stacks.
        ports: 256, or 0 for a guest without devices.
        pc_bits: width of the program counter; it covers the code space.
        word_bits: width of arithmetic, 32 or 64.
        byte_order: of words in memory and on stacks.
        version: change it when the meaning changes but no source file does.
        stored: a hint for the JIT: the addresses that code seems to store to, given the bytes of
            the code space. Operands among them are taken for variables from the start instead of
            when they are first overwritten; it may name too many or too few.

    Raises:
        DescriptionError: a row or a size breaks one of the rules at the head of this file.
    """

    sources: tuple[str, ...] = ()
    """Files that all of it comes from, of guests that ship with jitvm: those are checked by its
    tests, and their native code is found by these files, which spares each start a check."""
    origin: int = 0
    """Where commands put a program's bytes and begin, if no platform says (`jitvm.platform`)."""
    output: int | None = None
    """The port for standard output, if no platform says; None for none."""
    error: int | None = None
    """The port for standard error, if no platform says; None for none."""
    handlers: Any = None
    """What the engine keeps for it: its interpreter, once that is installed."""
    making: Any = None
    """And what makes that interpreter meanwhile."""
    stubs: Any = None
    """And what machines have that stop at places, or mark what they execute."""

    def __init__(
        self,
        name: str,
        opcodes: tuple[Opcode, ...] | Callable[[], tuple[Opcode, ...]],
        spaces: tuple[Space, ...],
        stacks: tuple[Stack, ...] = (),
        ports: int = 0,
        pc_bits: int = 16,
        word_bits: int = 32,
        byte_order: Literal["big", "little"] = "big",
        version: str = "1",
        stored: Callable[[bytes], frozenset[int]] | None = None,
    ) -> None:
        self.name = name
        self._make_opcodes: Callable[[], tuple[Opcode, ...]] | None = None
        if callable(opcodes):
            self._make_opcodes = opcodes
        else:
            self.opcodes = self._tuple("opcodes", opcodes)
        self.spaces = self._tuple("spaces", spaces)
        self.stacks = self._tuple("stacks", stacks)
        self.ports = ports
        self.pc_bits = pc_bits
        self.word_bits = word_bits
        self.byte_order = byte_order
        self.version = version
        self.stored = stored
        self._meaning = self._unsteady = ""
        self._check()

    @cached_property
    def opcodes(self) -> tuple[Opcode, ...]:
        """Rows 0 to 255.

        Raises:
            DescriptionError: one that was made only now breaks a rule.
        """
        assert self._make_opcodes is not None  # else they were set
        try:
            made = self._make_opcodes()
        except DescriptionError:
            raise
        except Exception as error:
            text = said_by(error)
            kind = type(error).__name__
            raise DescriptionError(
                f"guest {self.name}: the function that makes its opcodes raised {kind}: {text}"
            ) from error
        rows = self._tuple("opcodes", made)
        self._check_rows(rows)
        return rows

    @property
    def has_late_opcodes(self) -> bool:
        """Whether a function makes them."""
        return self._make_opcodes is not None

    def __getstate__(self) -> dict[str, object]:
        """What copies have in common with it."""
        return {
            name: value
            for name, value in self.__dict__.items()
            if name not in ("handlers", "making", "stubs")
        }

    def __repr__(self) -> str:
        sizes = [f"{space.name}[{space.size}]" for space in self.spaces]
        sizes += [f"{stack.name}[{stack.size}]" for stack in self.stacks]
        return f"<Guest {self.name} {self.version}: {' '.join(sizes)}, {self.ports} ports>"

    def _tuple(self, what: str, given: Iterable[Each]) -> tuple[Each, ...]:
        """What was given, as it is now: a list of the caller's may change."""
        if not isinstance(given, tuple | list):
            self._refuse(f"{what} is a tuple, not {shown(given)}")
        return tuple(given)

    # -- checks ------------------------------------------------------------------------------

    def check_semantics(self, *, again: bool = False) -> str:
        """Make sure that all semantic functions keep the rules of `jitvm.guest.core`; once, unless
        `again`. Returns a digest of what they do.

        Raises:
            DescriptionError: one does not.
        """
        if self._unsteady:
            raise DescriptionError(self._unsteady)
        if again or not self._meaning:
            from jitvm.guest.checker import check

            try:
                self._meaning = check(self)
            except DescriptionError as error:
                if error.is_chance:
                    self._unsteady = str(error)
                raise
        return self._meaning

    def _refuse(self, message: str) -> NoReturn:
        raise DescriptionError(f"guest {self.name}: {message}")

    def _check(self) -> None:
        if not is_name(self.name):
            raise DescriptionError(
                f"guest {shown(self.name)}: a name is a str of one line, and not empty"
            )
        for what, value, allowed in (
            ("word_bits is", self.word_bits, (32, 64)),
            ("byte_order is", self.byte_order, ("big", "little")),
        ):
            if not isinstance(value, type(allowed[0])) or value not in allowed:
                self._refuse(f"{what} {allowed[0]} or {allowed[1]}, not {shown(value)}")
        ports = self.ports
        if not isinstance(ports, int) or isinstance(ports, bool) or ports not in (0, 256):
            self._refuse(f"a guest has 0 or 256 ports, not {shown(ports)}")
        if not isinstance(self.version, str):
            self._refuse(f"the version is a str, not {shown(self.version)}")
        if self.stored is not None and not callable(self.stored):
            self._refuse(
                f"`stored` is a function of the code space's bytes, not {shown(self.stored)}"
            )
        self._check_memory()
        if not self.has_late_opcodes:
            self._check_rows(self.opcodes)

    def _check_memory(self) -> None:
        self._check_sized("space", self.spaces, Space, 1, LARGEST_SPACE)
        for space in self.spaces:
            self._check_kind(space)
        self._check_sized("stack", self.stacks, Stack, 2, LARGEST_STACK)
        for stack in self.stacks:
            self._check_flag(stack, "return_addresses")
            self._check_cached(stack)
        code = [i for i, space in enumerate(self.spaces) if space.code]
        if len(code) != 1:
            self._refuse(f"exactly one space holds code, not {len(code)}")
        self.code_index = code[0]
        for kind, all_ in (("space", self.spaces), ("stack", self.stacks)):
            names = [each.name for each in all_]
            if len(set(names)) != len(names):
                twice = next(name for name in names if names.count(name) > 1)
                self._refuse(f"two {kind}s are named {twice}")
        cached = [stack.name for stack in self.stacks if stack.cached]
        if len(cached) > 1:
            self._refuse(f"{' and '.join(cached)} are cached; take one of them")
        most = MOST_STACKS - len(cached)
        if len(self.stacks) > most:
            self._refuse(
                f"{len(self.stacks)} stacks; native code has registers for {most}"
                f"{' where one is cached' if cached else ''}: keep the others in spaces"
            )
        size, bits = self.code_space.size, self.pc_bits
        if not isinstance(bits, int) or not 0 < bits <= 64 or size != 1 << bits:
            self._refuse(
                f"a program counter of {shown(bits)} bits and a code space of {size} bytes do not "
                "cover each other"
            )
        if not 16 <= bits <= LARGEST_CODE:
            self._refuse(
                f"the code space needs at least 65536 bytes and at most {1 << LARGEST_CODE}, "
                f"not {size}"
            )

    def _check_sized(
        self, kind: str, all_: tuple[Space | Stack, ...], type_: type, least: int, most: int
    ) -> None:
        usual = most
        for each in all_:
            most = usual
            if not isinstance(each, type_):
                self._refuse(f"{kind} {shown(each)} is no {type_.__name__}")
            if not is_name(each.name):
                self._refuse(f"a {kind} is named {shown(each.name)}; take a str of one line")
            name, size = each.name, each.size
            if not isinstance(size, int) or isinstance(size, bool) or not _is_power_of_two(size):
                self._refuse(f"{name} has {shown(size)} bytes; take a power of two")
            if size < least:
                self._refuse(f"{name} needs at least {least} bytes")
            if isinstance(each, Space) and each.is_attached:
                most = LARGEST_WINDOW if each.window else LARGEST_LARGE
            if size > most:
                self._refuse(f"{name} has {shown(size)} bytes; take at most {most}")

    def _check_kind(self, space: Space) -> None:
        for kind in ("code", "window", "large"):
            self._check_flag(space, kind)
        kinds = [kind for kind in ("code", "window", "large") if getattr(space, kind)]
        if len(kinds) > 1:
            self._refuse(f"{space.name} is {' and '.join(kinds)}; take one of them")
        if space.is_attached and space.size < LEAST_ATTACHED:
            self._refuse(f"{space.name} has {space.size} bytes; take at least {LEAST_ATTACHED}")

    def _check_flag(self, of: Space | Stack, name: str) -> None:
        if not isinstance(found := getattr(of, name), bool):
            self._refuse(f"{of.name}: {name} is True or False, not {shown(found)}")

    def _check_cached(self, stack: Stack) -> None:
        sizes, allowed = stack.cached, [1, 2, 4, 8][: 3 + (self.word_bits == 64)]
        if not isinstance(sizes, tuple | list):
            self._refuse(f"{stack.name}: cached is a tuple of sizes, not {shown(sizes)}")
        for size in sizes:
            if isinstance(size, bool) or not isinstance(size, int) or size not in allowed:
                self._refuse(
                    f"{stack.name}: a cached word has {shown(size)} bytes; take some of "
                    f"{', '.join(map(str, allowed))}"
                )
        if len(set(sizes)) != len(sizes):
            self._refuse(f"{stack.name}: a size is cached twice")

    def _check_rows(self, rows: tuple[Opcode, ...]) -> None:
        for at, row in enumerate(rows):
            if not isinstance(row, Opcode) or row.code != at or isinstance(row.code, bool | float):
                found = row.code if isinstance(row, Opcode) else row
                self._refuse(
                    f"the opcode table needs rows 0 to 255 in order; at {at} is {shown(found)}"
                )
        if len(rows) != 256:
            self._refuse(f"the opcode table needs rows 0 to 255 in order; it has {len(rows)}")
        names: set[str] = set()
        for row in rows:
            size = row.operand_size
            if not is_name(row.name):
                self._refuse(
                    f"opcode {row.code:#04x} is named {shown(row.name)}; take a str of one line"
                )
            if row.name in names:
                self._refuse(f"two opcodes are named {row.name}")
            names.add(row.name)
            if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= LONGEST:
                raise DescriptionError(
                    f"{self.where(row)}: has {shown(size)} operand bytes; take 0 to {LONGEST}"
                )
            if not callable(row.semantics):
                raise DescriptionError(
                    f"{self.where(row)}: its meaning is {shown(row.semantics)}; take a function "
                    "of a core"
                )

    def stored_in(self, code: bytes) -> frozenset[int]:
        """The addresses that `stored` names for these bytes of the code space.

        Raises:
            DescriptionError: it raised something, or gave something else.
        """
        if self.stored is None:
            return frozenset()
        try:
            found: object = self.stored(code)
        except Exception as error:
            text, kind = said_by(error), type(error).__name__
            raise DescriptionError(f"guest {self.name}: `stored` raised {kind}: {text}") from error
        if not isinstance(found, frozenset | set):
            self._refuse(f"`stored` gives a frozenset of addresses, not {shown(found)}")
        return frozenset(found)

    def where(self, row: Opcode) -> str:
        """Guest and opcode, as messages begin."""
        return f"guest {self.name}, opcode {row.code:#04x} {row.name}"

    @property
    def address_bytes(self) -> int:
        """Bytes of an address of code, where a port holds one."""
        return -(-self.pc_bits // 8)

    def address_in(self, page: memoryview, port: int) -> int:
        """The address of code that a port and those behind it hold."""
        held = int.from_bytes(page[port : port + self.address_bytes], self.byte_order)
        return held & (self.code_space.size - 1)

    @property
    def code_space(self) -> Space:
        """The space that instructions are fetched from."""
        return self.spaces[self.code_index]

    @cached_property
    def by_name(self) -> dict[str, Opcode]:
        """Opcodes by their name."""
        return {row.name: row for row in self.opcodes}

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        """Bytes of each instruction, by opcode."""
        return tuple(row.length for row in self.opcodes)
