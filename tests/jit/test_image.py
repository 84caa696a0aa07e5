"""Regions of another run installed as an image: without a JIT, until one is needed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jitvm.engine.jit.shelf import Shelf
from jitvm.engine.machine import warmup
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.memory.cache import CodeCache
from jitvm.engine.memory.layout import CODE
from jitvm.engine.tables.params import Parameters
from jitvm.guest import Stop
from jitvm.guests.uxn import UXN
from tests.clock import HANGS, until
from tests.fuzz.case import Case
from tests.fuzz.judge import difference
from tests.fuzz.lab import START, Lab
from tests.jit.programs import PROGRAMS, loop
from tests.jit.rig import EAGER, SUM, has_jit, jit_of

ADDING = loop(".sum LDZ2 #0003 ADD2 .sum STZ2", times=0x4000)
EXPECTED = 0x4000 * 3 & 0xFFFF
NUMBER = 7


def made(folder: Path, params: Parameters) -> Lab:
    """A machine with devices and a code cache of its own."""
    machine = Machine(UXN, tier=Tier.JIT, cache=CodeCache(folder), params=params)
    return Lab(Tier.JIT, machine=machine)


def shelve(lab: Lab, folder: Path, params: Parameters) -> None:
    """Keep the regions of a machine that has run eagerly, as if made with other limits."""
    jit, native = jit_of(lab.machine), lab.machine.native
    assert native is not None
    jit.maker.params = params
    jit.keeper._shelf = Shelf(CodeCache(folder), UXN, NUMBER, native.handlers.key)
    jit.keeper.put()


def second(folder: Path, source: str, **params: int) -> Lab:
    """A machine that has not run, with a program that another machine of these limits has run, and
    an image of the regions that this one has left."""
    case, limits = Case(source), Parameters(polish=0, **params)
    first = made(folder, Parameters(**{**EAGER, "keep": 0}))
    first.run(case, case.rom())
    shelve(first, folder, limits)
    lab = made(folder, limits)
    lab.load(case, case.rom())
    lab.machine.defer_jit()
    return lab


def has_image(lab: Lab) -> bool:
    native = lab.machine.native
    assert native is not None
    return native.warm_up.image is not None


def run(lab: Lab) -> int:
    """Run a program of `loop` from its start; its sum."""
    lab.machine.memory[0:0x20] = bytes(0x20)
    assert lab.machine.run(START) is Stop.HALT
    return int.from_bytes(lab.machine.memory[SUM], "big")


@pytest.mark.parametrize("hot", [400, 1])
@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_do_the_same(tmp_path: Path, name: str, hot: int) -> None:
    """With a high limit nothing needs a JIT; with a low one it takes over in the middle."""
    case = Case(PROGRAMS[name])
    expected = Lab(Tier.INTERPRETER).run(case, case.rom())
    lab = second(tmp_path, case.source, hot=hot)
    lab.machine.prepare(NUMBER)
    assert not difference(expected, lab.go(case))
    for limit in (1, 100):
        budgeted = made(tmp_path, Parameters(polish=0, hot=hot))
        pieces = Case(case.source, pieces=(limit, 10 * limit))
        budgeted.load(pieces, case.rom())
        budgeted.machine.defer_jit()
        budgeted.machine.prepare(NUMBER)
        assert not difference(expected, budgeted.go(pieces))


def test_nothing_is_made_or_recorded(tmp_path: Path) -> None:
    lab = second(tmp_path, ADDING)
    lab.machine.prepare(NUMBER)
    assert has_image(lab)
    assert run(lab) == EXPECTED
    assert not has_jit(lab.machine)
    executed = lab.machine.block.view(lab.machine.layout.code_map, lab.machine.layout.size)
    assert CODE in executed.tobytes()


@pytest.mark.parametrize("unfinished", [False, True])
def test_a_jit_comes_for_what_is_to_be_compiled_thoroughly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unfinished: bool
) -> None:
    lab = second(tmp_path, ADDING)
    lab.machine.defer_jit(unfinished=unfinished)
    lab.machine.prepare(NUMBER)
    native = lab.machine.native
    assert native is not None
    assert native.warm_up.image is not None
    native.warm_up.image.milliseconds = 1000
    monkeypatch.setattr(warmup, "WORTH_FINISHING", HANGS)
    assert run(lab) == EXPECTED
    assert not has_jit(lab.machine)
    monkeypatch.setattr(warmup, "WORTH_FINISHING", 0)
    assert run(lab) == EXPECTED
    assert has_jit(lab.machine) is not unfinished


def test_a_jit_comes_where_something_else_is_hot(tmp_path: Path) -> None:
    lab = second(tmp_path, ADDING, hot=5)
    lab.machine.prepare(NUMBER)
    assert run(lab) == EXPECTED
    other = Case("|8000 #0000 @more INC2 DUP2 #8000 LTH2 ?more POP2 BRK").rom()[0x8000 - START :]
    lab.machine.memory[0x8000 : 0x8000 + len(other)] = other

    def is_there() -> bool:
        lab.machine.run(0x8000)
        return has_jit(lab.machine)

    until(is_there)
    assert jit_of(lab.machine).statistics.kept
    assert run(lab) == EXPECTED
    assert not has_image(lab)


def test_what_the_host_overwrites_is_run_no_more(tmp_path: Path) -> None:
    lab = second(tmp_path, ADDING)
    lab.machine.prepare(NUMBER)
    assert run(lab) == EXPECTED
    at = bytes(lab.machine.memory).index(b"\x00\x03", START) + 1
    lab.machine.memory[at] = 5
    lab.machine.code_written(at, 1)
    assert run(lab) == 0x4000 * 5 & 0xFFFF
    assert has_jit(lab.machine)


def test_what_the_host_writes_elsewhere_is_no_matter(tmp_path: Path) -> None:
    lab = second(tmp_path, ADDING)
    lab.machine.prepare(NUMBER)
    lab.machine.memory[0x9000] = 5
    lab.machine.code_written(0x9000, 1)
    assert run(lab) == EXPECTED
    assert not has_jit(lab.machine)


def test_an_image_knows_which_bytes_it_was_made_from(tmp_path: Path) -> None:
    lab = second(tmp_path, ADDING)
    lab.machine.prepare(NUMBER)
    assert lab.machine.native
    image = lab.machine.native.warm_up.image
    assert image is not None
    view = lab.machine.block.view(lab.machine.layout.code_map, lab.machine.layout.size)
    marked = [bool(mark & CODE) for mark in view]
    assert any(marked)
    assert [image.was_made_from(at, 1) for at in range(len(marked))] == marked
    first = marked.index(True)
    assert image.was_made_from(0, first + 1)
    assert not image.was_made_from(0, first)


def test_what_the_guest_overwrites_is_run_no_more(tmp_path: Path) -> None:
    """Once, in the middle of the loop, by a store whose address is computed."""
    changing = loop(
        ".sum LDZ2 #0003 &it ADD2 .sum STZ2 .n LDZ2 #2000 NEQ2 ?&on #05 ;&it #0001 SUB2 STA &on",
        times=0x4000,
    )
    case = Case(changing)
    expected = Lab(Tier.INTERPRETER).run(case, case.rom())
    lab = second(tmp_path, changing)
    lab.machine.prepare(NUMBER)
    assert not difference(expected, lab.go(case))


def test_a_port_that_is_connected_is_asked(tmp_path: Path) -> None:
    writing = loop("#41 #50 DEO", times=0x400)
    lab = second(tmp_path, writing)
    lab.machine.prepare(NUMBER)
    assert has_image(lab)
    seen: list[int] = []
    lab.machine.on_write(0x50, seen.append)
    run(lab)
    assert len(seen) == 0x400


@pytest.mark.parametrize("deferring", [False, True])
def test_a_run_waits_for_what_another_process_finishes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deferring: bool
) -> None:
    lab = second(tmp_path, ADDING)
    [file] = tmp_path.glob("uxn-regions-*")
    file.rename(tmp_path / "elsewhere")
    native = lab.machine.native
    assert native is not None
    native.warm_up.defers_jit = deferring
    lab.machine.prepare(NUMBER)
    shelf = Shelf(CodeCache(tmp_path), UXN, NUMBER, native.handlers.key)
    lock = shelf.begin_work(native.warm_up.given, charging=False)
    assert lock is not None
    monkeypatch.setattr(warmup, "LONGEST_WAIT", HANGS)
    assert run(lab) == EXPECTED
    (tmp_path / "elsewhere").rename(file)
    until(lambda: run(lab) == EXPECTED and (has_image(lab) or has_jit(lab.machine)))
    os.close(lock)
    assert has_image(lab) == deferring
    if not deferring:
        assert jit_of(lab.machine).statistics.kept


def test_an_image_of_nothing_counts_from_the_first_jump_on(tmp_path: Path) -> None:
    """A program that has ended before anything was compiled."""
    limits = Parameters(polish=0)
    first = made(tmp_path, limits)
    first.load(Case(ADDING), Case(ADDING).rom())
    first.machine.prepare(NUMBER)
    until(lambda: run(first) == EXPECTED and has_jit(first.machine))
    jit = jit_of(first.machine)
    jit.regions.forget_all()
    jit.keeper.put()
    lab = made(tmp_path, limits)
    lab.load(Case(ADDING), Case(ADDING).rom())
    lab.machine.defer_jit()
    lab.machine.prepare(NUMBER)
    assert has_image(lab)
    assert run(lab) == EXPECTED
    native = lab.machine.native
    assert native is not None
    assert native.mode == "jit"
    until(lambda: run(lab) == EXPECTED and has_jit(lab.machine))


def test_a_run_does_not_wait_for_ever(tmp_path: Path) -> None:
    lab = second(tmp_path, ADDING)
    [file] = tmp_path.glob("uxn-regions-*")
    file.unlink()
    lab.machine.prepare(NUMBER)
    native = lab.machine.native
    assert native is not None
    shelf = Shelf(CodeCache(tmp_path), UXN, NUMBER, native.handlers.key)
    lock = shelf.begin_work(native.warm_up.given, charging=False)
    assert lock is not None
    until(lambda: run(lab) == EXPECTED and has_jit(lab.machine))
    assert shelf.begin_work(native.warm_up.given, charging=False) is None
    assert shelf.is_at_work(native.warm_up.given, charging=False)
    os.close(lock)
    assert not shelf.is_at_work(native.warm_up.given, charging=False)


def test_what_does_not_fit_is_not_entered(tmp_path: Path) -> None:
    lab = second(tmp_path, ADDING)
    at = bytes(lab.machine.memory).index(b"\x00\x03", START) + 1
    lab.machine.memory[at] = 5
    lab.machine.prepare(NUMBER)
    assert has_image(lab)
    for _ in range(3):
        assert run(lab) == 0x4000 * 5 & 0xFFFF
    until(lambda: run(lab) == 0x4000 * 5 & 0xFFFF and has_jit(lab.machine))
    assert not jit_of(lab.machine).statistics.kept


def test_a_program_that_unpacks_itself_gets_its_image_behind_that(tmp_path: Path) -> None:
    unpacked = loop(".sum LDZ2 #0003 @adding BRK .sum STZ2", times=0x4000)
    unpacked = unpacked.replace("|0100", "|0100 [ LIT ADD2 ] ;adding STA")
    lab = second(tmp_path, unpacked)
    lab.machine.prepare(NUMBER)
    native = lab.machine.native
    assert native is not None
    assert native.warm_up.image is not None
    assert native.warm_up.image.code is None
    assert run(lab) == EXPECTED
    assert native.warm_up.image is not None
    assert native.warm_up.image.code is not None
    assert not has_jit(lab.machine)


def test_counting_takes_a_jit(tmp_path: Path) -> None:
    """Regions that do not charge are no use then."""
    lab = second(tmp_path, ADDING)
    lab.machine.prepare(NUMBER)
    lab.machine.counting = True
    assert run(lab) == EXPECTED
    reference = Lab(Tier.INTERPRETER)
    reference.load(Case(ADDING), Case(ADDING).rom())
    reference.machine.counting = True
    assert run(reference) == EXPECTED
    assert lab.machine.executed == reference.machine.executed


def test_a_listener_takes_a_jit(tmp_path: Path) -> None:
    lab = second(tmp_path, ADDING)
    lab.machine.listen(lambda _: None)
    lab.machine.prepare(NUMBER)
    assert jit_of(lab.machine).statistics.kept
