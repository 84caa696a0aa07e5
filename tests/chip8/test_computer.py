"""The computer around the machine: frames, timers, keys, picture, sound, and how a program ends."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jitvm.engine.machine.machine import Tier
from jitvm.guests.chip8 import instructions as at
from jitvm.guests.chip8.computer import Chip8Computer
from jitvm.guests.chip8.platform import PLATFORM
from jitvm.platform import ProgramError
from jitvm.platform.events import Button, KeyDown, KeyUp, Press, Release, Reset
from jitvm.platform.script import parse_script
from jitvm.testing import compare

EXAMPLES = Path(__file__).parents[2] / "examples"
LOOP = "1202"


def computer(
    code: str, *, name: str = "test.ch8", tier: str = "interpreter", **options: Any
) -> Chip8Computer:
    program = PLATFORM.program(bytes.fromhex(code), name)
    return PLATFORM.computer(program, tier=Tier(tier), **options)


def register(made: Chip8Computer, number: int) -> int:
    return made.registers[number]


# -- time ----------------------------------------------------------------------------------------


def test_timers_count_down_in_each_frame() -> None:
    made = computer("6105 F115 F118 1206")
    made.frame()
    assert [register(made, at.DELAY), register(made, at.SOUND)] == [5, 5]
    for left in (4, 3, 2, 1, 0, 0):
        made.frame()
        assert [register(made, at.DELAY), register(made, at.SOUND)] == [left, left]


def test_a_frame_has_its_share_of_instructions() -> None:
    made = computer("7001 1200", speed=10)
    for frame in range(1, 4):
        made.frame()
        assert register(made, 0) == 5 * frame


def test_drawing_waits_for_the_next_frame_where_it_does() -> None:
    code = "D001 7001 1200"
    slow, fast = computer(code), computer(code, name="test.xo8", speed=15)
    for frame in range(1, 4):
        slow.frame()
        fast.frame()
        assert register(slow, 0) == frame - 1
        assert register(fast, 0) == 5 * frame
    assert computer(code, waits=False).quirks.waits is False


# -- keys ----------------------------------------------------------------------------------------


def test_keys_are_down_until_they_go_up() -> None:
    made = computer("6105 E19E 1202 7001 1202")
    made.frame()
    assert register(made, 0) == 0
    made.frame([KeyDown("w"), KeyDown("m")])
    count = register(made, 0)
    assert count > 0
    made.frame([KeyUp("w"), KeyUp("m")])
    assert register(made, 0) <= count + 1


def test_a_key_that_is_hit_within_a_frame_is_seen() -> None:
    made = computer("6105 E19E 1202 7001 1202")
    made.frame([KeyDown("w"), KeyUp("w")])
    assert register(made, 0) > 0
    assert register(made, at.KEYS + 5) == 0


def test_pads_have_keys() -> None:
    made = computer(LOOP)
    made.frame([Press(Button.UP | Button.A)])
    assert [i for i in range(16) if register(made, at.KEYS + i)] == [5, 6]
    made.frame([Release(Button.UP)])
    assert [i for i in range(16) if register(made, at.KEYS + i)] == [6]


@pytest.mark.parametrize("tier", ["reference", "interpreter", "jit"])
def test_waiting_for_a_key_is_until_it_goes_up(tier: str) -> None:
    made = computer("F10A 7001 1202", tier=tier)
    made.frame([KeyDown("v")])
    made.frame()
    assert register(made, 0) == 0
    made.frame([KeyUp("v")])
    made.frame()
    assert register(made, 1) == 15
    assert register(made, 0) > 0


def test_a_key_let_go_of_before_anybody_waited_is_none() -> None:
    made = computer("7001 3040 1200 F10A 1208", speed=4)
    made.frame([KeyDown("v")])
    made.frame([KeyUp("v")])
    for _ in range(100):
        made.frame()
    assert register(made, at.WAITING) == 1


# -- picture and sound ---------------------------------------------------------------------------


def test_the_picture() -> None:
    made = computer("A20A 6101 6202 D121 1208 C0")
    assert not made.screen.touched
    assert made.frame().changed
    points = made.screen.points()
    assert points.shape == (32, 64)
    assert np.argwhere(points).tolist() == [[2, 1], [2, 2]]
    pixels = made.screen.pixels
    assert pixels.shape == (256, 512, 4)
    lit = (pixels != pixels[0, 0]).any(axis=2)
    assert np.argwhere(lit).min(axis=0).tolist() == [16, 8]
    assert lit.sum() == 2 * 8 * 8
    assert not made.frame().changed
    assert made.screen.changed is None


def test_a_large_picture_with_planes() -> None:
    made = computer("00FF F301 A20C 6101 6202 D121 C0 A0", name="test.xo8")
    made.frame()
    points = made.screen.points()
    assert points.shape == (64, 128)
    assert points[2, 1:4].tolist() == [3, 1, 2]
    assert len({tuple(made.screen.pixels[8, 4 * x]) for x in (0, 1, 2, 3)}) == 4


def test_the_buzzer_sounds_while_its_timer_runs() -> None:
    made = computer("6103 F118 1204")
    heard = [made.frame().sound for _ in range(5)]
    assert [sound is not None for sound in heard] == [True, True, True, False, False]
    assert heard[0] is not None
    assert heard[0].shape == (735, 2)
    assert set(np.abs(heard[0]).flat) == {6000}
    changes = np.count_nonzero(np.diff(heard[0][:, 0]))
    assert 15 <= changes <= 18  # 500 Hz: a thousand changes a second


def test_pitch_and_pattern() -> None:
    made = computer(f"A20C F002 6170 F13A F118 120A {'FF' * 8}{'00' * 8}", name="test.xo8")
    sound = made.frame().sound
    assert sound is not None
    changes = np.count_nonzero(np.diff(sound[:, 0]))
    assert changes == 2  # 8000 bits a second, of which 64 are alike: 133 in a frame


# -- ends ----------------------------------------------------------------------------------------


def test_a_program_that_jumps_to_itself_has_ended() -> None:
    made = computer("6101 F118 1204")
    assert not made.is_ended
    made.frame()
    assert not made.is_ended  # it sounds
    made.frame()
    assert made.is_ended
    assert made.exit_code == 0


def test_exit() -> None:
    made = computer("00FD", name="test.sc8")
    made.frame()
    assert made.is_ended
    assert made.exit_code == 0


def test_what_is_no_instruction_is_told() -> None:
    made = computer("6101 00FD")
    for _ in range(3):
        made.frame()
    made.close()
    assert made.is_ended
    assert made.exit_code == 1
    assert made.stderr == (
        b"test.ch8: at 0x202 is no instruction of chip-8: 00FD; try another machine\n"
    )


@pytest.mark.parametrize("how", ["call", "event"])
def test_starting_over(how: str) -> None:
    made = computer("7001 1200")
    made.frame()
    made.registers[at.STATUS] = at.ENDED
    if how == "call":
        made.reset()
        made.frame()
    else:
        made.frame([Reset()])
    assert register(made, 0) == 8
    assert made.machine.memory[at.FONT] == 0xF0


def test_programs_that_are_none() -> None:
    with pytest.raises(ProgramError, match=r"^empty\.ch8: is empty; "):
        PLATFORM.program(b"", "empty.ch8")
    with pytest.raises(ProgramError, match=r"has 4000 bytes; 3584 fit in"):
        computer("00" * 4000)
    assert computer("00" * 4000, name="test.xo8").machine.memory[0x200] == 0


# -- kinds ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options", "guest", "speed"),
    [
        ("a.ch8", {}, "chip-8", 15),
        ("A.SC8", {}, "superchip", 30),
        ("a.xo8", {}, "xo-chip", 1000),
        ("a.xo8", {"machine": "superchip"}, "superchip", 30),
        ("a.ch8", {"machine": "xochip", "speed": 7}, "xo-chip", 7),
    ],
)
def test_kinds_of_machines(name: str, options: dict[str, Any], guest: str, speed: int) -> None:
    made = computer(LOOP, name=name, **options)
    assert made.machine.guest.name == guest
    assert made.speed == speed


def test_the_seed() -> None:
    numbers = {
        seed: (
            computer("C0FF C1FF C2FF 1206", seed=seed),
            computer("C0FF C1FF C2FF 1206", seed=seed),
        )
        for seed in (1, 2)
    }
    found = {}
    for seed, pair in numbers.items():
        for made in pair:
            made.frame()
        found[seed], again = (bytes(made.registers[:3]) for made in pair)
        assert found[seed] == again
    assert found[1] != found[2]


# -- examples, at every tier ---------------------------------------------------------------------


def test_life_agrees_at_every_tier() -> None:
    compare(PLATFORM, EXAMPLES / "life.xo8.hex8", frames=3, speed=40_000)


def test_life_lives() -> None:
    made = PLATFORM.computer(
        PLATFORM.load(str(EXAMPLES / "life.xo8.hex8")), tier=Tier.JIT, speed=30_000
    )
    cells = []
    for _ in range(40):
        made.frame()
        cells.append(made.screen.points().copy())
    blinker = cells[-1][1:31, 1:63]
    assert 50 < blinker.sum() < 900
    assert any((a != b).any() for a, b in pairwise(cells[20:]))


def test_keys_agrees_at_every_tier() -> None:
    script = parse_script("3 keydown w\n9 keyup w\n", "keys.txt")
    compare(PLATFORM, EXAMPLES / "keys.hex8", frames=20, script=script)
