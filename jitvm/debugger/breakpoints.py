"""Where to stop: breakpoints and watches, as a user has set them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jitvm.debugger.expressions import Expression

BRACES = re.compile(r"\{([^{}]*)\}")
"""An expression in the text of a breakpoint that prints."""


class Kind(Enum):
    """What a breakpoint is about."""

    CODE = "breakpoint"
    """Instructions at addresses, before they are executed."""
    OPCODE = "opcode"
    """Instructions with an opcode, before."""
    WRITE = "write"
    """Bytes of the code space that are written, after it."""
    CHANGE = "change"
    """Bytes of the code space that are written and become other ones, after it."""
    READ = "read"
    """Bytes of the code space that an instruction is about to read."""
    PORT_READ = "port read"
    """Ports that were read."""
    PORT_WRITE = "port write"
    """Ports that were written to."""

    @property
    def is_watch(self) -> bool:
        """Whether it is about data, and has a value."""
        return self not in (Kind.CODE, Kind.OPCODE)


@dataclass(slots=True)
class Breakpoint:
    """One of them.

    Attributes:
        number: its name, from 1 on.
        kind: what it is about.
        spans: addresses, opcodes, or ports.
        what: how the user called it.
        condition: what has to be so; None for nothing.
        ignore: how many hits do not count yet.
        log: a text that is printed in place of stopping, with expressions in braces.
        is_temporary: whether it goes when it is hit.
        hits: how often it was hit.
        is_enabled: whether it is one at all, for now.
    """

    number: int
    kind: Kind
    spans: frozenset[int]
    what: str
    condition: Expression | None = None
    ignore: int = 0
    log: str | None = None
    is_temporary: bool = False
    hits: int = 0
    is_enabled: bool = True


@dataclass(slots=True)
class Table:
    """All breakpoints, by number."""

    rows: dict[int, Breakpoint] = field(default_factory=dict)
    _last: int = 0

    def add(self, kind: Kind, spans: frozenset[int], what: str) -> Breakpoint:
        """A new one."""
        self._last += 1
        row = self.rows[self._last] = Breakpoint(self._last, kind, spans, what)
        return row

    def active(self, *kinds: Kind) -> Iterator[Breakpoint]:
        """Those of some kinds that are enabled."""
        return (row for row in self.rows.values() if row.is_enabled and row.kind in kinds)

    def spans(self, *kinds: Kind) -> frozenset[int]:
        """All that the active ones of some kinds are about."""
        return frozenset().union(*(row.spans for row in self.active(*kinds)))
