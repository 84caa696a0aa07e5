"""How often Python devices are called, and how long they take.

While it counts, each function that a port calls is replaced by one that counts its calls and times
one in 32: reading the clock twice per call would double the cost of a small device. Where
exactness is worth that, all are timed. Counting alone is a tenth of the cost of the smallest
device, so a sampled profile counts all calls briefly and then only in one of `TURNS` turns, from
which the others are extrapolated:

    |################|#       #       #       #       |      # counting
     FIRST seconds    turns

Native functions are called without Python and show up in samples only. Functions that are connected
meanwhile replace the counting ones; they are counted from the next turn on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import Any

from jitvm.engine.machine.inspect import Machine
from jitvm.profiling.rows import HostRow, Method

FIRST = 0.1
"""Seconds in which all calls are counted in any case."""
TURN = 0.02
"""Seconds of a turn, at least."""
TURNS = 10
"""Of so many turns one is counted."""
MOST_TOLD = 100_000
"""Timed calls that are kept; sums have all."""

Told = deque[tuple[float, float, int, str]]


class _Calls:
    """One function of a port: what it was, what takes its place, and what was seen.

    Attributes:
        at_first: calls until turns began.
    """

    def __init__(
        self, port: int, kind: str, function: Callable[..., Any], mask: int, told: Told
    ) -> None:
        self.port = port
        self.kind = kind
        self.function = function
        self._mask = mask
        self._told = told
        self.at_first = 0
        self.timed = 0
        self.seconds = 0.0
        self.wrapper, self._count = self._wrapped(function)

    def _wrapped(
        self, function: Callable[..., Any]
    ) -> tuple[Callable[..., Any], Callable[[], int]]:
        """The function counted, and its count. What is in a closure is counted fastest."""
        count, mask = 0, self._mask
        first = 1 & mask

        def read() -> Any:
            nonlocal count
            count += 1
            return self._time(function) if count & mask == first else function()

        def write(byte: int) -> Any:
            nonlocal count
            count += 1
            return self._time(function, byte) if count & mask == first else function(byte)

        return (read if self.kind == "read" else write), lambda: count

    def _time(self, function: Callable[..., Any], *arguments: int) -> Any:
        begin = perf_counter()
        try:
            return function(*arguments)
        finally:
            end = perf_counter()
            self.seconds += end - begin
            self.timed += 1
            self._told.append((begin, end, self.port, self.kind))

    @property
    def count(self) -> int:
        """How often it was seen to be called."""
        return self._count()

    def total(self, scale: float) -> float:
        """How often it was called, each call seen in turns standing for `scale` calls."""
        return self.at_first + scale * (self.count - self.at_first)

    def time(self, scale: float) -> float:
        """Seconds of all calls, as far as the timed ones tell."""
        return self.seconds / self.timed * self.total(scale) if self.timed else 0.0


class HostTime:
    """Calls of a machine's Python devices, between `attach` and `detach`.

    Args:
        machine: whose devices.
        exact: whether to count all calls, instead of in turns.
        timed: whether to time all that are counted.

    Attributes:
        told: the last calls that were timed: when they began and ended, port, "read" or "write".
    """

    def __init__(self, machine: Machine, *, exact: bool, timed: bool = False) -> None:
        self._ports = machine.state.ports
        self._exact = exact
        self._mask = 0 if timed else 31
        self.told: Told = deque(maxlen=MOST_TOLD)
        self._calls: dict[tuple[str, int], _Calls] = {}
        self._replaced: list[_Calls] = []
        self._counting = False
        self._since = 0.0
        self._in_turns = self._ended = False
        self._counted = self._uncounted = 0.0

    def attach(self) -> None:
        """Begin to count."""
        self._since = perf_counter()
        self._wrap()

    def detach(self) -> None:
        """End; devices have their own functions again."""
        self._account()
        self._ended = True
        if self._counting:
            self._unwrap()

    # -- turns -------------------------------------------------------------------------------

    @property
    def is_turn_over(self) -> bool:
        """Whether `turn` has something to do, given the chance."""
        if self._exact or not self._calls:
            return False
        spent = perf_counter() - self._since
        if not self._in_turns:
            return spent > FIRST
        return spent > (TURN if self._counting else (TURNS - 1) * TURN)

    def turn(self) -> None:
        """Begin or end counting if it is due; on the guest's thread, outside of devices."""
        if not self.is_turn_over:
            return
        self._account()
        if not self._in_turns:
            self._in_turns = True
            for calls in self._every():
                calls.at_first = calls.count
        if self._counting:
            self._unwrap()
        else:
            self._wrap()

    def _account(self) -> None:
        """Account for the time since the last turn."""
        now = perf_counter()
        if self._in_turns:
            if self._counting:
                self._counted += now - self._since
            else:
                self._uncounted += now - self._since
        self._since = now

    @property
    def _scale(self) -> float:
        """How many calls one call seen in turns represents, including the current turn."""
        counted, uncounted = self._counted, self._uncounted
        if self._in_turns and not self._ended:
            at_hand = perf_counter() - self._since
            if self._counting:
                counted += at_hand
            else:
                uncounted += at_hand
        return 1 + uncounted / counted if counted else 1.0

    # -- functions of ports ------------------------------------------------------------------

    def _wrap(self) -> None:
        self._counting = True
        ports = self._ports
        for port, reader in list(ports.readers.items()):
            ports.readers[port] = self._calls_of(port, "read", reader).wrapper
        for port, writer in list(ports.writers.items()):
            if port not in ports.collected:
                ports.writers[port] = self._calls_of(port, "write", writer).wrapper

    def _calls_of(self, port: int, kind: str, function: Callable[..., Any]) -> _Calls:
        known = self._calls.get((kind, port))
        if known is not None and known.function is function:
            return known
        if known is not None:
            self._replaced.append(known)
        calls = self._calls[kind, port] = _Calls(port, kind, function, self._mask, self.told)
        return calls

    def _unwrap(self) -> None:
        """Put the devices' own functions back, where nobody has connected others."""
        self._counting = False
        for calls in self._calls.values():
            table: dict[int, Callable[..., Any]] = (
                self._ports.readers if calls.kind == "read" else self._ports.writers
            )
            if table.get(calls.port) is calls.wrapper:
                table[calls.port] = calls.function

    def _every(self) -> list[_Calls]:
        return [*self._replaced, *self._calls.values()]

    # -- what was seen -----------------------------------------------------------------------

    @property
    def seconds(self) -> float:
        """In all Python devices together."""
        scale = self._scale
        return sum(calls.time(scale) for calls in self._every())

    def rows(self) -> list[HostRow]:
        """The functions that were called, those that took longest first."""
        scale = self._scale
        method = Method.SAMPLED if self._in_turns else Method.EXACT
        rows = [
            HostRow(calls.port, calls.kind, round(calls.total(scale)), calls.time(scale), method)
            for calls in self._every()
            if calls.count
        ]
        return sorted(rows, key=lambda row: -row.seconds)
