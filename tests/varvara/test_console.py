"""The console protocol: order and types of events, when a program ends, and with what."""

from __future__ import annotations

import _thread
import io
import os
import select
import threading
import time
from collections.abc import Callable

import pytest

from jitvm.engine.machine.machine import Tier
from jitvm.guests.uxn.varvara import Computer, Ending, OutputError, Rom, RomError
from tests.clock import HANGS, until

Make = Callable[..., Computer]

ECHO = """
    ;on-console .Console/vector DEO2 BRK
@on-console ( -> )
    .Console/type DEI LIT "0 ADD .Console/write DEO
    .Console/read DEI .Console/write DEO BRK
"""
"""Prints the type, as a digit, and the byte of every event."""

ENDS_AT_EOF = """
    ;on-console .Console/vector DEO2 BRK
@on-console ( -> )
    .Console/type DEI #04 EQU ?{ .Console/read DEI .Console/write DEO BRK }
    #85 .System/state DEO BRK
"""


@pytest.mark.parametrize(
    ("args", "stdin", "expected"),
    [
        ((), b"", b"4\0"),
        ((), b"hi", b"1h1i4\0"),
        (("a",), b"", b"2a4\n4\0"),
        (("ab", "c"), b"x", b"2a2b3\n2c4\n1x4\0"),
        (("", "é"), b"\xff", b"3\n2\xc32\xa94\n1\xff4\0"),
    ],
)
def test_events_and_their_types(
    make: Make, args: tuple[str, ...], stdin: bytes, expected: bytes
) -> None:
    computer = make(ECHO, args=args)
    assert computer.run_console(stdin) is Ending.EXIT
    assert computer.stdout == expected
    assert computer.exit_code == 0


@pytest.mark.parametrize(("args", "has"), [((), b"0"), (("x",), b"1")])
def test_type_tells_at_reset_whether_there_are_arguments(
    make: Make, args: tuple[str, ...], has: bytes
) -> None:
    computer = make('.Console/type DEI LIT "0 ADD .Console/write DEO BRK', args=args)
    computer.run_console()
    assert computer.stdout == has


def test_without_a_vector_input_is_not_even_read(make: Make) -> None:
    class Untouchable(io.RawIOBase):
        def read(self, _size: int = -1, /) -> bytes:
            raise AssertionError("standard input was read")

    computer = make("BRK", args=("a",))
    assert computer.run_console(Untouchable()) is Ending.EXIT


def test_the_vector_is_latched_by_its_low_byte(make: Make) -> None:
    computer = make("#12 .Console/vector DEO BRK")
    computer.start()
    assert computer.console.vector == 0
    computer = make("#1234 .Console/vector DEO2 #56 .Console/vector DEO BRK")
    computer.start()
    assert computer.console.vector == 0x1234


def test_a_vector_replaced_during_an_event_holds_from_the_next_one(make: Make) -> None:
    computer = make(
        """;first .Console/vector DEO2 BRK
        @first ;second .Console/vector DEO2 LIT "1 .Console/write DEO BRK
        @second LIT "2 .Console/write DEO BRK"""
    )
    computer.run_console(b"ab")
    assert computer.stdout == b"122"


def test_a_vector_set_to_zero_swallows_the_rest(make: Make) -> None:
    computer = make(
        """;once .Console/vector DEO2 BRK
        @once #0000 .Console/vector DEO2 LIT "1 .Console/write DEO BRK"""
    )
    assert computer.run_console(b"abc") is Ending.EXIT
    assert computer.stdout == b"1"


@pytest.mark.parametrize(("state", "code"), [(0x80, 0), (0x01, 1), (0x7F, 0x7F), (0xFF, 0x7F)])
def test_state_ends_after_the_vector_with_seven_bits(make: Make, state: int, code: int) -> None:
    computer = make(
        f"""#{state:02x} .System/state DEO ;on .Console/vector DEO2
        LIT "x .Console/write DEO BRK @on LIT "! .Console/write DEO BRK"""
    )
    computer.run_console(b"abc")
    assert computer.stdout == b"x"
    assert computer.exit_code == code


@pytest.mark.parametrize(("args", "stdin"), [(("ab",), b""), ((), b"ab")])
def test_state_ends_input_at_the_byte_that_set_it(
    make: Make, args: tuple[str, ...], stdin: bytes
) -> None:
    computer = make(
        """;on .Console/vector DEO2 BRK
        @on #81 .System/state DEO .Console/read DEI .Console/write DEO BRK""",
        args=args,
    )
    computer.run_console(stdin)
    assert computer.stdout == b"a"
    assert computer.exit_code == 1


def test_end_of_input_comes_once(make: Make) -> None:
    computer = make(ENDS_AT_EOF)
    computer.run_console(b"text")
    assert computer.stdout == b"text"
    assert computer.exit_code == 5


def test_stdout_and_stderr_keep_to_themselves_and_hex_ports_print(make: Make) -> None:
    computer = make(
        """LIT "o .Console/write DEO LIT "e .Console/error DEO
        LIT "u .Console/write DEO #0a #1a DEO #ff #1b DEO BRK"""
    )
    computer.run_console()
    assert (computer.stdout, computer.stderr) == (b"ou", b"e0aff")


def test_order_is_kept_across_both_streams(make: Make) -> None:
    both = io.BytesIO()
    computer = make(
        """#00 &l LIT "o .Console/write DEO LIT "e .Console/error DEO INC DUP ?&l
        #00 .System/debug DEO LIT "z .Console/write DEO BRK""",
        stdout=both,
        stderr=both,
    )
    computer.run_console()
    written = both.getvalue()
    assert written.startswith(b"oe" * 256 + b"WST ")
    assert written.endswith(b"z")


def test_more_output_than_the_ring_holds() -> None:
    computer = Computer(
        # LIT2 0000  @l INC2k NIP2 DUP #18 DEO  DUP2 LIT2 ffff NEQ2 JCI @l  BRK
        bytes.fromhex("a00000 a1 23 06 8018 17 26 a0ffff 29 20fff2 00"),
        tier=Tier.INTERPRETER,
    )
    for _ in range(2):
        computer.start()
    assert computer.stdout == bytes(i & 0xFF for i in range(1, 0x10000)) * 2


def test_the_reference_tier_drains_a_full_ring_too() -> None:
    computer = Computer(b"\0", tier=Tier.REFERENCE)
    data = bytes(range(256)) * 300
    for byte in data:
        computer.machine.state.ports.write(0x18, byte)
    assert computer.stdout == data


def test_a_megabyte_of_input() -> None:
    # ;on #10 DEO2 BRK   @on #12 DEI #18 DEO BRK
    rom = bytes.fromhex("a00107 8010 37 00 8012 16 8018 17 00")
    data = bytes(range(256)) * 4096
    computer = Computer(rom, sandbox=None)
    computer.run_console(data)
    assert computer.stdout == data + b"\0"


def test_step_by_step_equals_a_whole_run(make: Make) -> None:
    whole, stepped = make(ECHO, args=("a", "b")), make(ECHO, args=("a", "b"))
    whole.run_console(b"xyz")
    stepped.start()
    stepped.send_arguments()
    stepped.feed(b"x")
    stepped.feed(b"yz")
    stepped.end_of_input()
    assert stepped.stdout == whole.stdout


def test_input_is_taken_as_it_comes(make: Make) -> None:
    """A program that talks with its user gets each line before the next is typed."""
    ours, theirs = os.pipe()
    reads, writes = os.pipe()
    with os.fdopen(ours, "rb") as stdin, os.fdopen(writes, "wb") as stdout:
        computer = make(ECHO, stdout=stdout)
        thread = threading.Thread(target=computer.run_console, args=(stdin,))
        thread.start()
        for byte in (b"a", b"b"):
            os.write(theirs, byte)
            answer = os.read(reads, 2)
            while len(answer) < 2:
                answer += os.read(reads, 1)
            assert answer == b"1" + byte
        os.close(theirs)
        thread.join(HANGS)
    os.close(reads)


def test_progress_is_seen_during_a_long_vector(make: Make) -> None:
    """The vector ends when somebody has read what it wrote."""
    reads, writes = os.pipe()
    is_seen = threading.Event()
    with os.fdopen(writes, "wb") as stdout:
        computer = make('LIT "x .Console/write DEO &spin #f0 DEI ?{ !&spin } BRK', stdout=stdout)
        computer.machine.on_read(0xF0, lambda: int(is_seen.is_set()))
        thread = threading.Thread(target=computer.run_console)
        thread.start()
        try:
            assert select.select([reads], [], [], HANGS)[0]
            assert os.read(reads, 10) == b"x"
        finally:
            is_seen.set()
            thread.join()
    os.close(reads)


def test_ctrl_c_that_comes_just_before_input_is_waited_for_is_noticed(make: Make) -> None:
    """As it has come already, it does not end the waiting."""
    ours, theirs = os.pipe()
    computer = make('LIT "x .Console/write DEO ;on .Console/vector DEO2 BRK @on BRK')

    def interrupt() -> None:
        until(lambda: computer.stdout)
        _thread.interrupt_main()

    thread = threading.Thread(target=interrupt)
    thread.start()
    with os.fdopen(ours, "rb") as stdin, pytest.raises(KeyboardInterrupt):
        computer.run_console(stdin)
    thread.join()
    os.close(theirs)


def test_a_reader_that_went_away_ends_an_endless_writer(make: Make) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    with os.fdopen(writes, "wb") as stdout:
        computer = make('&l LIT "y .Console/write DEO !&l', stdout=stdout)
        with pytest.raises(OutputError) as caught:
            computer.run_console(time_limit=HANGS)
    assert isinstance(caught.value.__cause__, BrokenPipeError)


# -- limits --------------------------------------------------------------------------------------


RESET, EVENT = 4, 5  # instructions of the two vectors below; an event writes with its fourth


@pytest.mark.parametrize(
    ("budget", "ending", "output"),
    [
        (RESET, Ending.INSTRUCTIONS, b""),
        (RESET + 3, Ending.INSTRUCTIONS, b""),
        (RESET + 4, Ending.INSTRUCTIONS, b"a"),
        (RESET + EVENT, Ending.INSTRUCTIONS, b"a"),
        (RESET + EVENT + 4, Ending.INSTRUCTIONS, b"ab"),
        (RESET + 2 * EVENT + 4, Ending.INSTRUCTIONS, b"ab\0"),
        (RESET + 3 * EVENT, Ending.EXIT, b"ab\0"),
    ],
)
def test_the_budget_is_exact_across_vectors(
    make: Make, budget: int, ending: Ending, output: bytes
) -> None:
    computer = make(";on .Console/vector DEO2 BRK @on .Console/read DEI .Console/write DEO BRK")
    assert computer.run_console(b"ab", max_instructions=budget) is ending
    assert computer.stdout == output
    assert computer.machine.executed == budget


def test_a_stopped_program_can_be_run_on(make: Make) -> None:
    computer = make("#0000 &l INC2 !&l")
    assert computer.run_console(max_instructions=10) is Ending.INSTRUCTIONS
    assert computer.machine.executed == 10
    computer.machine.run(max_instructions=11)
    assert computer.machine.executed == 21
    assert computer.machine.state.stacks[0][1] == 10


def test_the_time_limit_stops_a_loop(make: Make) -> None:
    begin = time.monotonic()
    assert make("&l !&l").run_console(time_limit=0.1) is Ending.TIME
    assert time.monotonic() - begin > 0.09


def test_the_time_limit_stops_waiting_for_input(make: Make) -> None:
    ours, theirs = os.pipe()
    with os.fdopen(ours, "rb") as stdin:
        assert make(ECHO).run_console(stdin, time_limit=0.1) is Ending.TIME
    os.close(theirs)


def test_limits_do_not_outlive_their_run(make: Make) -> None:
    computer = make(ECHO)
    computer.run_console(b"", max_instructions=5)
    computer.feed(b"a")
    assert computer.stdout.endswith(b"1a")


# -- ROMs ----------------------------------------------------------------------------------------


def test_a_long_rom_goes_on_in_the_banks() -> None:
    data = bytes(1) + bytes(0xFEFF) + b"one" + bytes(0xFFFD) + b"two"
    computer = Computer(data, tier=Tier.REFERENCE)
    assert computer.banks.read(1, 0, 3) == b"one"
    assert computer.banks.read(2, 0, 3) == b"two"
    assert computer.banks.read(3, 0, 3) == bytes(3)


@pytest.mark.parametrize("size", [0, 16 * 0x10000 - 0x100 + 1])
def test_a_rom_of_an_impossible_size_is_refused(size: int) -> None:
    with pytest.raises(RomError, match=r"x\.rom: .*(empty|too many)"):
        Rom(bytes(size), "x.rom")


def test_the_longest_rom_fits() -> None:
    computer = Computer(bytes(16 * 0x10000 - 0x101) + b"z", tier=Tier.REFERENCE)
    assert computer.banks.read(15, 0xFFFF, 1) == b"z"


@pytest.mark.parametrize(("soft", "zero_page"), [(False, 0), (True, 7)])
def test_reset(make: Make, soft: bool, zero_page: int) -> None:
    computer = make(
        "#07 #00 STZ #09 #ff00 STA ;on .Console/vector DEO2 LIT2r 1234 @on BRK", args=("a",)
    )
    computer.start()
    computer.reset(soft=soft)
    machine = computer.machine
    assert machine.memory[0] == zero_page
    assert machine.memory[0xFF00] == 0
    assert bytes(machine.memory[0x100:0x102]) == computer.rom.data[:2]
    assert (machine.vector, machine.page[0x10], machine.page[0x17]) == (0, 0, 0)
    assert machine.state.pointers == [0, 0]
    assert not any(machine.state.stacks[1])


def test_snapshots_hold_memory_banks_and_vector(make: Make) -> None:
    computer = make(ECHO)
    computer.start()
    computer.banks.write(3, 0, b"bank")
    snapshot = computer.snapshot()
    computer.banks.write(3, 0, b"BANK")
    computer.reset()
    computer.restore(snapshot)
    computer.feed(b"q")
    assert computer.stdout == b"1q"
    assert computer.banks.read(3, 0, 4) == b"bank"


def test_a_program_that_stays_is_given_input_again(make: Make) -> None:
    computer = make(ECHO)
    computer.run_console(b"a")
    computer.run_console(b"b")
    before = computer.snapshot()
    computer.run_console(b"c", max_instructions=10**6)
    computer.restore(before)
    computer.run_console(b"d")
    assert bytes(byte for byte in computer.stdout if chr(byte) in "abcd") == b"abcd"


def test_what_a_limit_has_left_of_the_input_comes_first(make: Make) -> None:
    computer = make(ECHO)
    stdin = io.BytesIO(b"abcdef")
    while computer.run_console(stdin, max_instructions=5) is Ending.INSTRUCTIONS:
        pass
    assert bytes(byte for byte in computer.stdout if chr(byte) in "abcdef") == b"abcdef"


@pytest.mark.parametrize("source", ['&l LIT "y .Console/write DEO !&l', "&l #00 #0e DEO !&l"])
def test_the_time_limit_stops_waiting_for_a_slow_reader(make: Make, source: str) -> None:
    reads, writes = os.pipe()
    with os.fdopen(writes, "wb") as out:
        computer = make(source, stdout=out, stderr=out)
        assert computer.run_console(time_limit=0.2) is Ending.TIME
    os.close(reads)
