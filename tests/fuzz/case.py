"""One program with everything that decides its run.

A case is a Uxntal file whose first line holds the settings, so a failure is one file to look at,
to change by hand, and to run again:

    ( fuzz wst 250 rst 3 limit 100000 pieces 10,200 events 6162 params hot=2,window=64 )
    |0100 ...

Settings that are missing have the defaults of `Case`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from jitvm.guests.uxn.assembler import assemble

_OPEN, _CLOSE = "( fuzz", ")"


@dataclass(frozen=True, slots=True)
class Case:
    """A program and how it is run.

    Attributes:
        source: Uxntal without the settings' line.
        wst, rst: stack pointers at the start.
        limit: instructions after which the program is no use: cases must halt by themselves.
        pieces: budgets of the first runs; after them the program runs without one.
        events: bytes delivered to the vector when the program has halted.
        interrupts: microseconds between interrupts from another thread; 0: none.
        repeat: how often the JIT's machine is put back to the start and runs again.
        params: parameters of the JIT.
    """

    source: str
    wst: int = 0
    rst: int = 0
    limit: int = 1_000_000
    pieces: tuple[int, ...] = ()
    events: bytes = b""
    interrupts: int = 0
    repeat: int = 1
    params: Mapping[str, int] = field(default_factory=dict)

    def rom(self) -> bytes:
        """The program's bytes from 0x0100 on.

        Raises:
            AssemblyError: the source has errors.
        """
        return assemble(self.source).rom

    def text(self) -> str:
        """The file this case is kept as; `parse` reads it back."""
        words = [_OPEN]
        for row in fields(self):
            value = getattr(self, row.name)
            if row.name == "source" or value == row.default or not value:
                continue
            words += [row.name, _spell(value)]
        return " ".join([*words, _CLOSE]) + "\n" + self.source


def _spell(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, Mapping):
        return ",".join(f"{name}={number}" for name, number in value.items())
    return str(value)


def parse(text: str) -> Case:
    """Read a case from its file's text.

    Raises:
        ValueError: the first line is not settings, or one of them is not known.
    """
    head, _, source = text.partition("\n")
    words = head.split()
    if words[:2] != _OPEN.split() or words[-1:] != [_CLOSE]:
        raise ValueError(f"a case begins with a line `{_OPEN} ... {_CLOSE}`, not {head!r}")
    case = Case(source)
    for name, value in zip(words[2:-1:2], words[3:-1:2], strict=True):
        case = replace(case, **{name: _read(name, value)})  # type: ignore[arg-type]
    return case


def _read(name: str, value: str) -> object:
    if name == "events":
        return bytes.fromhex(value)
    if name == "pieces":
        return tuple(int(piece) for piece in value.split(","))
    if name == "params":
        return {row: int(number) for row, _, number in (p.partition("=") for p in value.split(","))}
    if name in ("wst", "rst", "limit", "interrupts", "repeat"):
        return int(value)
    raise ValueError(f"there is no setting {name!r}")
