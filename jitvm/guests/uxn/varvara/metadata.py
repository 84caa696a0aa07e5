"""What a program says about itself.

    address   00 | name 0a line 0a ... 00 | count | id address* | id address* ...

Source: the metadata page of the Varvara documentation.
"""

from __future__ import annotations

from dataclasses import dataclass

from jitvm.guests.uxn.varvara.banks import Banks

_MAX_SIZE = 0x1000
_RECORD = 3


@dataclass(frozen=True, slots=True)
class Metadata:
    """A program's name, more lines of text, and its extra fields.

    An extra is an id byte and the 16-bit address of its data (0x83: a 24 by 24 icon).
    """

    name: str
    lines: tuple[str, ...]
    extras: tuple[tuple[int, int], ...]


def parse_metadata(banks: Banks, address: int) -> Metadata | None:
    """Read the block at an address of bank 0; None if there is none."""
    block = banks.read(0, address, _MAX_SIZE)
    end = block.find(0, 1)
    if not address or block[0] or end < 0:
        return None
    name, *lines = block[1:end].decode("utf-8", "replace").split("\n")
    start = end + 2
    records = block[start : start + _RECORD * block[start - 1]]
    extras = tuple(
        (records[at], records[at + 1] << 8 | records[at + 2])
        for at in range(0, len(records) - _RECORD + 1, _RECORD)
    )
    return Metadata(name, tuple(line for line in lines if line), extras)
