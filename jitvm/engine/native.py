"""LLVM, behind one wall: text in, relocation-free machine code out.

The only importer of llvmlite. A fatal error inside LLVM ends the process, so what comes here has
been verified (`jitvm.engine.verify`); what LLVM reports politely becomes a `NativeError`.

The object is asked for as ELF on every host, so one small reader serves all. It must need no
relocation: all it uses comes in registers or lies at constant distances in the machine's block.
"""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import llvmlite.binding as llvm
from llvmlite.binding.newpassmanagers import NewPassManager

from jitvm.engine.record import Record

_LOCK = threading.Lock()
_TRIPLES = {"x86_64": "x86_64-unknown-linux-gnu", "aarch64": "aarch64-unknown-linux-gnu"}
_RELOCATIONS = (4, 9)  # SHT_RELA, SHT_REL
_SYMBOLS = 2  # SHT_SYMTAB

_SHORT_LIST = ("instruction_combine", "simplify_cfg")
"""Passes at speed 1: what regions still need after jitvm's own passes. More of them made no
program faster, and those that look at memory take longer than all the rest in large regions."""

_UNWANTED = frozenset(("gfni", "xop"))
"""x86-64 extensions that reverse the bits of a word as a vector, by a table that would have to lie
beside the code."""
_RUNS = 16
"""Modules one pass builder serves. Every run leaves a callback in it that all later passes call
(at speed 2 the 2000th module would take eight times as long as the first), and every builder
leaves 1.4 KB behind when it goes: sixteen keeps both below notice."""


class NativeError(RuntimeError):
    """LLVM refused the text, or made code that cannot be installed; the message says which."""


class Code(Record, frozen=True):
    """Machine code of one module: the bytes, and the offset of each exported function."""

    text: bytes
    symbols: dict[str, int]


class Compiler:
    """Compiles modules for one architecture.

    Args:
        architecture: "x86_64" or "aarch64".
        cpu, features: as LLVM names them; empty for the architecture's baseline.
    """

    def __init__(self, architecture: str, cpu: str = "", features: str = "") -> None:
        if architecture == os.uname().machine:
            llvm.initialize_native_target()
            llvm.initialize_native_asmprinter()
        else:
            llvm.initialize_all_targets()
            llvm.initialize_all_asmprinters()
        self.triple = _TRIPLES[architecture]
        self._target = llvm.Target.from_triple(self.triple)
        self._cpu, self._features = cpu, features
        self._machines: dict[int, Any] = {}
        self._builders: dict[tuple[int, int], tuple[Any, int]] = {}

    @classmethod
    def for_host(cls, architecture: str) -> Compiler:
        """A compiler that may use everything this processor has, but for what makes LLVM turn
        words into vectors and take constants from memory."""
        features = llvm.get_host_cpu_features()
        for name in _UNWANTED & features.keys():
            features[name] = False
        return cls(architecture, llvm.get_host_cpu_name(), features.flatten())

    def _machine(self, level: int) -> Any:
        if level not in self._machines:
            self._machines[level] = self._target.create_target_machine(
                cpu=self._cpu, features=self._features, opt=level, reloc="pic",
                codemodel="small",
            )  # fmt: skip
        return self._machines[level]

    def compile(self, text: str, *, speed: int = 2, codegen: int = 2) -> Code:
        """Compile a module of LLVM text.

        Args:
            text: the module.
            speed: 1 for a short list of passes made for regions, 2 or 3 for LLVM's pipelines.
            codegen: level of instruction selection and register allocation, 0 to 3.

        Raises:
            NativeError: the text does not parse, or the object needs relocations.
        """
        with _LOCK:
            machine = self._machine(codegen)
            with self._optimised(text, machine, speed) as module:
                data = machine.emit_object(module)
        return read_object(data)

    def assembly(self, text: str, *, speed: int = 2, codegen: int = 2) -> str:
        """The same machine code as `compile` gives, as assembly for people to read.

        Raises:
            NativeError: the text does not parse.
        """
        with _LOCK:
            machine = self._machine(codegen)
            with self._optimised(text, machine, speed) as module:
                return str(machine.emit_assembly(module))

    @contextmanager
    def _optimised(self, text: str, machine: Any, speed: int) -> Iterator[Any]:
        """A module parsed and optimised, in a context of its own: the global one would keep every
        constant that any module ever used."""
        context = llvm.create_context()
        try:
            module = llvm.parse_assembly(text, context)
            try:
                module.triple = self.triple
                module.data_layout = str(machine.target_data)
                module.verify()
                self._optimise(module, machine, speed)
                yield module
            finally:
                module.close()
        except RuntimeError as error:
            raise NativeError(f"LLVM refused a module: {error}") from error
        finally:
            context.close()

    def _optimise(self, module: Any, machine: Any, speed: int) -> None:
        """Run passes, with a pass manager for this module alone."""
        builder = self._builder(machine, speed)
        if speed == 1:
            manager = llvm.create_new_module_pass_manager()
            for name in _SHORT_LIST:
                getattr(manager, f"add_{name}_pass")()
        else:
            manager = builder.getModulePassManager()
        try:
            manager.run(module, builder)
        finally:
            # Its own close() frees nothing: in llvmlite 0.50 it finds ObjectRef's empty `_dispose`
            # before this one.
            NewPassManager._dispose(manager)
            manager.detach()

    def _builder(self, machine: Any, speed: int) -> Any:
        """A pass builder that has served fewer than `_RUNS` modules."""
        key = (id(machine), speed)
        builder, runs = self._builders.get(key, (None, _RUNS))
        if runs == _RUNS:
            if builder is not None:
                builder.close()
            options = llvm.create_pipeline_tuning_options(speed_level=max(speed, 1))
            options.loop_vectorization = False
            options.slp_vectorization = False
            builder, runs = llvm.create_pass_builder(machine, options), 0
        self._builders[key] = (builder, runs + 1)
        return builder


def read_object(data: bytes) -> Code:
    """The text section of an ELF64 little-endian object, and its functions.

    Raises:
        NativeError: it is none, has several, or needs relocations.
    """
    if data[:6] != b"\x7fELF\x02\x01":
        raise NativeError("LLVM wrote an object that is not 64-bit little-endian ELF")
    offset, count, names = _header(data)
    sections = [
        struct.unpack_from("<IIQQQQIIQQ", data, offset + 64 * i) for i in range(count)
    ]

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
