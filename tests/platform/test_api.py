"""The Python API for any guest: load, run, profile, explain, dashboard."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.request import HTTPCookieProcessor, build_opener

import pytest

import jitvm
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.engine.tables.params import Parameters
from tests.clock import HANGS, until
from tests.toy.guest import FACTORIAL, TOY, assemble

LOOP = assemble("""
        li   r2  0x7fff
outer:  li   r1  0
inner:  addi r1  1
        bne  r1  r2  inner
        jmp  outer
""")
UXN_LOOP = "|0100 @main #0000 &loop INC2 DUP2 #ffff NEQ2 ?&loop POP2 !main"
ENDING_LOOP = UXN_LOOP.replace("!main", "BRK")


def looped() -> Machine:
    """A machine of the toy guest that has run a hot loop for a while."""
    params = Parameters(hot=100, background=0, keep_text=1)
    machine = Machine(TOY, tier=Tier.JIT, params=params)
    machine.memory[: len(LOOP)] = LOOP
    machine.run(0, max_instructions=1_000_000)
    return machine


def test_run_with_a_guest_its_name_and_its_platform() -> None:
    code = assemble(FACTORIAL)
    bare = jitvm.BarePlatform(TOY, output=1)
    assert jitvm.run(code, guest=TOY, output=1).stdout == b"3628800"
    assert jitvm.run(code, guest="tests.toy.guest:TOY", output=1).stdout == b"3628800"
    result = jitvm.run(code, guest=bare, tier=Tier.REFERENCE)
    assert (result.stdout, result.ending) == (b"3628800", jitvm.Ending.EXIT)


def test_load_by_the_name_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(assemble(FACTORIAL))
    computer = jitvm.load(path, guest=TOY)
    assert computer.name == str(path)
    with jitvm.profile(computer, mode="exact") as profile:
        computer.run_console()
    assert profile.instructions
    assert profile.title == str(path)


def test_a_guest_can_say_where_its_programs_begin() -> None:
    class Guest(jitvm.Guest):
        origin = 0x200
        output = 1

    guest = Guest("moved", TOY.opcodes, TOY.spaces, ports=256, word_bits=64, byte_order="little")
    result = jitvm.run(assemble(FACTORIAL, 0x200), guest=guest)
    assert (result.stdout, result.computer.machine.memory[0]) == (b"3628800", 0)


def test_what_is_wrong() -> None:
    with pytest.raises(jitvm.GuestError, match="there is no guest nope"):
        jitvm.run(b"\0", guest="nope")
    with pytest.raises(jitvm.GuestError, match="is a int; name a Guest or a Platform"):
        jitvm.run(b"\0", guest=3)  # type: ignore[arg-type]
    with pytest.raises(jitvm.ProgramError, match="do not fit"):
        jitvm.run(bytes(70000), guest=TOY)


# -- explain -------------------------------------------------------------------------------------


def test_explain_a_machine() -> None:
    explanation = jitvm.explain(looped())
    assert explanation.region is not None
    assert explanation.absence is None
    text = str(explanation)
    assert text.startswith("region at 00")
    for stage in ("guest", "exits", "ir", "llvm", "asm"):
        assert f"-- {stage} ---" in text
    assert "addi 01 01 00" in text
    assert "define internal" in explanation.texts()["llvm"]
    assert explanation.as_dict()["start"] == explanation.region.start


def test_explain_says_why_there_is_nothing() -> None:
    explanation = jitvm.explain(looped(), 0x4000)
    assert explanation.region is None
    assert str(explanation).startswith("4000 (0x4000) is not native: it was not executed")
    assert explanation.as_dict()["native"] is False
    machine = Machine(TOY, tier=Tier.JIT, params=Parameters(background=0))
    machine.run(0)
    assert str(jitvm.explain(machine)).startswith("no region: no place in it was jumped to")


def test_explain_runs_a_program(tmp_path: Path) -> None:
    path = tmp_path / "loop.tal"
    path.write_text(ENDING_LOOP)
    explanation = jitvm.explain(path, "main/loop", stages=["guest"], time_limit=HANGS)
    assert "INC2" in str(explanation)
    assert "@main/loop" in explanation.texts()["guest"]
    toy = tmp_path / "loop.toy"
    toy.write_bytes(LOOP[:-4] + assemble("halt"))
    assert jitvm.explain(toy, guest=TOY, time_limit=HANGS).regions


def test_explain_runs_no_longer_than_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "loop.tal"
    path.write_text(UXN_LOOP)
    assert jitvm.explain(path, time_limit=0.05) is not None


def test_explain_a_computer_of_uxn() -> None:
    rom = jitvm.assemble(UXN_LOOP).rom
    computer = jitvm.load(rom, params=Parameters(hot=100, background=0))
    computer.run_console(max_instructions=1_000_000)
    texts = jitvm.explain(computer).texts()
    assert "INC2" in texts["guest"]
    assert texts["llvm"] == texts["asm"] == "not kept; run it with the parameter keep_text=1\n"


def test_explain_spells_as_the_platform_of_the_program() -> None:
    class Spelling(jitvm.BarePlatform):
        def spell(
            self, memory: Sequence[int], address: int, program: jitvm.Program
        ) -> tuple[str, int]:
            return f"{program.name} at {address}: {memory[address]}", 4

    params = Parameters(hot=100, background=0)
    computer = jitvm.load(LOOP, guest=Spelling(TOY), params=params)
    computer.run_console(max_instructions=1_000_000)
    assert "<program> at 8: " in jitvm.explain(computer).texts()["guest"]


def test_what_cannot_be_explained() -> None:
    with pytest.raises(ValueError, match=r"has no JIT yet; make it with tier=Tier\.JIT"):
        jitvm.explain(Machine(TOY))
    with pytest.raises(ValueError, match="nowhere is neither a label"):
        jitvm.explain(looped(), "nowhere")
    with pytest.raises(ValueError, match="there is no stage bytes"):
        jitvm.explain(looped(), stages=["bytes"])


# -- dashboard -----------------------------------------------------------------------------------


def page(url: str) -> bytes:
    """What a server answers to a browser."""
    with build_opener(HTTPCookieProcessor()).open(url) as answer:
        data: bytes = answer.read()
    return data


def test_a_program_on_the_dashboard(tmp_path: Path) -> None:
    pytest.importorskip("starlette")
    path = tmp_path / "loop.toy"
    path.write_bytes(LOOP)
    with jitvm.dashboard(path, guest=TOY, params=Parameters(hot=100)) as shown:
        assert b"<html" in page(shown.url)
        session = shown.session
        assert session is not None
        until(lambda: session.sampler.run is not None and session.sampler.run.regions.rows)
        assert "iframe" in shown._repr_html_()
    shown.close()


def test_a_machine_on_the_dashboard_runs_on_and_starts_over() -> None:
    pytest.importorskip("starlette")
    calls: list[int] = []
    machine = Machine(TOY, tier=Tier.JIT)
    code = assemble("li r1 7\nout r1 1\nhalt")
    machine.memory[: len(code)] = code
    machine.on_write(1, calls.append)
    with jitvm.dashboard(machine) as shown:
        session = shown.session
        assert session is not None
        until(lambda: session.runner.activity == "ended")
        assert calls == [7]
        session.command({"do": "restart"})
        until(lambda: len(calls) == 2 and session.runner.activity == "ended")
    assert machine.state.ports.writers[1] == calls.append, "devices have their functions again"
    assert machine.run(0) is jitvm.Stop.HALT


def test_a_machine_without_a_jit_has_no_dashboard() -> None:
    pytest.importorskip("starlette")
    with pytest.raises(ValueError, match="has no JIT to look at"):
        jitvm.dashboard(Machine(TOY))
