"""The System ports: expansion, stack pointers, metadata, palette, debug."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitvm.engine.machine.machine import Machine, Tier
from jitvm.guests.uxn import UXN
from jitvm.guests.uxn.varvara import Computer
from jitvm.guests.uxn.varvara.banks import Banks

Make = Callable[..., Computer]


def command(*words: int) -> bytes:
    """A command's bytes: its number, then shorts."""
    return bytes([words[0]]) + b"".join(word.to_bytes(2, "big") for word in words[1:])


# -- expansion -----------------------------------------------------------------------------------


class NaiveBanks:
    """Sixteen banks and the three commands, a byte at a time, as the specification tells them."""

    def __init__(self) -> None:
        self.banks = [bytearray((7 * i + 13 * b) & 0xFF for i in range(0x10000)) for b in range(3)]

    def fill(self, bank: int, address: int, size: int, value: int) -> None:
        for i in range(size):
            self.banks[bank][(address + i) & 0xFFFF] = value

    def copy(self, source: tuple[int, int], target: tuple[int, int], order: list[int]) -> None:
        for i in order:
            byte = self.banks[source[0]][(source[1] + i) & 0xFFFF]
            self.banks[target[0]][(target[1] + i) & 0xFFFF] = byte


addresses = st.one_of(
    st.integers(0, 0xFFFF), st.integers(0x8000, 0x8010), st.sampled_from([0, 1, 0xFFFE, 0xFFFF])
)
sizes = st.one_of(st.integers(0, 40), st.integers(0, 40), st.sampled_from([0x8000, 0xFFFF]))
places = st.tuples(st.integers(0, 2), addresses)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["fill", "up", "down"]), places, places, sizes)
def test_bulk_commands_equal_the_naive_loop(
    kind: str, source: tuple[int, int], target: tuple[int, int], size: int
) -> None:
    naive = NaiveBanks()
    banks = Banks(Machine(UXN, tier=Tier.REFERENCE))
    for bank, content in enumerate(naive.banks):
        banks.write(bank, 0, bytes(content))
    if kind == "fill":
        naive.fill(*target, size, 0xA5)
        banks.fill(*target, size, 0xA5)
    elif kind == "up":
        naive.copy(source, target, list(range(size)))
        banks.copy_up(source, target, size)
    else:
        naive.copy(source, target, list(reversed(range(size))))
        banks.copy_down(source, target, size)
    for bank, content in enumerate(naive.banks):
        assert banks.read(bank, 0, 0x10000) == content


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        # fill 4 bytes with 'x'
        ([command(0, 4, 0, 0x8001) + b"x"], b"axxxxfgh"),
        # copy up and down without overlap
        ([command(1, 3, 0, 0x8000, 0, 0x8004)], b"abcdabch"),
        ([command(2, 3, 0, 0x8000, 0, 0x8004)], b"abcdabch"),
        # overlapping: the first byte smears upward, the last one downward
        ([command(1, 5, 0, 0x8000, 0, 0x8001)], b"aaaaaagh"),
        ([command(2, 5, 0, 0x8000, 0, 0x8001)], b"aabcdegh"),
        ([command(2, 5, 0, 0x8001, 0, 0x8000)], b"ffffffgh"),
        # through another bank and back
        ([command(1, 4, 0, 0x8000, 9, 0xFFFE), command(1, 4, 9, 0xFFFE, 0, 0x8004)], b"abcdabcd"),
        # nothing
        ([command(0, 0, 0, 0x8000) + b"x"], b"abcdefgh"),
        ([command(0, 4, 16, 0x8000) + b"x"], b"abcdefgh"),
        ([command(1, 4, 16, 0, 0, 0x8000)], b"abcdefgh"),
        ([command(1, 4, 0, 0, 0x100, 0x8000)], b"abcdefgh"),
    ],
)
def test_expansion_commands(make: Make, blocks: list[bytes], expected: bytes) -> None:
    calls = "".join(f";block-{i} .System/expansion DEO2 " for i in range(len(blocks)))
    data = "".join(f"@block-{i} {block.hex(' ')} " for i, block in enumerate(blocks))
    computer = make(calls + "BRK " + data)
    computer.machine.memory[0x8000:0x8008] = b"abcdefgh"
    computer.start()
    assert bytes(computer.machine.memory[0x8000:0x8008]) == expected


def test_a_command_block_may_wrap(make: Make) -> None:
    computer = make("#fffd .System/expansion DEO2 BRK")
    computer.machine.memory[0xFFFD:] = command(0, 3, 0, 0x8000)[:3]
    computer.machine.memory[:5] = (command(0, 3, 0, 0x8000) + b"w")[3:]
    computer.start()
    assert bytes(computer.machine.memory[0x8000:0x8004]) == b"www\0"


def test_an_unknown_command_is_told_and_does_nothing(make: Make) -> None:
    computer = make(";block .System/expansion DEO2 BRK @block 03 00 01 00 00 80 00 78")
    computer.run_console()
    assert computer.stderr == b"Unknown command: 03\n"
    assert not computer.machine.memory[0x8000]


def test_expansion_may_overwrite_the_next_instruction(make: Make) -> None:
    computer = make(
        """@start ;block .System/expansion DEO2 &here BRK LIT "k .Console/write DEO BRK
        @block 00 0001 0000 =start/here 21"""  # 21 is INC2, harmless
    )
    computer.run_console()
    assert computer.stdout == b"k"


# -- stack pointers ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (".System/wst DEI", 1),  # the slot of the result counts
        ("#11 .System/wst DEI NIP", 2),
        (".System/rst DEI", 0),
        ("LIT2r 1122 .System/rst DEI", 2),
        ("#aa #bb #01 .System/wst DEO", 0xAA),
        ("#aa #10 .System/wst DEO #01 .System/wst DEO", 0xAA),
    ],
)
def test_stack_pointer_ports(make: Make, code: str, expected: int) -> None:
    computer = make(f"{code} BRK")
    computer.start()
    assert computer.machine.state.pointers[0] == 1
    assert computer.machine.state.stacks[0][0] == expected


def test_rst_is_set(make: Make) -> None:
    computer = make("#05 .System/rst DEO BRK")
    computer.start()
    assert computer.machine.state.pointers == [0, 5]


# -- debug, palette, metadata --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("", b"WST 00 00 00 00 00 00 00 00|<00\n"),
        ("#12", b"WST 00 00 00 00 00 00 00|12 <01\n"),
        ("#0102 #0304 #0506 #0708", b"WST|01 02 03 04 05 06 07 08 <08\n"),
    ],
)
def test_debug_shows_the_stacks(make: Make, code: str, line: bytes) -> None:
    computer = make(f"{code} #010e DEO BRK")
    # a program's dead bytes are not specified, so both operands of DEO are cleared from view
    computer.machine.on_write(0x0D, lambda _byte: None)
    computer.run_console()
    wst, rst = computer.stderr.splitlines(keepends=True)
    assert wst[-4:] == line[-4:]
    assert wst[:4] == line[:4]
    assert len(wst) == len(line)
    assert rst == b"RST 00 00 00 00 00 00 00 00|<00\n"


def test_debug_shows_live_bytes_in_order(make: Make) -> None:
    computer = make("#0102 #0304 #0506 #0708 #09 #010e DEO BRK")
    computer.run_console()
    assert computer.stderr.startswith(b"WST 02 03 04 05 06 07 08 09 <09\n")


def test_palette_is_data(make: Make) -> None:
    computer = make("#a1b2 .System/r DEO2 #c3d4 .System/g DEO2 #e5f6 .System/b DEO2 BRK")
    computer.start()
    assert computer.system.colors == (0xAACCEE, 0x113355, 0xBBDDFF, 0x224466)


def test_metadata(make: Make) -> None:
    computer = make(
        """;meta .System/metadata DEO2 BRK
        @meta 00 "My 20 "Game 0a "by 20 "me 0a 00 02 83 1234 41 5678"""
    )
    assert computer.system.metadata is None
    computer.start()
    metadata = computer.system.metadata
    assert metadata is not None
    assert metadata.name == "My Game"
    assert metadata.lines == ("by me",)
    assert metadata.extras == ((0x83, 0x1234), (0x41, 0x5678))


def test_other_ports_are_storage(make: Make) -> None:
    computer = make("#12 #d0 DEO #d0 DEI #3456 #fe DEO2 #fe DEI2 BRK")
    computer.start()
    assert bytes(computer.machine.state.stacks[0][:3]) == b"\x12\x34\x56"
