"""Regions kept between runs: a program that was hot once is native within milliseconds of its next
start.

What one run compiled is one file of the code cache (`jitvm.engine.memory.cache`), under a key that
names the guest, jitvm's own sources, LLVM, the processor, the parameters, whether regions charge,
and the program's bytes before its first instruction. The file holds the machine code of all
regions, one after another, and JSON with what the engine has to know about them:

    code of region | code of region | ... | JSON

A region is installed only if the bytes it was made from are in memory, just like one that was
compiled a moment ago: the program may have changed itself since.

What was learned is kept with them (edges, rewritten opcodes, variables), so that a region that has
to be formed again is no worse than before.
"""

from __future__ import annotations

from collections import Counter

from jitvm.engine.ir.graph import Graph
from jitvm.engine.jit.compiled import Compiled
from jitvm.engine.memory.cache import CachedCode
from jitvm.engine.memory.fingerprint import stamp
from jitvm.engine.memory.layout import EXITS, MOST_EXITS, REGIONS
from jitvm.engine.region.region import Region
from jitvm.engine.region.world import Assumptions
from jitvm.engine.tables.reasons import Reason
from jitvm.engine.tables.struct import Struct, fresh

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from jitvm.engine.memory.cache import CodeCache
    from jitvm.engine.tables.params import Parameters
    from jitvm.guest import Guest

FORMAT = 3
MOST = 1 << 63
"""Above every count."""


class Learned(Struct):
    """What recordings and invalidations have told about a program.

    Attributes:
        edges: how often control went from one address to another.
        opcodes: how often an address was executed as which opcode.
        written: addresses the guest writes, whose bytes are not baked in.
        aliased: addresses that stores through computed addresses hit.
    """

    edges: dict[int, Counter[int]] = fresh(dict)
    opcodes: dict[int, Counter[int]] = fresh(dict)
    written: set[int] = fresh(set)
    aliased: set[int] = fresh(set)

    def travel(self, pc: int) -> int:
        """How often an instruction was seen while recording; readable from any thread."""
        return sum(list(self.edges.get(pc, {}).values()))


class Kept(Struct):
    """All that is kept of a run.

    Attributes:
        regions: each with whether its full compilation is done.
        ports: numbers of ports with readers, with writers, collected: what regions were made for.
        charging: whether regions count instructions.
        next_exit, next_counter: the first exit counter and counter of instructions that none uses.
        no_headroom: starts whose entry must not ask for stack.
    """

    regions: list[tuple[Compiled, bool]]
    learned: Learned
    ports: list[list[int]]
    charging: bool
    next_exit: int
    next_counter: int
    no_headroom: list[int]


def encode(kept: Kept) -> CachedCode:
    """As a file of the code cache holds it."""
    import json

    learned = kept.learned
    about = {
        "format": FORMAT,
        "ports": kept.ports,
        "charging": kept.charging,
        "next_exit": kept.next_exit,
        "next_counter": kept.next_counter,
        "no_headroom": kept.no_headroom,
        "edges": _plain(learned.edges),
        "opcodes": _plain(learned.opcodes),
        "written": sorted(learned.written),
        "aliased": sorted(learned.aliased),
        "regions": [_encode_region(*region) for region in kept.regions],
    }
    code = b"".join(compiled.machine_code for compiled, _ in kept.regions)
    return CachedCode(code + json.dumps(about).encode(), {"about": len(code)})


def decode(code: CachedCode, space: int) -> Kept | None:
    """What a file holds; None where it is not what `encode` writes.

    A right checksum says nothing about the numbers: those that are used to reach memory are looked
    at one by one.

    Args:
        code: the file.
        space: bytes of the guest's code space.
    """
    try:
        return _decode(code, space)
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def ports_of(*ports: Iterable[int]) -> list[list[int]]:
    """Sets of ports as `Kept.ports` has them."""
    return [sorted(each) for each in ports]


def _plain(counts: dict[int, Counter[int]]) -> dict[str, list[tuple[int, int]]]:
    return {str(pc): list(followers.items()) for pc, followers in counts.items()}


def _number(value: Any, below: int) -> int:
    """A whole number from 0 on.

    Raises:
        ValueError: it is none, or too large.
    """
    if type(value) is not int or not 0 <= value < below:
        raise ValueError(f"{value!r} is no number below {below}")
    return value


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError(f"{value!r} is neither true nor false")
    return value


def _list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise ValueError("a list is none")
    return value


def _numbers(values: Any, below: int) -> list[int]:
    return [_number(value, below) for value in _list(values)]


def _pairs(pairs: Any, below: int, values_below: int) -> dict[int, int]:
    return {_number(key, below): _number(value, values_below) for key, value in _list(pairs)}


def _counted(plain: dict[str, Any], space: int, to_below: int) -> dict[int, Counter[int]]:
    return {
        _number(int(pc), space): Counter(_pairs(followers, to_below, MOST))
        for pc, followers in plain.items()
    }


def _encode_region(compiled: Compiled, is_full: bool) -> dict[str, Any]:
    region = compiled.region
    return {
        "start": region.start,
        "size": len(compiled.machine_code),
        "is_full": is_full,
        "exits": compiled.exits,
        "first_exit": compiled.first_exit,
        "counter": compiled.counter,
        "entries": list(compiled.entries.items()),
        "edges": {str(pc): sorted(to) for pc, to in compiled.edges.items()},
        "nodes": list(region.nodes.items()),
        "limits": {reason.name: travel for reason, travel in region.limits.items()},
        "code": list(region.assumptions.code.items()),
        "cells": sorted(region.assumptions.cells),
        "stores": sorted(region.assumptions.stores),
    }


def _decode(code: CachedCode, space: int) -> Kept | None:
    import json

    end = code.symbols["about"]
    about = json.loads(code.machine_code[end:])
    if about["format"] != FORMAT:
        return None
    regions, at = [], 0
    for row in about["regions"]:
        size = _number(row["size"], end - at + 1)
        compiled = _decode_region(row, code.machine_code[at : at + size], space)
        regions.append((compiled, _flag(row["is_full"])))
        at += size
    if at != end:
        raise ValueError("there is code of no region in the file")
    if len({compiled.region.start for compiled, _ in regions}) < len(regions):
        raise ValueError("two regions have one start")
    learned = Learned(
        _counted(about["edges"], space, space),
        _counted(about["opcodes"], space, 256),
        set(_numbers(about["written"], space)),
        set(_numbers(about["aliased"], space)),
    )
    return Kept(
        regions,
        learned,
        [_numbers(ports, MOST) for ports in _list(about["ports"])],
        _flag(about["charging"]),
        _number(about["next_exit"], EXITS - MOST_EXITS),
        _number(about["next_counter"], REGIONS),
        _numbers(about["no_headroom"], space),
    )


def _decode_region(row: dict[str, Any], machine_code: bytes, space: int) -> Compiled:
    if not machine_code:
        raise ValueError("a region has no code")
    start = _number(row["start"], space)
    exits = [
        (Reason[name].name, pc if pc is None else _number(pc, space))
        for name, pc in _list(row["exits"])
    ]
    region = Region(
        start,
        Graph(32, f"region {start:04x}, kept"),
        Assumptions(
            _pairs(row["code"], space, 256),
            set(_numbers(row["cells"], space)),
            set(_numbers(row["stores"], space)),
        ),
        nodes=_pairs(row["nodes"], space, MOST),
        limits={Reason[name]: _number(travel, MOST) for name, travel in row["limits"].items()},
    )
    return Compiled(
        region,
        machine_code,
        exits=exits,
        edges={
            _number(int(pc), space): frozenset(_numbers(to, space))
            for pc, to in row["edges"].items()
        },
        first_exit=_number(row["first_exit"], EXITS - len(exits) + 1),
        seconds=(0.0, 0.0, 0.0),
        epoch=0,
        counter=_number(row["counter"], REGIONS),
        entries=_pairs(row["entries"], space, len(machine_code)),
    )


class Shelf:
    """Where the regions of one program are kept between runs.

    Args:
        cache: the code cache.
        guest: the bytecode.
        program: what tells the program from others: a checksum of its bytes.
    """

    def __init__(self, cache: CodeCache, guest: Guest, program: int) -> None:
        self._cache = cache
        self._guest = guest
        self._program = program
        self._kind = f"{guest.name}-regions"
        self._stamp = stamp(guest)

    def _key(self, params: Parameters, *, charging: bool) -> str | None:
        if self._stamp is None:
            return None
        kind = "charging" if charging else "free"
        return f"{self._program:08x}\n{kind}\n{params}\n{self._stamp}"

    def load(self, params: Parameters, *, charging: bool) -> Kept | None:
        """What is kept for the program, of regions that charge or of those that do not; or None."""
        key = self._key(params, charging=charging)
        code = None if key is None else self._cache.load(self._kind, key)
        if key is None or code is None:
            return None
        kept = decode(code, self._guest.code_space.size)
        if kept is None:
            self._cache.report_damaged(self._kind, key)
        return kept

    def store(self, params: Parameters, kept: Kept) -> None:
        """Keep regions in the place of what was kept before, unless the guest has changed since."""
        key = self._key(params, charging=kept.charging)
        if key is not None and stamp(self._guest) == self._stamp:
            self._cache.store(self._kind, key, encode(kept))
