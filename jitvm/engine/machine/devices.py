"""What a machine's ports are connected to: functions of the host, native ones, and the output ring.

    ports.readers, ports.writers   functions that the reference interpreter calls
    the executor's tables          what native code calls, see `jitvm.engine.machine.porttables`
    the ring                       RING bytes and the port of each; `ring_head` and `ring_tail` are
                                   how many were written and taken

`Machine` has the documentation of what it passes on.
"""

from __future__ import annotations

from jitvm.engine.host.foreign import PortFunction
from jitvm.engine.memory.layout import RING
from jitvm.guest.numbers import shortened, whole

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Protocol

    from jitvm.engine.machine.executor import Executor
    from jitvm.engine.memory.block import Block
    from jitvm.guest import Ports
    from jitvm.guest.state import Reader, Writer

    class CFunc(Protocol):
        """A compiled C callback, as `numba.cfunc` makes it."""

        @property
        def address(self) -> int: ...

    NativeFunction = CFunc | int


WORD = (1 << 64) - 1
"""The greatest address, and word of a context."""


class Devices:
    """The connections of one machine.

    Args:
        block: its memory.
        ports: what it knows of them.
        executor: what executes it.
    """

    def __init__(self, block: Block, ports: Ports, executor: Executor) -> None:
        self._guest = block.layout.guest
        self._base = block.base
        self._ports = ports
        self._executor = executor
        self._ring = block.view(block.layout.ring, 2 * RING)
        self._head, self._tail = (
            block.words(block.layout.fields[name], 1) for name in ("ring_head", "ring_tail")
        )

    def port(self, port: int) -> int:
        """A port's number.

        Raises:
            TypeError: it is no whole number.
            ValueError: the guest has no such port.
        """
        if not self._guest.ports:
            raise ValueError(f"{self._guest.name} has no ports")
        return whole("a port", port, 0, self._guest.ports - 1)

    # -- connected ---------------------------------------------------------------------------

    def read_by(self, port: int, reader: Reader | None) -> None:
        """See `Machine.on_read`."""
        port = self.port(port)
        check_function("reader", reader)
        if reader is None:
            self._ports.readers.pop(port, None)
        else:
            self._ports.readers[port] = reader
        self._executor.connect_reader(port)

    def read_natively(self, port: int, function: NativeFunction) -> None:
        """See `Machine.on_read_native`."""
        port, address = self.port(port), _address_of(function)
        call = PortFunction(address)
        self._ports.readers[port] = lambda: call(self._base, port, 0) & 0xFF
        self._executor.connect_reader(port, address)

    def write_to(self, port: int, writer: Writer | None, *, quiet: bool) -> None:
        """See `Machine.on_write`."""
        check_function("writer", writer)
        self._connect_writer(self.port(port), writer, quiet=quiet and writer is not None)

    def write_natively(self, port: int, function: NativeFunction, *, quiet: bool) -> None:
        """See `Machine.on_write_native`."""
        port, address = self.port(port), _address_of(function)
        call = PortFunction(address)

        def writer(byte: int) -> None:
            call(self._base, port, byte)

        self._connect_writer(port, writer, address, quiet=quiet)

    def _connect_writer(
        self, port: int, writer: Writer | None, address: int | None = None, *, quiet: bool
    ) -> None:
        """Put a device on a port, or none, in the place of whatever was there."""
        ports = self._ports
        was_plain = port not in ports.collected and (port in ports.quiet) == quiet
        is_alike = was_plain and (port in ports.writers) == (writer is not None)
        ports.collected.discard(port)
        ports.quiet.discard(port)
        if writer is None:
            ports.writers.pop(port, None)
        else:
            ports.writers[port] = writer
            if quiet:
                ports.quiet.add(port)
        self._executor.connect_writer(port, address, alike=is_alike)

    # -- the output ring ---------------------------------------------------------------------

    def collect(self, ports: tuple[int, ...]) -> None:
        """See `Machine.collect`."""
        for port in [self.port(port) for port in ports]:
            self._ports.writers[port] = self._collector(port)
            self._ports.collected.add(port)
            self._ports.quiet.discard(port)
            self._executor.connect_collector(port)

    def take_written(self) -> tuple[bytes, bytes]:
        """See `Machine.take_written`."""
        head, tail = self._head[0], self._tail[0]
        start, count = tail % RING, head - tail
        if not count:
            return b"", b""
        first = min(count, RING - start)

        def entries(ring: memoryview) -> bytes:
            return bytes(ring[start : start + first]) + bytes(ring[: count - first])

        taken = entries(self._ring[:RING]), entries(self._ring[RING:])
        self._tail[0] = head
        return taken

    def _collector(self, port: int) -> Writer:
        heads, tails, ring = self._head, self._tail, self._ring

        def collect(byte: int) -> None:
            head = heads[0]
            if head - tails[0] == RING:
                try:
                    if (drain := self._executor.on_ring_full) is not None:
                        drain()
                finally:
                    tails[0] = max(tails[0], head - RING + 1)
            at = head % RING
            ring[at], ring[RING + at] = byte, port
            heads[0] = head + 1

        return collect


def check_function(what: str, function: object) -> None:
    """Refuse what is neither None nor a function.

    Raises:
        TypeError: it is neither.
    """
    if function is not None and not callable(function):
        raise TypeError(f"a {what} is a function, not {shortened(function)}")


def _address_of(function: NativeFunction) -> int:
    return whole(
        "the address of a native function", getattr(function, "address", function), 1, WORD
    )
