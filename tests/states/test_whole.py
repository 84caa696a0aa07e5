"""A run that is saved at any instruction and gone on with elsewhere ends as an undisturbed one."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from jitvm.engine.machine.machine import Tier
from jitvm.guest import Guest, Opcode, Space
from jitvm.guests.chip8.platform import PLATFORM as CHIP8
from jitvm.guests.uxn.assembler import assemble
from jitvm.guests.uxn.varvara import Computer
from jitvm.platform import Program
from jitvm.platform.bare import BareComputer
from jitvm.platform.device import StateError
from jitvm.platform.evaluator import LimitReached
from jitvm.platform.script import parse_script
from jitvm.platform.states import file, whole
from tests.platform.test_device import Adder
from tests.toy.guest import TOY
from tests.toy.guest import assemble as assemble_toy
from tests.varvara.conftest import DEVICES as CONSOLE
from tests.varvara.graphical import DEVICES

TIERS = [Tier.INTERPRETER, Tier.JIT, Tier.REFERENCE]

ECHO = """|0100 ;on #10 DEO2 #1718 DEO LIT "R #18 DEO BRK
@on #17 DEI #30 ADD #18 DEO #12 DEI DUP #18 DEO INC #18 DEO BRK"""
STDIN = b"xyz\n"

SCREEN = (
    CONSOLE
    + DEVICES
    + """
    ;on-frame .Screen/vector DEO2 ;on-key .Controller/vector DEO2 ;on-mouse .Mouse/vector DEO2
    ;in .File/name DEO2 #0001 .File/length DEO2
    #0123 .System/r DEO2 #4567 .System/g DEO2 #89ab .System/b DEO2
    #0020 DUP2 .Screen/width DEO2 .Screen/height DEO2
    ;fill .System/expansion DEO2 BRK
@on-frame ( -> )
    .Screen/x DEI2 INC2 .Screen/x DEO2 #41 .Screen/pixel DEO
    ;&byte .File/read DEO2 [ LIT &byte 00 ] .Console/write DEO BRK
@on-key ( -> )
    .Controller/button DEI .Console/write DEO
    .Controller/key DEI ?{ BRK }
    #1112 .Audio/adsr DEO2 ;wave .Audio/addr DEO2 #0004 .Audio/length DEO2
    #c9 .Audio/volume DEO ;on-note .Audio/vector DEO2 .Controller/key DEI .Audio/pitch DEO BRK
@on-note ( -> )
    LIT "n .Console/write DEO #42 .Screen/pixel DEO BRK
@on-mouse ( -> )
    .Mouse/y DEI2 .Screen/y DEO2 .Mouse/state DEI .Console/write DEO
    .Mouse/scrolly DEI2 .Console/write DEO POP BRK
@fill 00 0010 0003 0040 7f @in "in.txt 00 @wave 00 80 ff 80
"""
)
SCRIPT = parse_script(
    """
2 press left A
2 text "0b"
3 move 4 9
3 down 1
4 wheel 0 2
5 release left
9 up 1
"""
)
FRAMES = 13

CHIP = bytes.fromhex("C0FF F00A F029 D005 6209 F218 7101 8100 F107 1206")


class Live:
    """A program on computers of its own, which are run for so many instructions."""

    def __init__(self, make: Callable[[Tier], Any], go: Callable[[Any, int | None], Any]) -> None:
        self.make = make
        self.go = go

    def outcome(self, computer: Any) -> tuple[Any, ...]:
        machine = computer.machine
        picture = computer.screen.pixels.tobytes() if computer.is_graphical else b""
        frames = computer.frames.number if computer.is_graphical else 0
        devices = computer.devices.snapshot()
        state = machine.state
        live = [
            bytes(stack[:pointer])
            for stack, pointer in zip(state.stacks, state.pointers, strict=True)
        ]
        spaces = [bytes(space) for space in state.spaces]
        return spaces, live, bytes(machine.page), state.pc, devices, frames, picture


def check(live: Live, points: Callable[[int], Iterable[int]]) -> None:
    """Save after so many instructions, and go on at another tier."""
    undisturbed = live.make(Tier.INTERPRETER)
    undisturbed.machine.counting = True
    live.go(undisturbed, None)
    expected = live.outcome(undisturbed)
    for number in points(undisturbed.machine.executed):
        first, second = live.make(TIERS[number % 3]), live.make(TIERS[number // 3 % 3])
        live.go(first, number)
        saved = file.unpacked(file.packed(first), second)
        whole.put(second, saved.state)
        live.go(second, None)
        assert first.stdout + second.stdout == undisturbed.stdout, number
        assert live.outcome(second) == expected, number


def test_console_programs() -> None:
    rom = assemble(ECHO, name="echo.tal").rom
    stdin = io.BytesIO()

    def make(tier: Tier) -> Computer:
        return Computer(rom, args=("ab", "c"), tier=tier)

    def go(computer: Computer, budget: int | None) -> None:
        if not computer.machine.executed and not computer.own_state()[0][1]:
            stdin.seek(0)
            stdin.truncate()
            stdin.write(STDIN)
            stdin.seek(0)
        with computer.limited(max_instructions=budget) as watch:
            from jitvm.platform.input import open_source

            computer._live(open_source(stdin), watch)

    check(Live(make, go), range)


def frames(computer: Any, budget: int | None) -> None:
    script = SCRIPT if isinstance(computer, Computer) else KEYS
    with computer.limited(max_instructions=budget):
        try:
            while computer.frames.number < FRAMES:
                unfinished = computer.frames.is_unfinished
                events = () if unfinished else script.at(computer.frames.number + 1)
                computer.frame(events)
        except LimitReached:
            return


def test_programs_with_a_screen(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(bytes(range(65, 91)))
    rom = assemble(SCREEN, name="screen.tal").rom

    def make(tier: Tier) -> Computer:
        return Computer(rom, tier=tier, sandbox=tmp_path)

    check(Live(make, frames), lambda total: range(0, total + 1, 7))


def test_frames_that_nobody_looks_at(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(bytes(range(65, 91)))
    rom = assemble(SCREEN, name="screen.tal").rom

    def make(tier: Tier) -> Computer:
        return Computer(rom, tier=tier, sandbox=tmp_path)

    def go(computer: Computer, budget: int | None) -> None:
        computer.run_frames(FRAMES - computer.frames.number, max_instructions=budget)

    check(Live(make, go), lambda total: range(0, total + 1, 11))


KEYS = parse_script("2 keydown q\n3 keyup q\n7 keydown x\n7 keyup x\n8 press A\n9 release A")


def test_programs_that_get_shares_of_instructions() -> None:
    program = CHIP8.program(CHIP, "a.ch8")

    def make(tier: Tier) -> Any:
        return CHIP8.computer(program, tier=tier, speed=15)

    check(Live(make, frames), lambda total: range(0, total + 1, 5))


def test_a_bare_guest() -> None:
    program = Program(assemble_toy("li r1 65\nout r1 1\nli r1 66\nout r1 1\nhalt"))

    def go(computer: BareComputer, budget: int | None) -> None:
        computer.run_console(max_instructions=budget)

    check(Live(lambda tier: BareComputer(program, TOY, output=1, tier=tier), go), range)


def test_devices_of_other_packages() -> None:
    program = Program(assemble_toy("li r1 30\nout r1 2\nout r1 2\nin r2 3\nout r2 1\nhalt"))

    def go(computer: Adder, budget: int | None) -> None:
        computer.run_console(max_instructions=budget)

    check(Live(lambda tier: Adder(program, tier=tier), go), range)


def test_memory_of_others_cannot_be_saved() -> None:
    spaces = (Space("code", 0x10000, code=True), Space("seen", 0x10000, window=True))
    opcodes = tuple(Opcode(code, f"halt{code}", lambda core: core.halt()) for code in range(256))
    guest = Guest("windowed", opcodes, spaces)
    computer = BareComputer(Program(b"\0"), guest, tier=Tier.REFERENCE)
    with pytest.raises(StateError, match="windowed cannot be saved: seen is not its own"):
        whole.take(computer)


# -- files of programs ---------------------------------------------------------------------------

WRITER = (
    CONSOLE
    + """
    ;name .File/name DEO2 #0002 .File/length DEO2
    #0004 &loop ;data .File/write DEO2 ;data LDA INC ;data STA INC2k POP2 #0001 SUB2 DUP2 ?&loop BRK
@name "out.txt 00 @data "ab
"""
)
APPENDER = WRITER.replace(";name .File", "#01 .File/append DEO ;name .File", 1)
LISTER = (
    CONSOLE
    + """
    ;name .File/name DEO2 #0010 .File/length DEO2
    #0004 &loop ;data .File/read DEO2 ;data &show LDAk .Console/write DEO INC2 LDAk ?&show POP2
    #00 ;data STA #0001 SUB2 DUP2 ?&loop BRK
@name ". 00 @data $20
"""
)


@pytest.mark.parametrize(("source", "before"), [(WRITER, b"longer than that"), (APPENDER, b"!")])
def test_files_that_are_written_go_on(tmp_path: Path, source: str, before: bytes) -> None:
    path = tmp_path / "out.txt"
    rom = assemble(source, name="writer.tal").rom

    def make(tier: Tier) -> Computer:
        return Computer(rom, tier=tier, sandbox=tmp_path)

    path.write_bytes(before)
    undisturbed = make(Tier.INTERPRETER)
    undisturbed.machine.counting = True
    undisturbed.run_console()
    expected = path.read_bytes()
    for number in range(undisturbed.machine.executed):
        path.write_bytes(before)
        first, second = make(Tier.INTERPRETER), make(Tier.JIT)
        saved = tmp_path / "a.state"
        first.run_console(max_instructions=number, on_end=partial(file.write, str(saved), first))
        file.load(str(saved), second)
        second.run_console()
        assert path.read_bytes() == expected, number


def test_folders_are_read_on(tmp_path: Path) -> None:
    for name in ("a", "b", "c", "d"):
        (tmp_path / name).write_bytes(b"12")
    rom = assemble(LISTER, name="lister.tal").rom

    def go(computer: Computer, budget: int | None) -> None:
        with computer.limited(max_instructions=budget):
            try:
                computer.boot()
            except LimitReached:
                return

    def make(tier: Tier) -> Computer:
        return Computer(rom, tier=tier, sandbox=tmp_path)

    check(Live(make, go), lambda total: range(0, total + 1, 7))


def saved_while_open(tmp_path: Path, source: str) -> tuple[bytes, Computer]:
    (tmp_path / "in.txt").write_bytes(b"abcdef")
    (tmp_path / "out.txt").write_bytes(b"")
    first, second = (
        Computer(assemble(source, name="open.tal").rom, tier=Tier.INTERPRETER, sandbox=tmp_path)
        for _ in range(2)
    )
    if source is SCREEN:
        first.run_frames(3)
    else:
        first.boot()
    return file.packed(first), second


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    data, second = saved_while_open(tmp_path, SCREEN)
    (tmp_path / "in.txt").unlink()
    path = tmp_path / "a.state"
    path.write_bytes(data)
    before = second.machine.snapshot()
    with pytest.raises(StateError, match=r"in\.txt was open, and cannot be opened again: No such"):
        file.load(str(path), second)
    assert second.machine.snapshot() == before, "it is as it was"
    assert second.own_state()[0] == ((), 0, False)


def test_a_file_that_has_become_shorter_is_told(tmp_path: Path) -> None:
    data, second = saved_while_open(tmp_path, WRITER)
    (tmp_path / "out.txt").write_bytes(b"a")
    with pytest.raises(StateError, match=r"out\.txt was open.*shorter"):
        whole.put(second, file.unpacked(data, second).state)


def test_a_program_without_files_takes_no_state_with_one(tmp_path: Path) -> None:
    data, second = saved_while_open(tmp_path, WRITER)
    second = Computer(second.rom, tier=Tier.INTERPRETER, sandbox=None)
    with pytest.raises(StateError, match="the program has no files now"):
        whole.put(second, file.unpacked(data, second).state)


# -- keys that are down --------------------------------------------------------------------------


def test_keys_that_are_down_can_be_let_go(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(b"")
    rom = assemble(SCREEN, name="screen.tal").rom
    computer = Computer(rom, tier=Tier.INTERPRETER, sandbox=tmp_path)
    computer.run_frames(4, SCRIPT)
    assert [computer.machine.page[port] for port in (0x82, 0x96)] == [0x41, 1]
    computer.frame(computer.held)
    assert [computer.machine.page[port] for port in (0x82, 0x96)] == [0, 0]
    assert not computer.held
    chip = CHIP8.computer(CHIP8.program(CHIP, "a.ch8"), tier=Tier.INTERPRETER)
    chip.run_frames(2, KEYS)
    assert len(chip.held) == 1
    chip.frame(chip.held)
    assert not chip.held
