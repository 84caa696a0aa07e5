"""Which function native code calls for each port of a machine.

    readers[port], writers[port]   an address in the machine's block; 0: there is no device
    unwatched                      what they would be, where somebody is told of all accesses

Regions know which ports have devices and which collect or are quiet, not what they do: they are
made again when that changes, and not when one device takes the place of another.
"""

from __future__ import annotations

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable

    from jitvm.engine.memory.block import Block
    from jitvm.guest import Ports


class PortTables:
    """The tables of one machine.

    Args:
        block: its memory.
        ports: its devices.
        reads, writes: the addresses of functions that do what `ports` says.
        collects: that of one that appends to the output ring.
        changed: called when regions that were made before do not fit any more.

    Attributes:
        readers, writers: the tables, a word for each port.
    """

    def __init__(
        self,
        block: Block,
        ports: Ports,
        *,
        reads: int,
        writes: int,
        collects: int,
        changed: Callable[[], None],
    ) -> None:
        layout = block.layout
        self.readers = block.words(layout.readers, layout.guest.ports)
        self.writers = block.words(layout.writers, layout.guest.ports)
        self._ports = ports
        self._reads = reads
        self._writes = writes
        self._collects = collects
        self._changed = changed
        self._unwatched: dict[tuple[bool, int], int] = {}

    def connect_reader(self, port: int, address: int | None = None) -> None:
        """Have reads of a port call a function (default: the one in `ports`, if any)."""
        is_connected = port in self._ports.readers
        function = (address or self._reads) if is_connected else 0
        if (False, port) in self._unwatched:
            self._unwatched[False, port] = function
            return
        was_connected = self.readers[port] != 0
        self.readers[port] = function
        if was_connected != is_connected:
            self._changed()

    def connect_writer(self, port: int, address: int | None = None, *, alike: bool = False) -> None:
        """Have writes to a port call a function (default: the one in `ports`, if any)."""
        is_connected = port in self._ports.writers
        function = (address or self._writes) if is_connected else 0
        if (True, port) in self._unwatched:
            self._unwatched[True, port] = function
            return
        self.writers[port] = function
        if not alike:
            self._changed()

    def connect_collector(self, port: int) -> None:
        """Have writes to a port append to the output ring."""
        if (True, port) in self._unwatched:
            self._unwatched[True, port] = self._collects
            return
        was_connected = self.writers[port] == self._collects
        self.writers[port] = self._collects
        if not was_connected:
            self._changed()

    @property
    def watched(self) -> frozenset[tuple[bool, int]]:
        """Accesses that somebody is told of: whether they write, and the port."""
        return frozenset(self._unwatched)

    def watch(self) -> None:
        """See `Machine.watch_ports`."""
        wanted = {(False, port) for port in self._ports.watched_reads}
        wanted |= {(True, port) for port in self._ports.watched_writes}
        before = self.watched
        if wanted == before:
            return
        for key in before - wanted:
            is_write, port = key
            (self.writers if is_write else self.readers)[port] = self._unwatched.pop(key)
        for key in wanted - before:
            is_write, port = key
            table = self.writers if is_write else self.readers
            self._unwatched[key] = table[port]
            table[port] = self._writes if is_write else self._reads
        self._changed()
