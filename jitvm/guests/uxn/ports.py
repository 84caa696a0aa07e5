"""The ports of a Varvara computer by name, as Uxntal sources declare them.

    |20 @Screen &vector $2 &width $2 ...        Screen/width is port 22, two bytes wide

One row a port. What the devices do is in `varvara`; the disassembler takes the names from here, and
an editor names, widths and lines of help.
"""

from __future__ import annotations

from collections.abc import Iterator

from jitvm.engine.tables.struct import Struct


class Port(Struct, frozen=True):
    """One port of a device.

    Attributes:
        device, name: as sources call them.
        address: of its first byte.
        size: 1, or 2 for a short.
        about: what it does, for people.
    """

    device: str
    name: str
    address: int
    size: int
    about: str

    @property
    def full_name(self) -> str:
        """``Device/port``."""
        return f"{self.device}/{self.name}"


_AUDIO = (
    (0x0, "vector", 2, "runs when a note has ended"),
    (0x2, "position", 2, "the byte of the sample that is playing"),
    (0x4, "output", 1, "the level of both sides, a nibble each"),
    (0x8, "adsr", 2, "attack, decay, sustain, release, a nibble each, in fifteenths of a second"),
    (0xA, "length", 2, "bytes of the sample"),
    (0xC, "addr", 2, "address of the sample"),
    (0xE, "volume", 1, "left and right, a nibble each"),
    (0xF, "pitch", 1, "writing it starts the note; 80 plays the sample once"),
)
_FILE = (
    (0x2, "success", 2, "bytes moved by the last operation, 0 if it failed"),
    (0x4, "stat", 2, "describes the file in `length` characters at this address"),
    (0x6, "delete", 1, "writing it removes the file"),
    (0x7, "append", 1, "1: writing begins at the end"),
    (0x8, "name", 2, "address of the path, which a zero byte ends"),
    (0xA, "length", 2, "bytes to move"),
    (0xC, "read", 2, "reads to this address"),
    (0xE, "write", 2, "writes from this address"),
)
_DEVICES: tuple[tuple[int, str, tuple[tuple[int, str, int, str], ...]], ...] = (
    (0x00, "System", (
        (0x2, "expansion", 2, "runs the command at this address: fill, or copy between banks"),
        (0x4, "wst", 1, "pointer of the working stack"),
        (0x5, "rst", 1, "pointer of the return stack"),
        (0x6, "metadata", 2, "address of the program's description of itself"),
        (0x8, "r", 2, "red of the four colours, a nibble each"),
        (0xA, "g", 2, "green of the four colours, a nibble each"),
        (0xC, "b", 2, "blue of the four colours, a nibble each"),
        (0xE, "debug", 1, "any write prints both stacks"),
        (0xF, "state", 1, "not zero: the program ends after this vector, with the low seven bits "
                          "as its exit code"),
    )),
    (0x10, "Console", (
        (0x0, "vector", 2, "runs for each byte of input"),
        (0x2, "read", 1, "the byte of input"),
        (0x7, "type", 1, "what it is: 1 standard input, 2 argument, 3 between arguments, 4 end"),
        (0x8, "write", 1, "to standard output"),
        (0x9, "error", 1, "to standard error"),
    )),
    (0x20, "Screen", (
        (0x0, "vector", 2, "runs sixty times a second"),
        (0x2, "width", 2, "in pixels"),
        (0x4, "height", 2, "in pixels"),
        (0x6, "auto", 1, "what moves after drawing: 01 x, 02 y, 04 addr; high nibble: sprites - 1"),
        (0x8, "x", 2, "where to draw, signed"),
        (0xA, "y", 2, "where to draw, signed"),
        (0xC, "addr", 2, "address of the sprite"),
        (0xE, "pixel", 1, "draws a point or fills: fill 80, layer 40, flips 20 10, colour 03"),
        (0xF, "sprite", 1, "draws sprites of 8x8 pixels: 2bpp 80, layer 40, flips 20 10, blend 0f"),
    )),
    *((0x30 + 0x10 * n, f"Audio{n}", _AUDIO) for n in range(4)),
    (0x80, "Controller", (
        (0x0, "vector", 2, "runs for each press, release and byte of text"),
        (0x2, "button", 1, "01 A, 02 B, 04 select, 08 start, 10 up, 20 down, 40 left, 80 right"),
        (0x3, "key", 1, "the byte of a key while its event lasts"),
    )),
    (0x90, "Mouse", (
        (0x0, "vector", 2, "runs when the pointer moves, a button changes or the wheel turns"),
        (0x2, "x", 2, "of the pointer"),
        (0x4, "y", 2, "of the pointer"),
        (0x6, "state", 1, "buttons: 01 left, 02 middle, 04 right"),
        (0xA, "scrollx", 2, "of the wheel, signed"),
        (0xC, "scrolly", 2, "of the wheel, signed; down is positive"),
    )),
    *((0xA0 + 0x10 * n, f"File{n}", _FILE) for n in range(2)),
    (0xC0, "DateTime", (
        (0x0, "year", 2, "of the local time"),
        (0x2, "month", 1, "0 to 11"),
        (0x3, "day", 1, "1 to 31"),
        (0x4, "hour", 1, "0 to 23"),
        (0x5, "minute", 1, "0 to 59"),
        (0x6, "second", 1, "0 to 59"),
        (0x7, "dotw", 1, "day of the week, Sunday 0"),
        (0x8, "doty", 2, "day of the year, from 0"),
        (0xA, "isdst", 1, "whether it is daylight saving time"),
    )),
)  # fmt: skip

PORTS: dict[int, Port] = {
    base + offset: Port(device, name, base + offset, size, about)
    for base, device, ports in _DEVICES
    for offset, name, size, about in ports
}
"""Every port by the address of its first byte."""


def device_names() -> Iterator[str]:
    """Every device, by address."""
    return (device for _, device, _ in _DEVICES)


def header(device: str) -> str:
    """The line of Uxntal that declares a device's ports.

    Raises:
        KeyError: there is no such device.
    """
    base, ports = {name: (base, ports) for base, name, ports in _DEVICES}[device]
    words = [f"|{base:02x} @{device}"]
    if ports[0][0]:
        words.append(f"${ports[0][0]:x}")
    ends = [offset for offset, *_ in ports[1:]] + [ports[-1][0] + ports[-1][2]]
    for (offset, port, *_), end in zip(ports, ends, strict=True):
        words.append(f"&{port} ${end - offset:x}")
    return " ".join(words)
