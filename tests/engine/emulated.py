"""AArch64 code run in an emulator, over the same block of memory that native code would use.

    unicorn (AArch64)                         this process
      block    mapped at its own address  <->   the machine's `Block`, mirrors and all
      code     read, execute                    that of a `Unit`, or any other
      stack    read, write                      private to the emulator
      elsewhere: nothing. A fetch from there is a call of a host function: it is looked up among
      the functions the machine names (port functions, `ring_full`, `written`, `also`), called
      natively with x0 to x2, and its result put into x0.

So everything above native code, `NativeTier` and `Machine`, runs unchanged; only the three ways
in (`enter`, `step`, `deliver`) go through the emulator, with AArch64's C convention: arguments in
x0.., the return address in lr. Callee-saved registers and the stack pointer are compared after
each call. Nothing in the block can be executed and nothing in the code written.

`EmulatedMachine(guest)` is a `Machine` at tier 1 on such code. For other code make an `Emulator`
of a `Block` and `call` functions of what was installed; `install` adds code to a running one.
"""

from __future__ import annotations

import ctypes
import mmap
from functools import cache
from typing import Any, cast

import unicorn

from jitvm.engine.interpreter.installed import Handlers
from jitvm.engine.interpreter.making import make_unit
from jitvm.engine.interpreter.unit import Unit
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.machine.native import NativeTier
from jitvm.engine.memory.arena import Arena
from jitvm.engine.memory.block import Block
from jitvm.engine.memory.cache import CodeCache
from jitvm.engine.memory.fingerprint import stamp
from jitvm.engine.memory.layout import Layout
from jitvm.engine.memory.shown import address_of
from jitvm.guest import Guest

PAGE = mmap.PAGESIZE
CODE, CODE_SIZE = 0x1000_0000, 16 << 20
STACK, STACK_SIZE = 0x2000_0000, 64 << 10
RETURN = 0x3000_0000
"""The address a way in returns to; nothing is mapped there, so the emulator comes out."""

_UC: Any = unicorn
_READ, _WRITE, _EXEC = _UC.UC_PROT_READ, _UC.UC_PROT_WRITE, _UC.UC_PROT_EXEC


def _register(name: str) -> int:
    return int(getattr(_UC.arm64_const, f"UC_ARM64_REG_{name}"))


_ARGUMENTS = [_register(f"X{i}") for i in range(8)]
_KEPT = [_register(f"X{i}") for i in range(19, 30)]
_PC, _LR, _SP = map(_register, ("PC", "LR", "SP"))
_HOST_FUNCTION: Any = ctypes.CFUNCTYPE(
    ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint64
)


class EmulationError(Exception):
    """Code did what native code must not; the message says where."""


class Emulator:
    """An AArch64 processor that sees one block and the code installed with `install`.

    Args:
        block: the machine's memory; it stays where it is.
        also: addresses of host functions that may be called besides those the block names.
    """

    def __init__(self, block: Block, also: frozenset[int] = frozenset()) -> None:
        self.block = block
        self.also = also
        self._end = CODE
        self._uc = _UC.Uc(_UC.UC_ARCH_ARM64, _UC.UC_MODE_ARM)
        low = block.base - block.layout.head
        size = -(-block.layout.total // PAGE) * PAGE
        self._uc.mem_map_ptr(low, size, _READ | _WRITE, low)
        self._uc.mem_map(CODE, CODE_SIZE, _READ | _EXEC)
        self._uc.mem_map(STACK, STACK_SIZE, _READ | _WRITE)

    def map(self, address: int, size: int) -> None:
        """Let the code read and write more of this process's memory; whole pages."""
        self._uc.mem_map_ptr(address, size, _READ | _WRITE, address)

    def show(self, view: memoryview) -> None:
        """Let the code see the pages of some memory, those it does not see yet."""
        if not len(view):
            return
        first = address_of(view) & -PAGE
        end = -(-(address_of(view) + len(view)) // PAGE) * PAGE
        for start, last, _ in sorted(self._uc.mem_regions()):
            if start <= first <= last:
                first = last + 1
            elif first < start < end:
                self.map(first, start - first)
                first = last + 1
        if first < end:
            self.map(first, end - first)

    def install(self, code: bytes) -> int:
        """Copy code in; returns the address it runs at."""
        address = self._end
        self.write(address, code)
        self._end = -(-(address + len(code)) // 64) * 64
        return address

    def write(self, address: int, content: bytes) -> None:
        """Put bytes into the emulator's own memory, its code or its stack."""
        self._uc.mem_write(address, content)

    def call(self, function: int, *arguments: int) -> int:
        """Call code by the C convention; returns x0.

        Raises:
            EmulationError: a bad access, a call of what is no host function, or a register the
                convention protects that came back changed.
        """
        uc = self._uc
        before = [(register, 0x1111 * (i + 1)) for i, register in enumerate(_KEPT)]
        before.append((_SP, STACK + STACK_SIZE))
        for register, value in (*before, (_LR, RETURN), *zip(_ARGUMENTS, arguments, strict=False)):
            uc.reg_write(register, value)
        pc = function
        while pc != RETURN:
            pc = self._run(pc)
            if pc != RETURN:
                pc = self._call_host(pc)
        for register, value in before:
            if uc.reg_read(register) != value:
                raise EmulationError(f"call of {function:#x} changed register {register}")
        return int(uc.reg_read(_ARGUMENTS[0]))

    def _run(self, pc: int) -> int:
        """Run until control leaves the installed code; returns where it went."""
        try:
            self._uc.emu_start(pc, RETURN)
        except _UC.UcError as error:
            if error.errno not in (_UC.UC_ERR_FETCH_UNMAPPED, _UC.UC_ERR_FETCH_PROT):
                raise EmulationError(f"{error} at {self._uc.reg_read(_PC):#x}") from error
        return int(self._uc.reg_read(_PC))

    def _call_host(self, address: int) -> int:
        """Call a host function as the code would have; returns where it returns to."""
        if address not in self._host_functions():
            raise EmulationError(f"jump to {address:#x}, which is neither code nor host function")
        arguments = [self._uc.reg_read(register) for register in _ARGUMENTS[:3]]
        self._uc.reg_write(_ARGUMENTS[0], _HOST_FUNCTION(address)(*arguments))
        return int(self._uc.reg_read(_LR))

    def _host_functions(self) -> set[int]:
        layout = self.block.layout
        named = set(self.also)
        for at in (layout.readers, layout.writers):
            named.update(self.block.words(at, layout.guest.ports))
        if layout.attached:
            named.update(self.block.words(layout.told["copy"], 2))
        for field in ("ring_full", "written"):
            named.add(self.block.words(layout.fields[field], 1)[0])
        return named - {0}


class _Piece:
    """Code in the emulator, which has it as long as there is one."""

    def __init__(self, address: int) -> None:
        self.address = address

    def free(self) -> None:
        """Nothing to do."""


class _Pieces:
    """Stands in for an `Arena`: what is installed is in the emulator."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator

    def install(self, code: bytes) -> _Piece:
        return _Piece(self._emulator.install(code))


class EmulatedHandlers(Handlers):
    """The same addresses and ways in, through an emulator."""

    def __init__(self, unit: Unit, block: Block) -> None:
        self.emulator = Emulator(block)
        super().__init__(unit, block.layout, cast(Arena, _Pieces(self.emulator)))
        self.enter, self.step, self.deliver = self._enter, self._step, self._deliver

    def _enter(self, base: int) -> None:
        self.emulator.call(self.address("enter"), base)

    def _step(self, base: int) -> None:
        self.emulator.call(self.address("step"), base)

    def _deliver(self, base: int, data: bytes, count: int, *ports: int) -> int:
        """As native `deliver`; the data is copied to the far end of the emulator's stack."""
        if count > STACK_SIZE // 2:
            raise EmulationError(f"{count} events at once; take up to {STACK_SIZE // 2}")
        self.emulator.write(STACK, data)
        return self.emulator.call(self.address("deliver"), base, STACK, count, *ports)


@cache
def kept_unit(guest: Guest, architecture: str) -> Unit:
    """A guest's interpreter for an architecture's baseline, kept as native code is."""
    kept, kind, key = CodeCache(), f"{guest.name}-{architecture}", stamp(guest)
    code = None if key is None else kept.load(kind, key)
    unit = None if code is None else Unit.of_kept(code, Layout(guest))
    if unit is None:
        unit = make_unit(guest, architecture=architecture)
        if key is not None:
            kept.store(kind, key, unit.kept())
    return unit


def aarch64_unit(guest: Guest) -> Unit:
    """A guest's interpreter for AArch64."""
    return kept_unit(guest, "aarch64")


class EmulatedMachine(Machine):
    """A machine whose tier 1 is AArch64 code in an emulator; without a unit, its guest's own."""

    def __init__(self, guest: Guest, unit: Unit | None = None) -> None:
        self._unit = unit
        super().__init__(guest, tier=Tier.REFERENCE)
        self.tier = Tier.INTERPRETER

    def _executor_of(self, *_: object) -> NativeTier:
        handlers = EmulatedHandlers(self._unit or aarch64_unit(self.guest), self.block)
        self.emulator = handlers.emulator
        for index in self.layout.attached:
            self.emulator.show(self.state.spaces[index])
        return NativeTier(self.block, self.state, handlers)

    def attach(self, space: int, memory: Any) -> None:
        super().attach(space, memory)
        if hasattr(self, "emulator"):
            self.emulator.show(self.state.spaces[space])
