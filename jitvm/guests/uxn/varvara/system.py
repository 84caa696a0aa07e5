"""The System device, ports 00 to 0f.

    02* expansion   writing the low byte runs the command at that address
    04  wst  05 rst the stack pointers
    06* metadata    address of the program's description of itself
    08* 0a* 0c*     red, green, blue: a nibble for each of four colours
    0e  debug       any write prints both stacks
    0f  state       nonzero: the program ends after this vector

A command at an address, all words big-endian:

    00 length* bank* address* value                     fill
    01 length* bank* address* to-bank* to-address*      copy, first byte first
    02 length* bank* address* to-bank* to-address*      copy, last byte first

Commands that name a bank that does not exist are ignored.
"""

from __future__ import annotations

from jitvm.engine.machine.machine import Machine
from jitvm.guest.light import partial
from jitvm.guests.uxn.varvara.banks import Banks
from jitvm.platform.device import Device
from jitvm.platform.output import Output

EXPANSION = 0x02
WST = 0x04
RST = 0x05
METADATA = 0x06
RED = 0x08
DEBUG = 0x0E
STATE = 0x0F

_COMMAND_SIZE = 11
_FILL, _COPY_UP, _COPY_DOWN = 0, 1, 2

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from jitvm.guests.uxn.varvara.metadata import Metadata


class System(Device):
    """Connects the System ports of a machine."""

    ports = range(0x10)

    def __init__(self, machine: Machine, banks: Banks, output: Output) -> None:
        self._machine = machine
        self._banks = banks
        self._output = output
        machine.on_write(EXPANSION + 1, self._expansion)
        for stack, port in enumerate((WST, RST)):
            machine.on_read(port, partial(self._pointer, stack))
            machine.on_write(port, partial(self._set_pointer, stack))
        machine.on_write(DEBUG, self._debug)

    @property
    def state(self) -> int:
        """The state port; not zero when the program wants to end."""
        return self._machine.page[STATE]

    @property
    def colors(self) -> tuple[int, int, int, int]:
        """The four colours as 0xrrggbb."""
        page = self._machine.page
        red, green, blue = (page[at] << 8 | page[at + 1] for at in range(RED, RED + 6, 2))

        def color(shift: int) -> int:
            nibbles = (word >> shift & 0xF for word in (red, green, blue))
            r, g, b = (nibble * 0x11 for nibble in nibbles)
            return r << 16 | g << 8 | b

        return color(12), color(8), color(4), color(0)

    @property
    def metadata(self) -> Metadata | None:
        """What the program says about itself; None if it has not or it makes no sense."""
        from jitvm.guests.uxn.varvara.metadata import parse_metadata

        page = self._machine.page
        return parse_metadata(self._banks, page[METADATA] << 8 | page[METADATA + 1])

    # -- ports -------------------------------------------------------------------------------

    def _expansion(self, low: int) -> None:
        address = self._machine.page[EXPANSION] << 8 | low
        block = self._banks.read(0, address, _COMMAND_SIZE)
        command = block[0]
        size, bank, start, to_bank, to_start = (
            block[at] << 8 | block[at + 1] for at in range(1, _COMMAND_SIZE, 2)
        )
        if command not in (_FILL, _COPY_UP, _COPY_DOWN):
            self._output.message(f"Unknown command: {command:02x}\n")
        elif not self._banks.exists(bank):
            return
        elif command == _FILL:
            self._banks.fill(bank, start, size, block[7])
        elif self._banks.exists(to_bank):
            copy = self._banks.copy_up if command == _COPY_UP else self._banks.copy_down
            copy((bank, start), (to_bank, to_start), size)

    def _pointer(self, stack: int) -> int:
        # The core has already made room for the byte being read, as the reference does.
        return self._machine.state.pointers[stack]

    def _set_pointer(self, stack: int, byte: int) -> None:
        self._machine.state.pointers[stack] = byte

    def _debug(self, _byte: int) -> None:
        state = self._machine.state
        for name, cells, pointer in zip(("WST", "RST"), state.stacks, state.pointers, strict=True):
            self._output.message(_stack_line(name, cells, pointer))


def _stack_line(name: str, cells: memoryview, pointer: int) -> str:
    """The eight bytes below a stack's pointer; `|` stands where the stack begins."""
    line = name + (" " if pointer != 8 else "|")
    for at in range(pointer - 8, pointer):
        line += f"{cells[at & 0xFF]:02x}" + ("|" if at & 0xFF == 0xFF else " ")
    return f"{line}<{pointer:02x}\n"
