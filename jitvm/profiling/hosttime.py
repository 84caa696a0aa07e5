"""How often Python devices are called, and how long they take.

While it is attached, each function that a port calls is replaced by one that counts, and times
one call of 32: two looks at the clock would double the cost of a small device. Native
functions are called without Python and are seen in samples only.

Ports that are connected meanwhile put their functions where ours were; these are not counted.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

from jitvm.engine.machine import Machine
from jitvm.profiling.rows import HostRow


class _Calls:
    """One function of a port: what it was, what takes its place, and what was seen."""

    def __init__(self, port: int, kind: str, function: Callable[..., Any]) -> None:
        self.port = port
        self.kind = kind
        self.function = function
        self.timed = 0
        self.seconds = 0.0
        self.wrapper, self._count = self._wrapped(function)

    def _wrapped(
        self, function: Callable[..., Any]
    ) -> tuple[Callable[..., Any], Callable[[], int]]:
        """The function counted, and its count. What is in a closure is counted fastest."""
        count = 0

        def read() -> Any:
            nonlocal count
            count += 1
            return self._time(function) if count & 31 == 1 else function()

        def write(byte: int) -> Any:
            nonlocal count
            count += 1
            return self._time(function, byte) if count & 31 == 1 else function(byte)

        return (read if self.kind == "read" else write), lambda: count

    def _time(self, function: Callable[..., Any], *arguments: int) -> Any:
        begin = perf_counter()
        try:
            return function(*arguments)
        finally:
            self.seconds += perf_counter() - begin
            self.timed += 1

    @property
    def count(self) -> int:
        """How often it was called."""
        return self._count()

    @property
    def total(self) -> float:
        """Seconds of all calls, as far as the timed ones tell."""
        return self.seconds / self.timed * self.count if self.timed else 0.0


class HostTime:
    """Calls of a machine's Python devices, between `attach` and `detach`."""

    def __init__(self, machine: Machine) -> None:
        self._ports = machine.state.ports
        self._calls: list[_Calls] = []

    def attach(self) -> None:
        """Begin to count."""
        ports = self._ports
        for port, reader in list(ports.readers.items()):
            calls = _Calls(port, "read", reader)
            self._calls.append(calls)
            ports.readers[port] = calls.wrapper
        for port, writer in list(ports.writers.items()):
            if port not in ports.collected:
                calls = _Calls(port, "write", writer)
                self._calls.append(calls)
                ports.writers[port] = calls.wrapper

    def detach(self) -> None:
        """Put the devices' own functions back, where nobody has connected others."""
        for calls in self._calls:
            table: dict[int, Callable[..., Any]] = (
                self._ports.readers if calls.kind == "read" else self._ports.writers
            )
            if table.get(calls.port) is calls.wrapper:
                table[calls.port] = calls.function

    @property
    def seconds(self) -> float:
        """In all Python devices together."""
        return sum(calls.total for calls in self._calls)

    def rows(self) -> list[HostRow]:
        """The functions that were called, those that took longest first."""
        rows = [HostRow(c.port, c.kind, c.count, c.total) for c in self._calls if c.count]
        return sorted(rows, key=lambda row: -row.seconds)
