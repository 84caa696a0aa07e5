"""LLVM, behind one wall: text in, machine code that may lie anywhere out.

This is the only user of LLVM's functions (`jitvm.engine.codegen.llvm`). A fatal error inside LLVM
aborts the process, so what comes here has been verified (`jitvm.engine.ir.verify`); errors that
LLVM reports become a `NativeError`.

The object is always ELF, whatever the host, so one small reader serves all. All that code uses is
passed in registers or lies at constant distances in the machine's block. The one exception are
tables of where a jump goes. They are put behind the code, and their distances filled in:

    .text | .rodata
"""

from __future__ import annotations

import ctypes
import os
import struct
from functools import cache, partial

from jitvm.engine.codegen.llvm import functions
from jitvm.engine.host.process import LLVM
from jitvm.engine.host.threads import started
from jitvm.engine.host.unpatched import allocate_lock
from jitvm.engine.tables.struct import Struct

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

_TRIPLES = {"x86_64": "x86_64-unknown-linux-gnu", "aarch64": "aarch64-unknown-linux-gnu"}
_RELA, _REL = 4, 9  # SHT_RELA, SHT_REL
_SYMBOLS = 2  # SHT_SYMTAB
_PC32, _PREL32, _ADR_PAGE, _ADD_LOW = (62, 2), (183, 261), (183, 275), (183, 277)
"""Relocations of tables of jumps, by machine (62 is x86-64, 183 AArch64) and number: distances of
32 bits; an address in two instructions, made `adr` and the addition of 0."""

_UNWANTED = frozenset(("gfni", "xop"))
"""x86-64 extensions that reverse the bits of a word as a vector, by a table that would have to lie
beside the code."""
_LEVELS = (1, 2, 2, 2)
"""Level of instruction selection and register allocation by speed."""
_RUNS = 16
"""Modules one pass builder serves. Every run leaves a callback in it that all later passes call
(at speed 2 the 2000th module would take eight times as long as the first), and every builder
leaves 1.4 KB unfreed when it goes: sixteen keeps both below notice. A way around a fault of
llvmlite, no limit of the JIT."""

_WARM_UP = "define i32 @f(i32 %x) {\n ret i32 %x\n}"
"""A module that has all of LLVM that regions need run once."""


class NativeError(RuntimeError):
    """LLVM refused the text, or made code that cannot be installed; the message says which."""


class Code(Struct, frozen=True):
    """Machine code of one module: the bytes, and the offset of each exported function."""

    machine_code: bytes
    symbols: dict[str, int]


class Compiler:
    """Compiles modules for one architecture.

    Args:
        architecture: "x86_64" or "aarch64".
        cpu, features: as LLVM names them; empty for the architecture's baseline.
    """

    def __init__(self, architecture: str, cpu: str = "", features: str = "") -> None:
        with LLVM:
            self._llvm = llvm = functions()
            if architecture == os.uname().machine:
                llvm.InitializeNativeTarget()
                llvm.InitializeNativeAsmPrinter()
                llvm.InitializeNativeAsmParser()
            else:
                llvm.InitializeAllTargetInfos()
                llvm.InitializeAllTargets()
                llvm.InitializeAllTargetMCs()
                llvm.InitializeAllAsmPrinters()
            self._triple = _TRIPLES[architecture].encode()
            self._target, message = llvm.call_with_text(llvm.GetTargetFromTriple, self._triple)
            if not self._target:
                raise NativeError(f"LLVM has no target {architecture}: {message}")
        self._cpu, self._features = cpu.encode(), features.encode()
        self._machines: dict[int, tuple[Any, bytes]] = {}
        self._builders: dict[int, tuple[Any, int]] = {}

    @classmethod
    def for_host(cls, architecture: str, without: frozenset[str] = frozenset()) -> Compiler:
        """A compiler that may use everything this processor has, except what makes LLVM turn
        words into vectors and take constants from memory.

        Args:
            architecture: this machine's.
            without: other extensions that it may not use, as LLVM names them.
        """
        with LLVM:
            llvm = functions()
            listed = llvm.call_with_text(llvm.GetHostCPUFeatures)[1].split(",")
            signs = {each[1:]: each[0] for each in listed if each}
            without |= _UNWANTED
            features = [
                f"{'-' if name in without else signs[name]}{name}" for name in sorted(signs)
            ]
            return cls(
                architecture, llvm.call_with_text(llvm.GetHostCPUName)[1], ",".join(features)
            )

    def _machine(self, level: int) -> tuple[Any, bytes]:
        """LLVM's target machine of a level, and how it lays out data."""
        found = self._machines.get(level)
        if found is None:
            llvm = self._llvm
            machine = llvm.CreateTargetMachine(
                self._target, self._triple, self._cpu, self._features, level,
                b"pic", b"small", 0, 0, b"",
            )  # fmt: skip
            if not machine:
                raise NativeError(f"LLVM makes no code for {self._triple.decode()}")
            data = llvm.CreateTargetMachineData(machine)
            layout = llvm.call_with_text(llvm.CopyStringRepOfTargetData, data)[1]
            llvm.DisposeTargetData(data)
            found = self._machines[level] = machine, layout.encode()
        return found

    def compile(self, text: str, *, speed: int = 2) -> Code:
        """Compile a module of LLVM text.

        Args:
            text: the module.
            speed: 0 if somebody waits, 1 for a short list of passes made for regions, 2 or 3
                for LLVM's pipelines.

        Raises:
            NativeError: the text does not parse, or the object needs relocations.
        """
        return read_object(self._emitted(text, speed, is_object=True))

    def assembly(self, text: str, *, speed: int = 2) -> str:
        """The same machine code as `compile` gives, as assembly for people to read.

        Raises:
            NativeError: the text does not parse.
        """
        return self._emitted(text, speed, is_object=False).decode()

    def _emitted(self, text: str, speed: int, *, is_object: bool) -> bytes:
        """A module optimised, as an object or as assembly."""
        with LLVM:
            return self._emitted_inside(text, speed, is_object=is_object)

    def _emitted_inside(self, text: str, speed: int, *, is_object: bool) -> bytes:
        """The same, where LLVM is held for this thread."""
        llvm = self._llvm
        machine, layout = self._machine(_LEVELS[speed])
        # In a context of its own: the global one keeps every constant any module ever used.
        context = llvm.ContextCreate()
        module = None
        try:
            module, message = llvm.call_with_text(llvm.ParseAssembly, context, text.encode())
            if not module:
                raise NativeError(f"LLVM refused a module: {message}")
            llvm.SetTarget(module, self._triple)
            llvm.SetDataLayout(module, layout)
            broken, message = llvm.call_with_text(llvm.VerifyModule, module)
            if broken:
                raise NativeError(f"LLVM refused a module: {message}")
            self._optimise(module, speed)
            buffer, message = llvm.call_with_text(
                llvm.TargetMachineEmitToMemory, machine, module, int(is_object)
            )
            if not buffer:
                raise NativeError(f"LLVM refused a module: {message}")
        finally:
            if module:
                llvm.DisposeModule(module)
            llvm.ContextDispose(context)
        try:
            return ctypes.string_at(llvm.GetBufferStart(buffer), llvm.GetBufferSize(buffer))
        finally:
            llvm.DisposeMemoryBuffer(buffer)

    def _optimise(self, module: Any, speed: int) -> None:
        """Run passes, with a pass manager for this module alone.

        Those of speed 1 are what regions still need after jitvm's own passes. More of them made
        no program faster, and those that look at memory take longer than all the rest in large
        regions. Without combining instructions LLVM is done in three quarters of the time, and
        code is 3 % slower.
        """
        llvm = self._llvm
        builder = self._builder(speed)
        if speed <= 1:
            manager = llvm.CreateNewModulePassManager()
            if speed == 1:
                llvm.module_AddInstCombinePass(manager)
            llvm.module_AddSimplifyCFGPass(manager)
        else:
            manager = llvm.buildPerModuleDefaultPipeline(builder, speed)
        llvm.RunNewModulePassManager(manager, module, builder)
        llvm.DisposeNewModulePassManger(manager)

    def _builder(self, speed: int) -> Any:
        """A pass builder that has served fewer than `_RUNS` modules."""
        builder, runs = self._builders.get(speed, (None, _RUNS))
        if runs == _RUNS:
            llvm = self._llvm
            if builder is not None:
                llvm.DisposePassBuilder(builder)
            options = llvm.CreatePipelineTuningOptions()
            llvm.PTOSetLoopVectorization(options, False)
            llvm.PTOSetSLPVectorization(options, False)
            builder, runs = llvm.CreatePassBuilder(self._machine(_LEVELS[speed])[0], options), 0
            llvm.DisposePipelineTuningOptions(options)
        self._builders[speed] = (builder, runs + 1)
        return builder


def compile_together(
    compilers: Sequence[Compiler], texts: Sequence[str], *, speed: int
) -> list[Code]:
    """Compile modules at the same time: the first on this thread, others on threads of their own.

    LLVM, whose contexts know nothing of each other, is held here for all of them until the last is
    done, also if this thread is interrupted.

    Args:
        compilers: one for each module, as they keep what they have used.
        texts: the modules.
        speed: as of `Compiler.compile`.

    Raises:
        NativeError: one of them cannot be compiled.
    """
    made: list[Code | None] = [None] * len(texts)
    errors: list[BaseException] = []

    def work(number: int, ended: Callable[[], None]) -> None:
        try:
            data = compilers[number]._emitted_inside(texts[number], speed, is_object=True)
            made[number] = read_object(data)
        except BaseException as error:
            errors.append(error)
        finally:
            ended()

    with LLVM:
        under_way = []
        for number in range(1, len(texts)):
            lock = allocate_lock()
            lock.acquire()
            job = partial(work, number, lock.release)
            if not started(job):
                job()
            under_way.append(lock)
        work(0, lambda: None)
        for lock in under_way:
            while True:
                try:
                    lock.acquire()
                    break
                except BaseException as error:  # a signal's: raised when no thread is in LLVM
                    errors.append(error)
    if errors:
        raise errors[0]
    return [code for code in made if code is not None]


def host_compiler() -> Compiler:
    """The compiler for this processor that regions share; who comes second waits for the first.

    LLVM has run once when this returns: its first run takes 5 ms longer than others, of which
    nothing needs the interpreter lock.
    """
    with LLVM:
        return _host_compiler()


@cache
def _host_compiler() -> Compiler:
    compiler = Compiler.for_host(os.uname().machine)
    compiler.compile(_WARM_UP, speed=0)
    return compiler


def read_object(data: bytes) -> Code:
    """The text section of an ELF64 little-endian object, with tables of jumps behind it, and its
    functions.

    Raises:
        NativeError: it is none, has several, or needs relocations that such tables do not.
    """
    it = _Object(data)
    texts = it.named(".text")
    if len(texts) != 1:
        raise NativeError(f"the object has {len(texts)} text sections, not one")
    code, places = bytearray(), {}
    for section in (*texts, *it.named(".rodata")):
        code += bytes(-len(code) % max(it.sections[section][8], 1))
        places[section] = len(code)
        code += it.content(section)
    for section, header in enumerate(it.sections):
        if header[1] in (_RELA, _REL) and header[7] in places and header[5]:
            _relocate(it, section, places, code)
    symbols = {
        name: value
        for section, header in enumerate(it.sections)
        if header[1] == _SYMBOLS
        for name, kind, where, value in it.symbols(section)
        if where == texts[0] and kind == 2
    }
    return Code(bytes(code), symbols)


class _Object:
    """An ELF object.

    Attributes:
        machine: what it is for.
        sections: name, type, flags, address, offset, size, link, info, alignment, size of entries.
    """

    def __init__(self, data: bytes) -> None:
        if data[:6] != b"\x7fELF\x02\x01":
            raise NativeError("LLVM wrote an object that is not 64-bit little-endian ELF")
        self._data = data
        (self.machine,) = struct.unpack_from("<H", data, 18)
        (offset,) = struct.unpack_from("<Q", data, 40)
        count, self._names = struct.unpack_from("<HH", data, 60)
        self.sections = [
            struct.unpack_from("<IIQQQQIIQQ", data, offset + 64 * i) for i in range(count)
        ]

    def content(self, section: int) -> bytes:
        """Bytes of a section."""
        start, size = self.sections[section][4:6]
        return self._data[start : start + size]

    def named(self, name: str) -> list[int]:
        """Sections of a name."""
        return [i for i, s in enumerate(self.sections) if self._name(self._names, s[0]) == name]

    def symbols(self, section: int) -> list[tuple[str, int, int, int]]:
        """Name, kind, section and value of all symbols of a table."""
        names = self.sections[section][6]
        return [
            (self._name(names, name), info & 15, where, value)
            for name, info, _, where, value, _ in struct.iter_unpack(
                "<IBBHQQ", self.content(section)
            )
        ]

    def _name(self, table: int, at: int) -> str:
        start = self.sections[table][4] + at
        return self._data[start : self._data.index(b"\0", start)].decode()


def _relocate(it: _Object, section: int, places: dict[int, int], code: bytearray) -> None:
    """Fill in the distances that a section of relocations asks for.

    Raises:
        NativeError: it asks for something else, or for what is too far away.
    """
    header = it.sections[section]
    if header[1] != _RELA:
        raise NativeError("the object needs relocations without addends")
    symbols, begin = it.symbols(header[6]), places[header[7]]
    for offset, info, addend in struct.iter_unpack("<QQq", it.content(section)):
        _, _, where, value = symbols[info >> 32]
        if where not in places:
            raise NativeError(
                f"the object needs relocation {info & 0xFFFF_FFFF} to another section"
            )
        at, distance = begin + offset, places[where] + value + addend - begin - offset
        kind = it.machine, info & 0xFFFF_FFFF
        if kind in (_PC32, _PREL32):
            struct.pack_into("<i", code, at, distance)
        elif kind == _ADR_PAGE and -(1 << 20) <= distance < 1 << 20:
            _patch(
                code, at, 0x1F, 0x1000_0000 | (distance & 3) << 29 | (distance >> 2 & 0x7FFFF) << 5
            )
        elif kind == _ADD_LOW:  # the address is complete already
            _patch(code, at, ~(0xFFF << 10), 0)
        else:
            raise NativeError(f"the object needs a relocation of kind {kind[1]} to {distance}")


def _patch(code: bytearray, at: int, mask: int, bits: int) -> None:
    """Keep some bits of an instruction of AArch64, and set others."""
    (word,) = struct.unpack_from("<I", code, at)
    struct.pack_into("<I", code, at, word & mask | bits)
