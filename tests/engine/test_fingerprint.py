"""Kept code is found by what it was made from, whatever a guest is called."""

from __future__ import annotations

import enum
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from jitvm import Core, DescriptionError, Guest, Machine, Opcode, Space, Stack, Tier
from jitvm.engine.memory import fingerprint
from jitvm.engine.memory.cache import CodeCache
from jitvm.engine.memory.cachefolder import TAG
from jitvm.guests.uxn import UXN
from tests.clock import HANGS

ROOT = Path(__file__).parents[2]
NATIVE = (Tier.INTERPRETER, Tier.JIT, Tier.IR)
PROGRAM = bytes([2, 9, 2, 5, 1, 0])
"""literal 9, literal 5, the operation, halt"""


def halt(core: Core) -> None:
    core.halt()


def literal(core: Core) -> None:
    core.push(0, core.operand(0, 1), 1)


def calculator(operation: Any, **changes: Any) -> Guest:
    """A guest with one opcode of interest, always of one name."""
    named: dict[int, tuple[Any, int]] = {1: (operation, 0), 2: (literal, 1)}
    rows = tuple(Opcode(code, f"op{code:02x}", *named.get(code, (halt, 0))) for code in range(256))
    declared: dict[str, Any] = {
        "name": "calculator",
        "opcodes": rows,
        "spaces": (Space("memory", 65536, code=True),),
        "stacks": (Stack("stack", 256),),
    }
    return Guest(**{**declared, **changes})


def result(guest: Guest, tier: Tier, cache: CodeCache | None) -> int:
    machine = Machine(guest, tier=tier, cache=cache)
    machine.memory[: len(PROGRAM)] = PROGRAM
    machine.run(0)
    return int(machine.state.stacks[0][0])


def binary(function: Any) -> Any:
    """An opcode of two operands by a closure: one source, many meanings."""

    def operation(core: Core) -> None:
        b, a = core.pop(0, 1), core.pop(0, 1)
        core.push(0, function(a, b), 1)

    return operation


def defaulted(core: Core, by: int = 3) -> None:
    b, a = core.pop(0, 1), core.pop(0, 1)
    core.push(0, a + b + by, 1)


def with_default(by: int) -> Any:
    def operation(core: Core, by: int = by) -> None:
        defaulted(core, by)

    return operation


class Member(enum.IntEnum):
    """Its name is the same in each of the classes that are made of it."""

    BY = 1


def enumerated(value: int) -> Any:
    Kind = enum.IntEnum("Kind", {"BY": value})
    return binary(lambda a, b: a + b + Kind.BY)


class Unit:
    """Operations as methods, with what they work by in the object."""

    def __init__(self, by: int) -> None:
        self.by = by

    def __call__(self, core: Core) -> None:
        defaulted(core, self.by)

    def method(self, core: Core) -> None:
        defaulted(core, self.by)


BY = 1


def by_global(core: Core) -> None:
    defaulted(core, BY)


MEANINGS: dict[str, tuple[Any, Any, int, int]] = {
    "closures": (binary(lambda a, b: a + b), binary(lambda a, b: a - b), 14, 4),
    "defaults": (with_default(1), with_default(2), 15, 16),
    "partial": (partial(defaulted, by=1), partial(defaulted, by=2), 15, 16),
    "methods": (Unit(1).method, Unit(2).method, 15, 16),
    "callables": (Unit(1), Unit(2), 15, 16),
    "enumerations": (enumerated(1), enumerated(2), 15, 16),
    "constants": (binary(lambda a, b: a + b + 1), binary(lambda a, b: a + b + 2), 15, 16),
}


@pytest.mark.parametrize("tier", NATIVE)
@pytest.mark.parametrize("kind", MEANINGS)
def test_guests_of_one_name_do_not_share_code(kind: str, tier: Tier, tmp_path: Path) -> None:
    one, other, first, second = MEANINGS[kind]
    cache = CodeCache(tmp_path)
    assert result(calculator(one), tier, cache) == first
    assert result(calculator(other), tier, cache) == second
    assert result(calculator(one), tier, cache) == first
    assert len(cache.entries()) == 2  # and each was found again


def test_a_global_that_changes_is_followed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cache = CodeCache(tmp_path)
    assert result(calculator(by_global), Tier.INTERPRETER, cache) == 15
    monkeypatch.setattr(sys.modules[__name__], "BY", 5)
    assert result(calculator(by_global), Tier.INTERPRETER, cache) == 19


DECLARATIONS: dict[str, dict[str, Any]] = {
    "byte order": {"byte_order": "little"},
    "width": {"word_bits": 64},
    "ports": {"ports": 256},
    "version": {"version": "2"},
    "stack": {"stacks": (Stack("stack", 128),)},
    "links": {"stacks": (Stack("stack", 256, return_addresses=True),)},
    "cached": {"stacks": (Stack("stack", 256, cached=(1,)),)},
    "spaces": {"spaces": (Space("memory", 65536, code=True), Space("more", 16))},
    "order": {"spaces": (Space("more", 16), Space("memory", 65536, code=True))},
    "counter": {"spaces": (Space("memory", 1 << 17, code=True),), "pc_bits": 17},
    "name": {"name": "another"},
}


@pytest.mark.parametrize("kind", DECLARATIONS)
def test_the_whole_declaration_counts(kind: str) -> None:
    operation = binary(lambda a, b: a + b)
    plain = fingerprint.stamp(calculator(operation))
    assert plain == fingerprint.stamp(calculator(operation))
    assert plain is not None
    assert fingerprint.stamp(calculator(operation, **DECLARATIONS[kind])) != plain


def test_operand_sizes_and_names_of_rows_count() -> None:
    guest = calculator(binary(lambda a, b: a + b))
    stamps = {fingerprint.stamp(guest)}
    for changed in (Opcode(7, "op07", halt, 3), Opcode(7, "another", halt)):
        rows = (*guest.opcodes[:7], changed, *guest.opcodes[8:])
        stamps.add(fingerprint.stamp(calculator(halt, opcodes=rows)))
    assert len(stamps) == 3


def test_sources_stand_for_the_meaning_of_a_shipped_guest(tmp_path: Path) -> None:
    source = tmp_path / "semantics.py"
    source.write_text("1")
    guest = calculator(halt)
    guest.sources = (str(source),)
    before = fingerprint.stamp(guest)
    assert before is not None
    assert str(source) in before
    times = source.stat().st_mtime_ns, source.stat().st_mtime_ns
    source.write_text("2")
    os.utime(source, ns=times)  # as if nothing had happened
    assert fingerprint.stamp(guest) != before
    source.unlink()
    assert fingerprint.stamp(guest) is None


def test_rows_of_a_shipped_guest_in_another_are_known_by_what_they_do() -> None:
    rows = list(UXN.opcodes)
    rows[0x18] = Opcode(0x18, "ADD", UXN.by_name["SUB"].semantics)
    other = Guest(UXN.name, tuple(rows), UXN.spaces, UXN.stacks, UXN.ports)
    same = Guest(UXN.name, UXN.opcodes, UXN.spaces, UXN.stacks, UXN.ports)
    assert not other.sources
    assert fingerprint.stamp(other) != fingerprint.stamp(same) != fingerprint.stamp(UXN)


def test_functions_that_change_while_they_are_used_leave_no_false_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cache, module = CodeCache(tmp_path), sys.modules[__name__]
    guest = calculator(by_global)
    assert result(guest, Tier.REFERENCE, cache) == 15
    monkeypatch.setattr(module, "BY", 5)
    result(guest, Tier.INTERPRETER, cache)
    monkeypatch.setattr(module, "BY", 1)
    assert result(calculator(by_global), Tier.INTERPRETER, cache) == 15


def test_every_source_of_the_engine_counts() -> None:
    stamp = fingerprint.stamp(UXN)
    assert stamp is not None
    files = [
        path for folder in ("engine", "guest") for path in (ROOT / "jitvm" / folder).rglob("*.py")
    ]
    assert len(files) > 60
    files += [ROOT / "jitvm/guests/uxn/instructions.py", ROOT / "jitvm/guests/uxn/encoding.py"]
    for path in files:
        assert repr(str(path)) in stamp
    for part in ("llvmlite", os.uname().machine):
        assert part in stamp


@pytest.mark.parametrize(
    "name", ["../../x", "my/vm", "..", "a" * 500, "\N{SNOWMAN}", "c:\\vm", "a b", "-rf", "con"]
)
def test_a_name_is_never_a_path(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b" / "cache"
    guest = calculator(binary(lambda a, b: a - b), name=name)
    assert result(guest, Tier.INTERPRETER, CodeCache(folder)) == 4
    assert len(CodeCache(folder).entries()) == 1
    everything = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != TAG]
    assert [path.parent for path in everything] == [folder]
    again = calculator(binary(lambda a, b: a - b), name=name)
    assert result(again, Tier.INTERPRETER, CodeCache(folder)) == 4
    assert len(CodeCache(folder).entries()) == 1


def test_names_that_look_alike_in_a_file_name_are_kept_apart(tmp_path: Path) -> None:
    cache = CodeCache(tmp_path)
    for _ in range(2):
        assert result(calculator(binary(lambda a, b: a + b), name="a/b"), Tier.JIT, cache) == 14
        assert result(calculator(binary(lambda a, b: a - b), name="a.b"), Tier.JIT, cache) == 4
    assert len(cache.entries()) == 2


@pytest.mark.parametrize("tier", [Tier.REFERENCE, *NATIVE])
def test_a_mistake_is_found_with_a_warm_cache(tier: Tier, tmp_path: Path) -> None:
    cache = CodeCache(tmp_path)
    right = calculator(binary(lambda a, b: a + b))
    result(right, Tier.INTERPRETER, cache)
    for _ in range(2):
        wrong = calculator(binary(lambda a, b: a // b))
        with pytest.raises(DescriptionError, match="guest calculator, opcode 0x01 op01"):
            Machine(wrong, tier=tier, cache=cache)


VM = """
import sys
from jitvm import Guest, Machine, Opcode, Space, Stack, Tier
import alu
def op(o): b, a = o.pop(0, 1), o.pop(0, 1); o.push(0, alu.combine(a, b), 1)
def late(o):
    from alu import combine
    b, a = o.pop(0, 1), o.pop(0, 1); o.push(0, combine(a, b), 1)
def halt(o): o.halt()
def lit(o): o.push(0, o.operand(0, 1), 1)
for operation in (op, late):
    sem = {1: (operation, 0), 2: (lit, 1)}
    rows = tuple(Opcode(c, f"op{c:02x}", *sem.get(c, (halt, 0))) for c in range(256))
    guest = Guest("calc", rows, (Space("mem", 65536, code=True),), (Stack("s", 256),))
    for tier in ("reference", "interpreter", "jit"):
        machine = Machine(guest, tier=Tier(tier))
        machine.memory[:6] = bytes([2, 9, 2, 5, 1, 0])
        machine.run(0)
        print(machine.state.stacks[0][0], end=" ")
"""


def test_helpers_of_a_description_are_followed(tmp_path: Path) -> None:
    (tmp_path / "vm.py").write_text(VM)
    environment = {
        **os.environ, "JITVM_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    for sign, expected in (("-", 4), ("+", 14), ("-", 4), ("|", 13)):
        (tmp_path / "alu.py").write_text(f"def combine(a, b): return a {sign} b\n")
        done = subprocess.run(
            [sys.executable, "vm.py"],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=HANGS,
            check=True,
        )  # fmt: skip
        assert done.stdout.split() == [str(expected)] * 6
