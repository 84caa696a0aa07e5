"""What people call an address of a guest program: a label, and a line of its source.

Each guest knows these in its own way (symbol files, assemblers); code that shows addresses takes a
`Naming` function, which the guest's tools provide.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from jitvm.engine.tables.names import shown


@dataclass(frozen=True, slots=True)
class Place:
    """An address as people read it; its names are `shown`, whatever they are given as.

    Attributes:
        address: the address itself.
        label: the label at or before it; empty if there is none.
        offset: bytes after the label, or from 0 without one.
        file, line: the source that became the byte there; empty and 0 if nobody knows.
        part_of: the label of the routine it is in, if `label` is one inside of that.
    """

    address: int
    label: str = ""
    offset: int = 0
    file: str = ""
    line: int = 0
    part_of: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", shown(self.label))
        object.__setattr__(self, "file", shown(self.file))
        object.__setattr__(self, "part_of", shown(self.part_of))

    def __str__(self) -> str:
        if not self.label:
            return f"0x{self.address:04x}"
        return f"{self.label}+{self.offset}" if self.offset else self.label

    @property
    def group(self) -> str:
        """What is counted together with it: its label, or its page of 256 bytes without one."""
        return self.label or f"0x{self.address & ~0xFF:04x}.."

    @property
    def routine(self) -> str:
        """What a call stack says of it."""
        return self.part_of or self.group


Naming = Callable[[int], Place]


def nameless(address: int) -> Place:
    """A place without a name: the `Naming` of programs nothing is known of."""
    return Place(address, "", address)
