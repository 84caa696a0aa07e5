"""One guest with programs for it and all that decides their runs.

A case is a JSON file in which a row's meaning is lines of Python and a program is lines of
assembly, so a failure can be read, changed by hand, and run again:

    "rows": [{"code": 7, "name": "mix", "operands": ["2 addr"],
              "lines": ["a = core.pop(0, 4)", "core.push(0, a + core.operand(0, 2), 4)"]}],
    "programs": [{"lines": ["again:", "mix 8192", "count 16 again", "halt"]}]

All opcodes that have no row halt.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from jitvm.guest import Core, Guest, Opcode, Space, Stack

Semantics = Callable[[Core], None]


@dataclass(frozen=True, slots=True)
class Row:
    """One opcode.

    Attributes:
        operands: for each, its bytes and what it holds, as "2 addr"; see `program.Assembly`.
        lines: the body of the semantic function.
    """

    code: int
    name: str
    operands: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()

    @property
    def sizes(self) -> list[int]:
        """Bytes of each operand."""
        return [int(operand.split()[0]) for operand in self.operands]


@dataclass(frozen=True, slots=True)
class Shape:
    """What a guest has; its spaces and stacks are named by their places.

    Attributes:
        window: bits of the addresses of a window behind the other spaces; 0: there is none.
        shown: bytes that it shows.
        large: bits of the addresses of a large space behind that; 0: there is none.
        cached: sizes of words that interpreters keep in a register, of one stack.
        cached_at: of which one.
    """

    word_bits: int = 32
    byte_order: Literal["big", "little"] = "big"
    pc_bits: int = 16
    ports: int = 0
    stacks: tuple[int, ...] = ()
    spaces: tuple[int, ...] = (0x10000,)
    code: int = 0
    window: int = 0
    shown: int = 0
    large: int = 0
    cached: tuple[int, ...] = ()
    cached_at: int = 0

    @property
    def window_at(self) -> int | None:
        """The number of the window among all spaces."""
        return len(self.spaces) if self.window else None

    @property
    def sizes(self) -> tuple[int, ...]:
        """Bytes of all spaces, the window's and the large one's included."""
        return (*self.spaces, *(1 << bits for bits in (self.window, self.large) if bits))

    @property
    def size(self) -> int:
        """Bytes of the code space."""
        return 1 << self.pc_bits

    @property
    def link_size(self) -> int:
        """Bytes that hold a program counter."""
        return 2 if self.pc_bits <= 16 else 4


@dataclass(frozen=True, slots=True)
class Program:
    """A program and how it is run.

    Attributes:
        lines: assembly.
        origin: address of its first instruction; it may run over the end of memory.
        pointers: of the stacks, at the start.
        noise: seed of what is in memory, stacks, spaces and the port page.
        limit: instructions after which it is stopped.
        pieces: budgets of the first runs of those that are limited.
        params: parameters of the JIT.
    """

    lines: tuple[str, ...]
    origin: int = 0x100
    pointers: tuple[int, ...] = ()
    noise: int = 0
    limit: int = 4000
    pieces: tuple[int, ...] = ()
    params: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GuestCase:
    """A guest and programs for it; `emulated` says that AArch64 code is tried as well."""

    shape: Shape
    rows: tuple[Row, ...]
    programs: tuple[Program, ...]
    emulated: bool = False

    def guest(self) -> Guest:
        """The guest, described anew.

        Raises:
            DescriptionError: it breaks a rule.
            SyntaxError: a row's lines are no Python.
        """
        shape = self.shape
        named = {row.code: row for row in self.rows}
        opcodes = (
            Opcode(code, row.name, _semantics(row), sum(row.sizes))
            if (row := named.get(code)) is not None
            else Opcode(code, f"halt-{code:02x}", _halt)
            for code in range(256)
        )
        return Guest(
            "fuzz",
            tuple(opcodes),
            (
                *(Space(f"s{i}", n, i == shape.code) for i, n in enumerate(shape.spaces)),
                *([Space("window", 1 << shape.window, window=True)] if shape.window else []),
                *([Space("large", 1 << shape.large, large=True)] if shape.large else []),
            ),
            tuple(
                Stack(f"k{i}", n, i == 0, cached=shape.cached if i == shape.cached_at else ())
                for i, n in enumerate(shape.stacks)
            ),
            ports=shape.ports,
            pc_bits=shape.pc_bits,
            word_bits=shape.word_bits,
            byte_order=shape.byte_order,
        )

    def text(self) -> str:
        """The file this case is kept as; `parse` reads it back."""
        return json.dumps(asdict(self), indent=1) + "\n"


def _halt(core: Core) -> None:
    core.halt()


def _semantics(row: Row) -> Semantics:
    body = "".join(f"    {line}\n" for line in row.lines or ("pass",))
    names: dict[str, Any] = {}
    exec(compile(f"def semantics(core):\n{body}", f"<{row.name}>", "exec"), names)
    made: Semantics = names["semantics"]
    return made


def parse(text: str) -> GuestCase:
    """Read a case from its file's text.

    Raises:
        ValueError: it is none.
    """
    try:
        read = json.loads(text)
        return GuestCase(
            Shape(**_frozen(read["shape"])),
            tuple(Row(**_frozen(row)) for row in read["rows"]),
            tuple(Program(**_frozen(program)) for program in read["programs"]),
            read["emulated"],
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"this is no case of a guest: {error}") from error


def _frozen(fields: dict[str, Any]) -> dict[str, Any]:
    return {n: tuple(value) if isinstance(value, list) else value for n, value in fields.items()}
