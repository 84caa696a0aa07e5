"""Native code without a machine: enter with any dispatch table, look at what it left.

`Machine` and `NativeTier` decide which table runs and what its status means. Tests of the tables
themselves use a `Bare`: a block with handlers, its fields by name, and the status of each entry.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from jitvm.engine.interpreter.installed import handlers_for
from jitvm.engine.machine.native import UNLIMITED
from jitvm.engine.memory.block import Block
from jitvm.engine.memory.cache import CodeCache
from jitvm.engine.memory.layout import Layout
from jitvm.engine.tables.status import Status
from jitvm.guest import Guest
from tests.engine.emulated import EmulatedHandlers, aarch64_unit

_WRITTEN: Any = ctypes.CFUNCTYPE(None, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint64)


class Bare:
    """A block, handlers for it, and names for what lies where."""

    def __init__(self, tier: str, guest: Guest) -> None:
        self.layout = layout = Layout(guest)
        self.block = Block(layout)
        self.handlers: Any = (
            EmulatedHandlers(aarch64_unit(guest), self.block)
            if tier == "aarch64"
            else handlers_for(guest, CodeCache())
        )
        for name, content in self.handlers.tables.items():
            self.block.view(layout.tables[name], layout.table_size)[:] = content
        self.memory = self.block.view(0, layout.size)
        self.stacks = [
            self.block.view(at, stack.size)
            for at, stack in zip(layout.stacks, guest.stacks, strict=True)
        ]
        self.code_map = self.block.view(layout.code_map, layout.size)
        self.code = self.block.words(layout.code, layout.size)
        self.counters = self.block.view(layout.counters, 2 * layout.size).cast("H")
        self.histogram = self.block.words(layout.histogram, 256)
        self._kept: list[object] = []

    def __getitem__(self, field: str) -> int:
        return self.block.words(self.layout.fields[field], 1)[0]

    def __setitem__(self, field: str, word: int) -> None:
        self.block.words(self.layout.fields[field], 1)[0] = word

    @property
    def pointers(self) -> list[int]:
        """Stack pointers as indices."""
        return [
            self.block.words(at, 1)[0] - self.block.base - base
            for at, base in zip(self.layout.pointers, self.layout.stacks, strict=True)
        ]

    @pointers.setter
    def pointers(self, indices: list[int]) -> None:
        for at, base, index in zip(self.layout.pointers, self.layout.stacks, indices, strict=True):
            self.block.words(at, 1)[0] = self.block.base + base + index

    def on_written(self, function: Callable[[int], None]) -> None:
        """Have stores onto watched bytes reported, with their address."""
        callback = _WRITTEN(lambda _base, address, _size: function(address))
        self._kept.append(callback)
        self["written"] = ctypes.cast(callback, ctypes.c_void_p).value or 0

    def enter(self, table: str, pc: int, budget: int = UNLIMITED) -> Status:
        """Run from pc with a table until native code comes back."""
        self["table"] = self.block.base + self.layout.tables[table]
        self["budget"], self["pc"] = budget, pc
        self.handlers.enter(self.block.base)
        return Status(self["status"])
