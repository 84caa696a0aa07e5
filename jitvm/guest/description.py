"""What a guest bytecode is: the declaration from which every tier is made.

    Guest
      stacks    byte stacks with a circular pointer          Stack("wst", 256)
      spaces    byte arrays an instruction can address       Space("ram", 65536, code=True)
      ports     how many byte ports lead to devices          256
      opcodes   one row an opcode byte                       Opcode(0x18, "ADD", add)

The opcode byte is fetched from the one space marked ``code`` at the program counter. What an
opcode does is one Python function over a `Core` (see `jitvm.guest.core`); encoding bits that a
guest has (Uxn: short, return, keep) are expanded by the guest into rows of this table, so the
engine knows only rows.

Rules
 1. Sizes are bytes and powers of two. The code space is 64 KiB or a multiple, because hosts map
    its first page a second time behind its end: an access that wraps is then one access.
 2. `word_bits` is the width of arithmetic between loads: values wrap there. It must exceed the
    widest value the guest loads, so that sums and differences keep their low bits.
 3. A guest is immutable and holds no state of a run; any number of machines share it.
"""

from __future__ import annotations

from functools import cached_property

TYPE_CHECKING = False  # known to type checkers; `typing` and `dataclasses` cost 15 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

    from jitvm.guest.core import Core

    Semantics = Callable[[Core], None]


class DescriptionError(ValueError):
    """A guest description that contradicts itself; the message names the guest and the row."""


def _is_power_of_two(number: int) -> bool:
    return number > 0 and number & (number - 1) == 0


class Stack:
    """A circular stack of `size` bytes; its pointer is the index of the next free byte.

    `links` says that calls keep their return addresses on it. It is a hint for choosing where
    compiled code starts; what is right does not depend on it.
    """

    __slots__ = ("links", "name", "size")

    def __init__(self, name: str, size: int, links: bool = False) -> None:
        self.name = name
        self.size = size
        self.links = links


class Space:
    """A byte-addressed array of `size` bytes; addresses wrap at the size.

    `code` marks the space that instructions are fetched from. A space that is not code is
    private to the guest's own instructions (a register file): no host writes to it while code
    runs.
    """

    __slots__ = ("code", "name", "size")

    def __init__(self, name: str, size: int, code: bool = False) -> None:
        self.name = name
        self.size = size
        self.code = code


class Opcode:
    """One value of the opcode byte: its name, its meaning, and how many operand bytes follow."""

    __slots__ = ("code", "name", "operand_size", "semantics")

    def __init__(self, code: int, name: str, semantics: Semantics, operand_size: int = 0) -> None:
        self.code = code
        self.name = name
        self.semantics = semantics
        self.operand_size = operand_size

    @property
    def length(self) -> int:
        """Bytes of the whole instruction."""
        return 1 + self.operand_size


class Guest:
    """A bytecode. Its attributes are its arguments; equal only to itself.

    Args:
        name: for messages and the code cache.
        opcodes: rows 0 to 255, in order.
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

    def __init__(
        self,
        name: str,
        opcodes: tuple[Opcode, ...],
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
        self.opcodes = opcodes
        self.spaces = spaces
        self.stacks = stacks
        self.ports = ports
        self.pc_bits = pc_bits
        self.word_bits = word_bits
        self.byte_order = byte_order
        self.version = version
        self.stored = stored
        self._check()

    def __repr__(self) -> str:
        sizes = [f"{space.name}[{space.size}]" for space in self.spaces]
        sizes += [f"{stack.name}[{stack.size}]" for stack in self.stacks]
        return f"<Guest {self.name} {self.version}: {' '.join(sizes)}, {self.ports} ports>"

    def _check(self) -> None:
        if self.word_bits not in (32, 64):
            raise DescriptionError(f"{self.name}: word_bits is 32 or 64, not {self.word_bits}")
        code = [i for i, space in enumerate(self.spaces) if space.code]
        if len(code) != 1:
            raise DescriptionError(f"{self.name}: exactly one space holds code, not {len(code)}")
        self.code_index = code[0]
        with_sizes: list[Space | Stack] = [*self.spaces, *self.stacks]
        for sized in with_sizes:
            if not _is_power_of_two(sized.size):
                raise DescriptionError(
                    f"{self.name}: {sized.name} has {sized.size} bytes; take a power of two"
                )
        for stack in self.stacks:
            if stack.size < 2:
                raise DescriptionError(f"{self.name}: {stack.name} needs at least 2 bytes")
        if self.code_space.size != 1 << self.pc_bits:
            raise DescriptionError(
                f"{self.name}: a program counter of {self.pc_bits} bits and a code space of "
                f"{self.code_space.size} bytes do not cover each other"
            )
        if self.code_space.size < 65536:
            raise DescriptionError(f"{self.name}: the code space needs at least 65536 bytes")
        if [row.code for row in self.opcodes] != list(range(256)):
            raise DescriptionError(f"{self.name}: the opcode table needs rows 0 to 255 in order")
        names = [row.name for row in self.opcodes]
        if len(set(names)) != 256:
            twice = next(name for name in names if names.count(name) > 1)
            raise DescriptionError(f"{self.name}: two opcodes are named {twice}")
        if self.ports not in (0, 256):
            raise DescriptionError(f"{self.name}: a guest has 0 or 256 ports, not {self.ports}")

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
