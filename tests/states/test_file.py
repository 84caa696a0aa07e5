"""The file of a saved state: what is refused, and how; nothing of it is trusted."""

from __future__ import annotations

import json
import os
import random
import zlib
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from jitvm.engine.machine.machine import Tier
from jitvm.guests.chip8.platform import PLATFORM as CHIP8
from jitvm.guests.uxn.assembler import assemble
from jitvm.guests.uxn.varvara import Computer
from jitvm.platform import Program
from jitvm.platform.bare import BareComputer
from jitvm.platform.device import Device, StateError
from jitvm.platform.states import file, plain, whole
from tests.toy.guest import TOY
from tests.varvara.conftest import DEVICES as CONSOLE
from tests.varvara.graphical import DEVICES

PLAYER = (
    CONSOLE
    + DEVICES
    + """
    ;on-frame .Screen/vector DEO2
    #1112 .Audio/adsr DEO2 ;wave .Audio/addr DEO2 #0004 .Audio/length DEO2
    #c9 .Audio/volume DEO #3c .Audio/pitch DEO BRK
@on-frame ( -> ) #41 .Screen/pixel DEO BRK
@wave 00 80 ff 80
"""
)


def player() -> Computer:
    rom = assemble(PLAYER, name="player.tal").rom
    return Computer(rom, tier=Tier.INTERPRETER, sandbox=None)


def saved() -> bytes:
    computer = player()
    computer.run_frames(2)
    return file.packed(computer)


def refused(data: bytes, computer: Any | None = None) -> str:
    with pytest.raises(StateError) as error:
        file.unpacked(data, computer or player())
    return str(error.value)


def signed(data: bytes) -> bytes:
    return data + sha256(data).digest()


# -- plain values --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [None, True, False, 0, -1, 1 << 200, 0.1, "", "\udc80 é", b"", bytes(range(256)),
     (), (1, (2, b"a"), None)],
)  # fmt: skip
def test_plain_values_come_back(value: Any) -> None:
    found = plain.parsed(plain.dumped(value))
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("text", [b"", b"{", b"NaN", b"[" * 100_000, b'{"base64": "a"}', b"\xff"])
def test_what_is_no_value(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        plain.parsed(text)


def test_a_device_that_keeps_something_else_is_told() -> None:
    class Odd(Device):
        def snapshot(self) -> object:
            return object()

    computer = BareComputer(Program(b"\0"), TOY, tier=Tier.REFERENCE)
    computer.devices.connect(Odd())
    with pytest.raises(StateError, match="a device keeps what cannot be saved: a object is no"):
        file.packed(computer)


# -- what is refused -----------------------------------------------------------------------------


def test_what_is_no_state() -> None:
    assert refused(b"") == refused(b"\x7fELF") == "is no saved state"


def test_another_version() -> None:
    data = saved().replace(b"jitvm state 1\n", b"jitvm state 22\n")
    assert refused(data).startswith("is a saved state of version 22, and this jitvm has 1")


@pytest.mark.parametrize("cut", [1, 32, 33, 1000])
def test_its_end_is_missing(cut: int) -> None:
    assert refused(saved()[:-cut]) == "is damaged, or its end is missing"


def test_any_byte_that_is_another_is_found() -> None:
    data, computer = saved(), player()
    choose = random.Random(4)
    for at in [*range(200), *(choose.randrange(len(data)) for _ in range(300))]:
        other = bytearray(data)
        other[at] ^= 1 << choose.randrange(8)
        refused(bytes(other), computer)


def test_another_program() -> None:
    other = Computer(assemble("|100 BRK").rom, tier=Tier.REFERENCE)
    assert "another program, <rom>, or it has changed" in refused(saved(), other)


def test_another_guest() -> None:
    chip = CHIP8.computer(CHIP8.program(b"\x12\x00", "a.ch8"), tier=Tier.REFERENCE)
    assert refused(saved(), chip) == "is a state of uxn, and the program is one of chip-8"


def test_other_options() -> None:
    program = CHIP8.program(b"\x12\x00", "a.ch8")
    first = CHIP8.computer(program, tier=Tier.REFERENCE, speed=30)
    message = refused(file.packed(first), CHIP8.computer(program, tier=Tier.REFERENCE))
    assert message == (
        "is of a run with the option speed=30, and this one has speed=15; run it with the same"
    )


def changed(data: bytes, change: Callable[[Any], Any]) -> bytes:
    """A file with another state, whose checksum is right."""
    head, about, body = data.split(b"\n", 2)
    value = json.loads(zlib.decompress(body[:-32]))
    body = zlib.compress(json.dumps(change(value)).encode())
    return signed(b"\n".join((head, about, body)))


def test_a_declaration_with_other_sizes() -> None:
    head, about, body = saved().split(b"\n", 2)
    found = json.loads(about)
    found["declaration"]["spaces"]["memory"] = 1
    data = signed(b"\n".join((head, json.dumps(found).encode(), body[:-32])))
    assert "another uxn, with memory of other sizes" in refused(data)


@pytest.mark.parametrize("about", [b"", b"[]", b"{}", b'{"guest": "uxn"}', b"\xff"])
def test_a_head_that_says_nothing(about: bytes) -> None:
    head, _, body = saved().split(b"\n", 2)
    assert refused(signed(b"\n".join((head, about, body[:-32])))).startswith("is damaged")


def test_a_bomb() -> None:
    head, about, _ = saved().split(b"\n", 2)
    body = zlib.compress(bytes(file.MAX_STATE + 1))
    message = refused(signed(b"\n".join((head, about, body))))
    assert message == "is damaged: its contents are not complete, or too long"


WRONG: list[Any] = [
    None,
    -1,
    1 << 70,
    1.5,
    "x",
    [],
    [[]],
    {},
    {"base64": ""},
    {"base64": "AAAA"},
    True,
]


def places(value: Any, path: tuple[int, ...] = ()) -> list[tuple[int, ...]]:
    found = [path]
    if isinstance(value, list):
        for index, each in enumerate(value):
            found += places(each, (*path, index))
    return found


def replaced(value: Any, path: tuple[int, ...], by: Any) -> Any:
    if not path:
        return by
    return [replaced(each, path[1:], by) if i == path[0] else each for i, each in enumerate(value)]


def test_whatever_a_state_says_the_computer_takes_it_or_is_as_it_was(tmp_path: Path) -> None:
    computer = player()
    computer.run_frames(2)
    state = json.loads(plain.dumped(whole.take(computer)))
    good = plain.parsed(json.dumps(state).encode())
    outcomes, choose = set(), random.Random(1)
    for path in places(state):
        for wrong in choose.sample(WRONG, 4):
            text = json.dumps(replaced(state, path, wrong)).encode()
            try:
                whole.put(computer, plain.parsed(text))
                outcomes.add("taken")
            except (StateError, ValueError):
                outcomes.add("refused")
            else:
                computer.run_frames(1, max_instructions=10_000)
            whole.put(computer, good)
    assert outcomes == {"taken", "refused"}
    computer.run_frames(3)
    undisturbed = player()
    undisturbed.run_frames(5)
    assert computer.screen.pixels.tobytes() == undisturbed.screen.pixels.tobytes()
    path_of = tmp_path / "bad.state"
    path_of.write_bytes(changed(saved(), lambda state: replaced(state, (0, 4), 1 << 20)))
    before = whole.take(computer)
    with pytest.raises(StateError, match=r"bad\.state: does not fit uxn: pc is a whole number"):
        file.load(str(path_of), computer)
    assert whole.take(computer) == before


# -- files ---------------------------------------------------------------------------------------


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "none", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(StateError, match=f"{path}: cannot be read: {why}"):
            file.read(str(path), player())


def test_a_file_is_replaced_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.state"
    computer = player()
    file.write(str(path), computer)
    before = path.read_bytes()

    def fails(*_names: object) -> None:
        raise OSError(28, "No space left on device")

    computer.run_frames(1)
    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(OSError, match="No space"):
        file.write(str(path), computer)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.state"]
