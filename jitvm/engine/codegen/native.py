"""LLVM, behind one wall: text in, relocation-free machine code out.

This is the only user of LLVM's functions (`jitvm.engine.codegen.llvm`). A fatal error inside LLVM
aborts the process, so what comes here has been verified (`jitvm.engine.ir.verify`); errors that
LLVM reports become a `NativeError`.

The object is always ELF, whatever the host, so one small reader serves all. It must need no
relocations: all it uses is passed in registers or lies at constant distances in the machine's
block.
"""

from __future__ import annotations

import ctypes
import os
import struct
from functools import cache

from jitvm.engine.codegen.llvm import functions
from jitvm.engine.host.process import LLVM
from jitvm.engine.tables.struct import Struct

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any

_TRIPLES = {"x86_64": "x86_64-unknown-linux-gnu", "aarch64": "aarch64-unknown-linux-gnu"}
_RELOCATIONS = (4, 9)  # SHT_RELA, SHT_REL
_SYMBOLS = 2  # SHT_SYMTAB

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
    def for_host(cls, architecture: str) -> Compiler:
        """A compiler that may use everything this processor has, except what makes LLVM turn
        words into vectors and take constants from memory."""
        with LLVM:
            llvm = functions()
            listed = llvm.call_with_text(llvm.GetHostCPUFeatures)[1].split(",")
            signs = {each[1:]: each[0] for each in listed if each}
            features = [
                f"{'-' if name in _UNWANTED else signs[name]}{name}" for name in sorted(signs)
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
        llvm = self._llvm
        with LLVM:
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
    """The text section of an ELF64 little-endian object, and its functions.

    Raises:
        NativeError: it is none, has several, or needs relocations.
    """
    if data[:6] != b"\x7fELF\x02\x01":
        raise NativeError("LLVM wrote an object that is not 64-bit little-endian ELF")
    offset, count, names = _header(data)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, offset + 64 * i) for i in range(count)]

    def name_of(table: int, at: int) -> str:
        start = sections[table][4] + at
        return data[start : data.index(b"\0", start)].decode()

    texts = [i for i, s in enumerate(sections) if name_of(names, s[0]) == ".text"]
    if len(texts) != 1:
        raise NativeError(f"the object has {len(texts)} text sections, not one")
    text = texts[0]
    for section in sections:
        if section[1] in _RELOCATIONS and section[7] == text and section[5]:
            raise NativeError(f"the object needs {section[5] // section[9]} relocations")
    symbols = {}
    for section in sections:
        if section[1] != _SYMBOLS:
            continue
        for at in range(section[4], section[4] + section[5], 24):
            name, info, _, where, value, _ = struct.unpack_from("<IBBHQQ", data, at)
            if where == text and info & 15 == 2:
                symbols[name_of(section[6], name)] = value
    start, size = sections[text][4], sections[text][5]
    return Code(data[start : start + size], symbols)


def _header(data: bytes) -> tuple[int, int, int]:
    """Offset and number of the section headers, and which one holds their names."""
    (offset,) = struct.unpack_from("<Q", data, 40)
    count, names = struct.unpack_from("<HH", data, 60)
    return offset, count, names
