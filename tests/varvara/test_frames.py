"""The frame loop: what runs in a frame, in which order, and how it stops."""

from __future__ import annotations

import pickle
import signal
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from jitvm.engine.machine.machine import Tier
from jitvm.engine.tables.params import Parameters
from jitvm.guests.uxn.assembler import assemble
from jitvm.guests.uxn.varvara import Computer, Ending, LimitReached
from jitvm.guests.uxn.varvara.program import RomError
from jitvm.platform import events
from jitvm.platform.events import Button
from jitvm.platform.frames import Frame
from jitvm.platform.recording.hashes import FrameHashes
from jitvm.platform.script import Script, parse_script
from tests.clock import HANGS, until
from tests.interrupting import is_native
from tests.varvara.conftest import DEVICES as CONSOLE_DEVICES
from tests.varvara.graphical import CONTROLLER_LOG, DEVICES, WALKER

Make = Callable[..., Computer]

ORDER = (
    DEVICES
    + """
    LIT "r say ;on-frame .Screen/vector DEO2 ;on-key .Controller/vector DEO2
    ;on-mouse .Mouse/vector DEO2 ;on-console .Console/vector DEO2 BRK
@on-frame LIT "f say BRK
@on-key .Controller/key DEI say BRK
@on-mouse LIT "m say BRK
@on-console .Console/read DEI say BRK
@say .Console/write DEO JMP2r
"""
)
"""Writes a letter for each vector."""


def test_order_of_vectors(make: Make) -> None:
    computer = make(ORDER, args=("x",))
    text, stdin = events.Text("ab"), events.Stdin(b"in")
    computer.frame([events.Move(1, 1), text, stdin, events.MouseDown(1), events.EndOfInput()])
    assert computer.stdout == b"rx\nmabinm\0f"
    computer.frame()
    computer.frame([events.Key(65)])
    assert computer.stdout[11:] == b"fAf"


def test_frames_are_counted_from_one(make: Make) -> None:
    computer = make(ORDER)
    assert [computer.frame().number for _ in range(3)] == [1, 2, 3]
    assert computer.run_frames(2) is Ending.FRAMES
    assert computer.frames.number == 5
    assert computer.stdout == b"rfffff"


def test_what_is_no_event_is_refused_before_anything_is_done(make: Make) -> None:
    computer = make(ORDER)
    with pytest.raises(TypeError, match="'press A' is no event"):
        computer.frame([events.Key(0x61), "press A"])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="count is a whole number from 0, not -1"):
        computer.run_frames(-1)
    assert computer.stdout == b""
    computer.frame()
    assert computer.stdout == b"rf"


def test_a_script_is_followed_across_runs(make: Make) -> None:
    computer = make(ORDER)
    script = parse_script('1 key a\n2 text "bc"\n2 move 1 1\n5 key d\n9 key e')
    assert computer.run_frames(3, script) is Ending.FRAMES
    assert computer.run_frames(3, script) is Ending.FRAMES
    assert computer.stdout == b"rafbcmfffdff"


@pytest.mark.parametrize(
    ("source", "is_graphical"),
    [
        ("BRK", False),
        (";on .Console/vector DEO2 BRK @on BRK", False),
        (";on .Screen/vector DEO2 BRK @on BRK", True),
        ("#0080 .Screen/width DEO2 BRK", True),
        ("#41 .Screen/pixel DEO BRK", True),
        ("#1234 .Screen/x DEO2 BRK", False),
        (";on .Controller/vector DEO2 BRK @on BRK", True),
        (";on .Mouse/vector DEO2 BRK @on BRK", True),
        ("#3c .Audio/pitch DEO BRK", False),
    ],
)
def test_which_programs_are_graphical(make: Make, source: str, is_graphical: bool) -> None:
    computer = make(DEVICES + source)
    computer.boot()
    assert computer.is_graphical is is_graphical


# -- the end -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "frames", "output"),
    [
        # in the reset vector: no frame at all
        ('#85 .System/state DEO ;on .Screen/vector DEO2 BRK @on LIT "f #18 DEO BRK', 0, b""),
        # in the screen vector of the first frame
        (';on .Screen/vector DEO2 BRK @on #85 .System/state DEO LIT "f #18 DEO BRK', 1, b"f"),
        # at the first of two keys: neither the second nor the screen vector
        (
            """;on .Screen/vector DEO2 ;key .Controller/vector DEO2 BRK
            @on LIT "f #18 DEO BRK @key #85 .System/state DEO .Controller/key DEI #18 DEO BRK""",
            1,
            b"a",
        ),
    ],
)
def test_the_program_ends_after_the_vector_that_says_so(
    make: Make, source: str, frames: int, output: bytes
) -> None:
    computer = make(DEVICES + source)
    assert computer.run_frames(9, parse_script('1 text "ab"')) is Ending.EXIT
    assert (computer.frames.number, computer.stdout, computer.exit_code) == (frames, output, 5)


def test_pictures_that_nobody_looks_at_are_not_composed(make: Make) -> None:
    both = [make(WALKER, clock=_noon) for _ in range(2)]
    both[1].frames.picture = False
    seen, unseen = ([computer.frame() for _ in range(3)] for computer in both)
    assert any(frame.changed for frame in seen)
    assert not any(frame.changed for frame in unseen)
    assert both[1].screen.dirty is not None
    assert both[1].screen.compose()
    assert both[0].screen.hash() == both[1].screen.hash()


def test_the_last_frame_shows_what_was_drawn(make: Make) -> None:
    computer = make(
        DEVICES
        + """#ffff .System/r DEO2 ;on .Screen/vector DEO2 BRK
        @on #81 .System/state DEO #01 .Screen/pixel DEO BRK"""
    )
    shown: list[Frame] = []
    computer.run_frames(5, on_frame=shown.append)
    assert [frame.changed for frame in shown] == [True]
    assert computer.screen.pixels.shape == (320, 512, 4)


def test_release_is_seen_by_the_program(make: Make) -> None:
    computer = make(CONTROLLER_LOG)
    computer.run_frames(5, parse_script("1 press A left\n3 release left"))
    assert computer.stdout[::5] == b"\x41\x01"
    computer.frame([events.Release(Button.A)])
    assert computer.stdout[::5] == b"\x41\x01\x00"


def test_without_a_screen_nothing_changes(make: Make) -> None:
    computer = make(CONTROLLER_LOG)
    assert computer.frame([events.Press(Button.A)]) == Frame(1, changed=False, sound=None)


# -- limits --------------------------------------------------------------------------------------

SPIN = (
    DEVICES
    + """
    ;on-frame .Screen/vector DEO2 ;on-key .Controller/vector DEO2 BRK
@on-frame LIT "f .Console/write DEO BRK
@on-key ( counts to the key )
    #00 &loop INC DUP .Controller/key DEI NEQ ?&loop POP
    LIT "k .Console/write DEO BRK
"""
)


def test_a_budget_stops_exactly_and_the_frame_goes_on(make: Make) -> None:
    whole = make(SPIN)
    script = parse_script('2 text "Az"\n3 key B')
    whole.machine.counting = True
    whole.run_frames(4, script)
    total = whole.machine.executed
    assert whole.stdout == b"fkkfkff"
    stopped = make(SPIN)
    endings, counts = [], []
    while stopped.frames.number < 4:
        count = 4 - stopped.frames.number
        endings.append(stopped.run_frames(count, script, max_instructions=37))
        counts.append(stopped.machine.executed)
    assert endings[:-1] == [Ending.INSTRUCTIONS] * (total // 37)
    assert counts[:-1] == [37 * n for n in range(1, len(counts))]
    assert (stopped.stdout, stopped.machine.executed) == (whole.stdout, total)
    assert stopped.machine.page[0x83] == 0


@pytest.mark.parametrize("tier", [Tier.JIT, Tier.IR])
def test_frames_with_a_limit_are_executed_in_regions(tier: Tier) -> None:
    source = (
        DEVICES
        + """
        ;on-frame .Screen/vector DEO2 BRK
        @on-frame #0000 &loop INC2 DUP2 #0200 NEQ2 ?&loop POP2 BRK"""
    )
    rom, params = assemble(source).rom, Parameters(hot=1, window=256, background=0)
    pair = Computer(rom, tier=Tier.INTERPRETER), Computer(rom, tier=tier, params=params)
    for limit in (20_000, 1, 0, 997, 2048, 5000, 3, 10_001):
        told = []
        for computer in pair:
            ending = computer.run_frames(max_instructions=limit)
            told.append((ending, computer.machine.state.pc, computer.frames.number))
        assert told[0] == told[1]
        assert pair[0].machine.executed == pair[1].machine.executed
    jit = pair[1].machine.jit
    assert jit is not None
    assert jit.regions.executed > pair[1].machine.executed / 2


def test_events_wait_while_a_frame_is_unfinished(make: Make) -> None:
    computer = make(SPIN)
    with pytest.raises(LimitReached), computer.limited(max_instructions=100):
        computer.frame([events.Key(200)])
    assert computer.frames.is_unfinished
    assert computer.frame([events.Key(1)]).number == 1
    assert computer.stdout == b"kf"
    assert computer.frame([events.Key(2)]).number == 2
    assert computer.stdout == b"kfkkf"


def test_a_stopped_reset_vector_goes_on_with_the_arguments(make: Make) -> None:
    computer = make(ORDER, args=("ab",))
    for _ in range(20):
        assert computer.run_frames(0, max_instructions=1) is not Ending.EXIT
    assert computer.frame().number == 1
    assert computer.stdout == b"rab\nf"


@pytest.mark.parametrize("source", ["&l !&l", "BRK"])
def test_the_time_limit_stops_a_long_vector_and_idle_frames(make: Make, source: str) -> None:
    computer = make(DEVICES + ";on .Screen/vector DEO2 BRK @on " + source)
    begin = time.monotonic()
    assert computer.run_frames(time_limit=0.1) is Ending.TIME
    assert time.monotonic() - begin > 0.09


BY_ITSELF = (
    DEVICES
    + """
    ;on-frame .Screen/vector DEO2 BRK
    @on-frame ;count LDA2k INC2 SWP2 STA2 LIT "f say
        ;count LDA2 DUP2 #0007 NEQ2 ?{ ;other .Screen/vector DEO2 }
        #0030 NEQ2 ?{ #80 .System/state DEO } BRK
    @other ;count LDA2k INC2 SWP2 STA2 LIT "o say
        ;count LDA2 DUP2 #0015 NEQ2 ?{ ;on-frame .Screen/vector DEO2 }
        DUP2 #000c NEQ2 ?{ ;on-console .Console/vector DEO2 }
        #0011 NEQ2 ?{ ;tone .Audio/addr DEO2 #0008 .Audio/length DEO2 #1111 .Audio/adsr DEO2
            #ff .Audio/volume DEO ;on-note .Audio/vector DEO2 #3c .Audio/pitch DEO } BRK
    @on-note LIT "n say BRK
    @on-console .Console/read DEI say BRK
    @say .Console/write DEO JMP2r
    @count $2 @tone 0080 ff80 0080 ff80
"""
)
"""Its vectors change, and it listens, plays a note and ends when its time has come."""


def test_frames_are_the_same_one_by_one(make: Make) -> None:
    """Those that nobody looks at run several at a time, but for what has to come in between."""
    several, single = make(BY_ITSELF), make(BY_ITSELF)
    begun = []
    repeat = several.evaluator.repeat

    def counted(vector_port: int, times: int) -> None:
        repeat(vector_port, times)
        begun.append(several.machine.begun)

    several.evaluator.repeat = counted  # type: ignore[method-assign]
    assert several.run_frames(20) is Ending.FRAMES
    while single.frames.number < 20:
        single.frame()
    assert several.stdout == single.stdout
    assert several.machine.snapshot() == single.machine.snapshot()
    assert (several.audio.render(735) == single.audio.render(735)).all()
    assert max(begun) > 1
    assert several.run_frames() is Ending.EXIT
    while not single.is_ended:
        single.frame()
    assert several.stdout == single.stdout
    assert b"n" in single.stdout
    assert several.frames.number == single.frames.number
    assert several.machine.snapshot() == single.machine.snapshot()


@pytest.mark.parametrize("tier", [Tier.JIT, Tier.IR])
def test_compiled_frames_stop_for_what_has_to_come_in_between(tier: Tier) -> None:
    """A note that begins in the middle of a batch of frames, all in one region."""
    source = (
        DEVICES
        + """
    ;on-frame .Screen/vector DEO2 BRK
    @on-frame #0000 &loop INC2 DUP2 #0040 NEQ2 ?&loop POP2
        ;count LDA2k INC2 SWP2 STA2 ;count LDA2 #01ff AND2 #0111 EQU2 ?play BRK
    @play #1111 .Audio/adsr DEO2 ;tone .Audio/addr DEO2 #0008 .Audio/length DEO2
        #ff .Audio/volume DEO ;on-note .Audio/vector DEO2 #3c .Audio/pitch DEO
        ;count LDA2 #0200 LTH2 ?{ #80 .System/state DEO } BRK
    @on-note ;count LDA2 SWP .Console/write DEO .Console/write DEO BRK
    @count $2 @tone 0080 ff80 0080 ff80"""
    )
    rom, params = (
        assemble(CONSOLE_DEVICES + source).rom,
        Parameters(hot=1, window=256, background=0),
    )
    computer, single = Computer(rom, tier=tier, params=params), Computer(rom, tier=Tier.INTERPRETER)
    assert computer.run_frames() is Ending.EXIT
    while not single.is_ended:
        single.frame()
    assert computer.frames.number == single.frames.number == 0x311
    assert computer.stdout == single.stdout
    assert len(single.stdout) == 2


def test_a_limit_stops_one_of_several_frames(make: Make) -> None:
    several, single = make(BY_ITSELF), make(BY_ITSELF)
    for limit in (1000, 1, 0, 7, 200, 150, 150, 150):
        told = []
        for computer, on_frame in ((several, None), (single, lambda _: None)):
            ending = computer.run_frames(max_instructions=limit, on_frame=on_frame)
            state = computer.machine.state
            told.append((ending, computer.frames.number, state.pc, computer.frames.is_unfinished))
        assert told[0] == told[1]
        assert several.stdout == single.stdout


def test_somebody_who_observes_frames_sees_each(make: Make) -> None:
    computer, seen = make(BY_ITSELF), []

    class Observer:
        def begin(self, number: int, events: tuple[events.Event, ...]) -> None:
            assert not events
            seen.append(number)

        def end(self, frame: Frame) -> None:
            seen.append(frame.number)

    computer.frames.observer = Observer()
    computer.run_frames(8)
    assert seen == [number for number in range(1, 9) for _ in range(2)]


def test_limits_within_limits_are_refused(make: Make) -> None:
    computer = make(ORDER)
    with computer.limited(time_limit=HANGS):
        assert computer.run_frames(1) is Ending.FRAMES
        with pytest.raises(ValueError, match="inside of another's limits"):
            computer.run_frames(1, max_instructions=5)
    assert computer.run_frames(1, max_instructions=500) is Ending.FRAMES


def test_ctrl_c_leaves_a_frame_that_can_go_on() -> None:
    computer = _spinning()

    def interrupt() -> None:
        until(lambda: computer.frames.is_unfinished and is_native(computer.machine))
        signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        computer.run_frames()
    thread.join()
    assert computer.frames.is_unfinished
    computer.machine.memory[0] = 1
    computer.machine.code_written(0, 1)
    assert computer.frame().number == 1
    assert computer.stdout == b"f"


def _spinning() -> Computer:
    """A computer whose screen vector waits until the host puts 1 at address 0."""
    source = ';on .Screen/vector DEO2 BRK @on &l #00 LDZ ?{ !&l } LIT "f #18 DEO BRK'
    return Computer(assemble(DEVICES + source).rom, tier=Tier.JIT)


# -- reset ---------------------------------------------------------------------------------------


def test_reset_as_an_event(make: Make) -> None:
    computer = make(
        DEVICES
        + """
        ( hard or soft: the zero page tells )
        #00 LDZ LIT "0 ADD .Console/write DEO #01 #00 STZ
        ;on .Controller/vector DEO2 BRK
        @on .Controller/key DEI .Console/write DEO BRK"""
    )
    a, b, c = map(events.Text, "abc")
    computer.frame([a, events.Reset(), b, events.Reset(soft=True), c])
    assert computer.stdout == b"0a0b1c"
    assert computer.frames.number == 1


def test_reset_clears_every_device(make: Make) -> None:
    computer = make(WALKER)
    computer.frame([events.Key(60), events.Press(Button.A)])
    computer.reset()
    assert (computer.controller.vector, computer.mouse.vector, computer.screen.vector) == (0, 0, 0)
    assert (computer.screen.width, computer.screen.height) == (512, 320)
    assert not computer.audio.active
    computer.frame()
    assert computer.screen.width == 64


def test_after_a_reset_there_are_no_arguments(make: Make) -> None:
    computer = make(ORDER, args=("a",))
    computer.frame()
    computer.reset()
    computer.frame()
    assert computer.stdout == b"ra\nf" + b"rf"


def test_reset_drops_an_unfinished_frame(make: Make) -> None:
    computer = make(SPIN)
    with pytest.raises(LimitReached), computer.limited(max_instructions=100):
        computer.frame([events.Key(200), events.Key(201)])
    computer.reset()
    computer.frame()
    assert computer.stdout == b"f"


# -- another program -----------------------------------------------------------------------------

SECOND = (
    DEVICES
    + """
    ( the zero page, bank 1, and whether there are arguments )
    #00 LDZ LIT "0 ADD .Console/write DEO
    ;copy .System/expansion DEO2 ;byte LDA LIT "0 ADD .Console/write DEO
    .Console/type DEI LIT "0 ADD .Console/write DEO
    ;on-console .Console/vector DEO2 BRK
@on-console .Console/read DEI .Console/write DEO BRK
@copy 01 0001 0001 8000 0000 =byte @byte 00
"""
)
"""Writes what an earlier program may have left, then its arguments."""

LEAVER = (
    DEVICES
    + """
    #07 #00 STZ ;fill .System/expansion DEO2 #01 .Screen/pixel DEO
    ;on-frame .Screen/vector DEO2 ;on-frame .Console/vector DEO2 BRK
@on-frame BRK
@fill 00 0001 0001 8000 09
"""
)
"""Leaves something in the zero page, in bank 1 and on the screen."""


def test_another_program_finds_a_new_computer_and_its_arguments(make: Make) -> None:
    computer = make(LEAVER, args=("x", "y"))
    computer.frame()
    computer.load(assemble(CONSOLE_DEVICES + SECOND).rom)
    assert computer.frame().number == 2
    assert computer.stdout == b"001x\ny\n"
    assert computer.screen.vector == 0
    assert not computer.screen.layer(0).any()


def test_another_program_in_the_middle_of_a_vector(make: Make) -> None:
    computer = make(SPIN, args=("x",))
    with pytest.raises(LimitReached), computer.limited(max_instructions=100):
        computer.frame([events.Key(200), events.Key(201)])
    computer.load(assemble(CONSOLE_DEVICES + ORDER).rom)
    computer.frame()
    assert computer.stdout == b"rx\nf"


def test_a_program_that_cannot_be_loaded_leaves_the_other_alone(make: Make) -> None:
    computer = make(ORDER)
    computer.frame()
    with pytest.raises(RomError, match="empty"):
        computer.load(b"")
    computer.frame()
    assert computer.stdout == b"rff"


EVERYTHING = (
    DEVICES
    + """
    #0040 .Screen/width DEO2 #0030 .Screen/height DEO2 #0f0f .System/r DEO2 #00ff .System/g DEO2
    #0020 .Screen/x DEO2 #cd .Screen/pixel DEO
    ;fill .System/expansion DEO2
    ;in .File/name DEO2 #0001 .File/length DEO2
    ;on-frame .Screen/vector DEO2 ;on-key .Controller/vector DEO2 ;on-mouse .Mouse/vector DEO2 BRK
@on-frame ( -> )
    .Screen/x DEI2 INC2 #003f AND2 DUP2 .Screen/x DEO2 .Screen/y DEO2 #02 .Screen/pixel DEO BRK
@on-key ( -> )
    .Controller/key DEI ?{ BRK }
    #1112 .Audio/adsr DEO2 ;wave .Audio/addr DEO2 #0004 .Audio/length DEO2
    #c9 .Audio/volume DEO ;on-note .Audio/vector DEO2 .Controller/key DEI .Audio/pitch DEO BRK
@on-note ( -> )
    #41 .Screen/pixel DEO BRK
@on-mouse ( -> )
    ;on-mouse/byte .File/read DEO2 [ LIT &byte 00 ] .Screen/pixel DEO BRK
@fill 00 0010 0003 0040 7f @in "in.txt 00 @wave 00 80 ff 80
"""
)
"""Draws, fills a bank, names a file that it reads later, plays notes and draws when they end."""


def test_a_snapshot_goes_on_in_another_computer(make: Make, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_bytes(b"\xb1")

    def goes_on(computer: Computer) -> list[tuple[bytes, bytes]]:
        told = []
        for number in range(24):
            frame = computer.frame([events.MouseDown(1)] if number == 2 else [])
            sound = b"" if frame.sound is None else frame.sound.tobytes()
            told.append((sound, computer.screen.pixels.tobytes()))
        return told

    first, second, third = make(EVERYTHING), make(EVERYTHING), make(EVERYTHING)
    first.run_frames(3)
    first.frame([events.Key(0x30)])
    snapshot = first.snapshot()
    expected = goes_on(first)
    after = first.machine.snapshot()
    assert sum(any(sound) for sound, _ in expected) == 19, "the note ends in the meantime"
    third.run_frames(2)
    third.frame([events.Key(0x3C)])
    for computer in (second, third, first):
        computer.restore(pickle.loads(pickle.dumps(snapshot)))
        assert computer.banks.read(3, 0x40, 16) == bytes([0x7F] * 16)
        assert goes_on(computer) == expected
        assert computer.machine.snapshot().spaces == after.spaces


@pytest.mark.parametrize("draw", ["", "#01 .Screen/pixel DEO"])
def test_a_snapshot_holds_half_of_a_size(make: Make, draw: str) -> None:
    source = DEVICES + draw + " #00 .Screen/width DEO ;on .Screen/vector DEO2 BRK @on BRK"
    first, second = make(source), make(source)
    first.run_frames(1)
    second.restore(first.snapshot())
    for computer in (first, second):
        computer.machine.state.ports.write(0x23, 0x40)
        assert computer.screen.width == 0x40


def test_a_snapshot_from_before_the_reset_vector(make: Make) -> None:
    computer, other = make(WALKER), make(WALKER)
    before = computer.snapshot()
    computer.run_frames(3)
    other.restore(before)
    computer.restore(before)
    for each in (computer, other):
        assert each.frame().changed
        assert each.machine.page[0x21]


# -- sound ---------------------------------------------------------------------------------------


def test_notes_sound_and_tell_when_they_end(make: Make) -> None:
    computer = make(WALKER)
    sounding = []
    computer.run_frames(
        9, parse_script("2 key 0x3c"), on_frame=lambda f: sounding.append(f.sound is not None)
    )
    # A release of a fifteenth of a second: 2940 samples, four frames of 735.
    assert sounding == [False, True, True, True, True, False, False, False, False]
    assert computer.stdout == b"n"


def test_frames_hold_735_samples(make: Make) -> None:
    sound = make(WALKER).frame([events.Key(60)]).sound
    assert sound is not None
    assert (sound.shape, str(sound.dtype)) == ((735, 2), "int16")
    assert sound.any()


def test_without_sound_time_stands_still_for_notes(make: Make) -> None:
    computer = make(WALKER)
    computer.frames.sound = False
    assert all(computer.frame([events.Key(60)]).sound is None for _ in range(9))
    assert computer.stdout == b""


# -- hashes --------------------------------------------------------------------------------------


def test_hash_lines_are_the_same_at_every_tier(make: Make) -> None:
    script = parse_script("2 press right\n4 release right\n5 key 0x3c\n9 move 30 20\n12 key q")
    assert _lines(make(WALKER, clock=_noon), script) == _lines(_reference(), script)


def test_hash_lines_tell_frames_apart() -> None:
    lines = _lines(_reference(), parse_script("3 key 0x3c"))
    numbers, pictures, sounds = zip(*(line.split() for line in lines), strict=True)
    assert numbers == tuple(str(n) for n in range(1, 21))
    assert len(set(pictures)) == 20
    assert sounds[:2] == ("-", "-")
    assert "-" not in sounds[2:6]


def test_hash_lines_of_a_program_without_a_screen(make: Make) -> None:
    computer = make(CONTROLLER_LOG)
    assert FrameHashes(computer.screen).line(computer.frame()) == "1 - -"


def _reference() -> Computer:
    rom = assemble(CONSOLE_DEVICES + WALKER).rom
    return Computer(rom, tier=Tier.INTERPRETER, sandbox=None, clock=_noon)


def _noon() -> datetime:
    return datetime(2024, 2, 29, 12, 0, 30)


def _lines(computer: Computer, script: Script) -> list[str]:
    hashes, lines = FrameHashes(computer.screen), list[str]()
    computer.run_frames(20, script, on_frame=lambda frame: lines.append(hashes.line(frame)))
    return lines
