"""The title and icon of a program's window, from its metadata.

The icon (field 0x83) is 24 by 24 pixels: nine tiles of 8 by 8, row by row, two bits per pixel, in
the program's colours. Source: the metadata page of the Varvara documentation.
"""

from __future__ import annotations

import os

from jitvm.engine.tables.names import shown
from jitvm.guests.uxn.varvara.system import METADATA
from jitvm.platform.computer import Face, file_stem

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.guests.uxn.varvara.hardware import Hardware

ICON = 0x83
ICON_SIDE = 24
_TILE = 8
_TILE_BYTES = 16
_LONGEST = 80


def face_key(hardware: Hardware) -> bytes:
    """A key that changes when the metadata have to be read again."""
    return bytes(hardware.machine.page[METADATA : METADATA + 2]) + os.fsencode(hardware.rom.name)


def face_of(hardware: Hardware) -> Face:
    """Name and icon."""
    return Face(program_name(hardware), program_icon(hardware))


def program_name(hardware: Hardware) -> str:
    """The name in the metadata; the file's, where there is none."""
    metadata = hardware.system.metadata
    name = "" if metadata is None else metadata.name
    visible = "".join(char for char in name if char.isprintable()).strip()[:_LONGEST]
    return visible or shown(file_stem(hardware.rom.name, "uxn"))


def program_icon(hardware: Hardware) -> bytes | None:
    """The icon in the metadata, RGBA bytes of 24 by 24 pixels; None if there is none."""
    metadata = hardware.system.metadata
    address = None if metadata is None else dict(metadata.extras).get(ICON)
    if not address:
        return None
    tiles = (ICON_SIDE // _TILE) ** 2
    data = hardware.banks.read(0, address, tiles * _TILE_BYTES)
    colors = [color.to_bytes(3, "big") + b"\xff" for color in hardware.system.colors]
    return b"".join(colors[_value(data, x, y)] for y in range(ICON_SIDE) for x in range(ICON_SIDE))


def _value(tiles: bytes, x: int, y: int) -> int:
    """A pixel of the icon, 0 to 3."""
    tile = y // _TILE * (ICON_SIDE // _TILE) + x // _TILE
    row, shift = tile * _TILE_BYTES + y % _TILE, 7 - x % _TILE
    return tiles[row] >> shift & 1 | (tiles[row + _TILE] >> shift & 1) << 1
