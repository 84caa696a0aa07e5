"""Each parser: valid small inputs, how it is called, and the exceptions its documentation names."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jitvm.dashboard.saved import VERSION, SavedError, SavedRun
from jitvm.dashboard.series import COLUMNS
from jitvm.engine.jit import kept
from jitvm.engine.memory import cache
from jitvm.engine.memory.cache import CachedCode
from jitvm.engine.tables.params import ParameterError, Parameters
from jitvm.guests.uxn.assembler import assemble
from jitvm.guests.uxn.assembler.errors import AssemblyError
from jitvm.guests.uxn.disassembler import DisassemblyError, disassemble
from jitvm.guests.uxn.symbols import SymbolFileError, SymbolTable
from jitvm.guests.uxn.varvara.rom import Rom, RomError
from jitvm.guests.uxn.varvara.script import ScriptError, parse_script
from jitvm.guests.uxn.varvara.session import Session, SessionError

SPACE = 65536


@dataclass(frozen=True, slots=True)
class Target:
    """One parser.

    Attributes:
        seeds: valid inputs.
        read: reads one; the folder is empty and stays as it is but for the file `input`.
        raises: what may come out.
    """

    seeds: tuple[bytes, ...]
    read: Callable[[bytes, Path], object]
    raises: tuple[type[Exception], ...]


def _lines(*rows: object) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def _file(data: bytes, folder: Path) -> Path:
    path = folder / "input"
    path.write_bytes(data)
    return path


def _checked(data: bytes) -> bytes:
    """A session with a right checksum."""
    return data + json.dumps({"check": zlib.crc32(data)}).encode() + b"\n"


def _session(data: bytes, folder: Path) -> None:
    Session.load(_file(_checked(data), folder))


def _saved(data: bytes, folder: Path) -> None:
    viewer = SavedRun(_file(data, folder)).viewer()
    while viewer.news() is not None:
        viewer.frames()


def _cache(data: bytes, _: Path) -> None:
    cache._decode("key", cache.MAGIC + zlib.crc32(data).to_bytes(4, "little") + data)


def _regions(data: bytes, _: Path) -> None:
    kept.decode(CachedCode(b"code" + data, {"about": 4}), SPACE)


def _script(data: bytes, _: Path) -> None:
    parse_script(data.decode("utf-8", "surrogateescape"))


def _symbols(data: bytes, _: Path) -> None:
    SymbolTable.from_bytes(data).describe(0x0123)


def _rom(data: bytes, _: Path) -> None:
    disassemble(Rom(data).data)


def _source(data: bytes, folder: Path) -> None:
    for legacy in (False, True):
        try:
            assemble(data, include_root=folder, legacy=legacy)
        except AssemblyError as error:
            str(error)


def _parameters(data: bytes, _: Path) -> None:
    name, _equals, value = data.decode("utf-8", "surrogateescape").partition("=")
    Parameters().changed({name: value})
    Parameters.from_environment({name: value})


_HEAD = {
    "kind": "run", "version": VERSION, "name": "a.tal", "columns": list(COLUMNS), "reasons": {},
    "params": [{"name": "hot", "default": 2, "low": 1, "high": 9, "unit": "times", "why": "x"}],
}  # fmt: skip
_PAGE = {
    "kind": "page",
    "heat": "00ff",
    "news": {"now": 1.5, "params": {"hot": 2}, "console": {"missed": 0, "text": "a"}},
}
_EVENT = {"kind": "hot", "seconds": 0.5, "address": 256, "line": "hot"}
_REGION = {
    "start": 256, "size": 4, "polished": False, "exits": [["BRANCH", 300], ["TARGET", None]],
    "first_exit": 0, "slot": 0, "entries": [[260, 2]], "known": {"256": [260]},
    "nodes": [[256, 1], [260, 1]], "limits": {"NODES": 3}, "code": [[256, 128]], "cells": [16],
    "stores": [18],
}  # fmt: skip
_KEPT = {
    "format": kept.FORMAT, "ports": [[1], [2], []], "charging": False, "next_exit": 2,
    "next_slot": 1, "roomless": [256], "edges": {"256": [[260, 5]]}, "opcodes": {"256": [[128, 5]]},
    "written": [32], "aliased": [], "regions": [_REGION],
}  # fmt: skip
_SESSION = _lines(
    {"session": 1, "jitvm": "0.1.0", "rom": "00" * 32, "args": ["a"], "files": True, "sound": True},
    {"frame": 0, "clock": [[2024, 2, 29, 12, 0, 0, 3, 60, 0]], "picture": "0" * 16},
    {"frame": 2, "events": ["key a"], "files": [[0, "read 4", 4, "61626364"]]},
    {"end": 3, "state": 0},
)
TARGETS: dict[str, Target] = {
    "session": Target((_SESSION,), _session, (SessionError,)),
    "saved": Target((_lines(_HEAD, _EVENT, _PAGE),), _saved, (SavedError,)),
    "cache": Target(
        (cache._encode("key", CachedCode(b"code", {"f": 2}))[len(cache.MAGIC) + 4 :],), _cache, ()
    ),
    "regions": Target((json.dumps(_KEPT).encode(),), _regions, ()),
    "script": Target(
        (b"frame 1\nkey a\nwait 2\ntype hello\nmouse 10 20\n", b"# none\n@3 press ctrl\n"),
        _script,
        (ScriptError,),
    ),
    "symbols": Target(
        (b"\x01\x00on-reset\0\x01\x10loop/next\0\x00\x10a\0",), _symbols, (SymbolFileError,)
    ),
    "rom": Target(
        (bytes.fromhex("a0 01 02 80 18 17 40 ff fa 60 00 03 00"),),
        _rom,
        (RomError, DisassemblyError),
    ),
    "source": Target(
        (
            b"%EMIT { #18 DEO }\n|0100 @on-reset ( -> ) #41 EMIT ;text JSR2 BRK\n"
            b"@text \"abc $2 &a !&a ,&a JMP ?{ INC }\n",
            b"|00 @System &vector $2 |0100 [ #1234 ] LIT2 -on "
            b"_main ~lib.tal =main .System/vector DEI2\n",
        ),
        _source,
        (),
    ),
    "parameters": Target(
        (b"hot=2", b"JITVM_HOT=5", b"window=4096"), _parameters, (ParameterError,)
    ),
}  # fmt: skip
