"""Sampled numbers: time by state, host functions, where the interpreter was."""

from __future__ import annotations

import ctypes
import signal
import threading
import time

import pytest

import jitvm
from jitvm.engine.machine.machine import Machine, Tier
from jitvm.profiling import Mode, Profile, ProfileError, hosttime
from jitvm.profiling.rows import Method, State
from jitvm.profiling.spotter import Spotter
from jitvm.profiling.stacks import Spot
from tests.clock import until
from tests.profiling.rig import COUNTING, FOREVER, machine_with

needs_spotter = pytest.mark.skipif(not Spotter.is_possible(), reason="no spotter on this system")


def spin(machine: Machine, seconds: float) -> None:
    """Run for so long."""
    timer = threading.Timer(seconds, machine.interrupt)
    timer.start()
    machine.run(0x100)
    timer.join()


def states(profile: Profile) -> dict[State, float]:
    return {row.state: row.seconds for row in profile.states}


@needs_spotter
def test_a_native_loop_is_seen_as_native() -> None:
    machine = machine_with(FOREVER)

    def is_sampled() -> bool:
        spin(machine, 0.1)
        return profile.collector.spots[Spot.NATIVE] >= 50

    with jitvm.profile(machine) as profile:
        until(is_sampled)
    assert profile.instructions is None
    assert profile.native_share is not None
    assert profile.native_share > 0.9
    assert [row.label for row in profile.regions if row.seconds > 0]
    assert sum(states(profile).values()) == pytest.approx(profile.seconds)


@needs_spotter
def test_an_interpreted_loop_is_seen_where_it_is() -> None:
    machine = machine_with(FOREVER, Tier.INTERPRETER)

    def is_sampled() -> bool:
        spin(machine, 0.1)
        return bool(addresses.total() >= 5)

    with jitvm.profile(machine) as profile:
        addresses = profile.collector.interpreted_at
        until(is_sampled)
    assert profile.native_share == 0
    # LIT2 at 0100 and 0107 ... of the turn: all addresses are inside the loop's few bytes.
    assert all(0x100 <= at < 0x110 for at in addresses)


@needs_spotter
def test_waiting_is_no_processor_time() -> None:
    machine = machine_with(COUNTING)
    with jitvm.profile(machine) as profile:
        machine.run(0x100)
        time.sleep(0.2)
    assert states(profile)[State.WAITING] > 0.19
    assert {row.state: row.method for row in profile.states}[State.WAITING] is Method.MEASURED


def test_host_functions_are_counted_and_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(hosttime, "perf_counter", lambda: now)
    source = "|0100 #00 @loop DUP #20 DEO #21 DEI POP INC DUP #40 NEQ ?loop BRK"
    machine = machine_with(source)

    def slow(_byte: int) -> None:
        nonlocal now
        now += 0.0005

    machine.on_write(0x20, slow)
    machine.on_read(0x21, lambda: 7)
    with jitvm.profile(machine, mode="exact") as profile:
        machine.run(0x100)
    rows = {(row.port, row.kind): row for row in profile.host}
    assert rows[0x20, "write"].calls == rows[0x21, "read"].calls == 64
    assert rows[0x20, "write"].seconds == pytest.approx(64 * 0.0005)
    assert rows[0x21, "read"].seconds == 0
    assert profile.host[0].port == 0x20
    assert machine.state.ports.writers[0x20] is slow


def test_host_functions_are_counted_in_turns_while_sampling(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Turns by a clock of our own, as the collector takes them: between instructions.
    now = 0.0
    monkeypatch.setattr(hosttime, "perf_counter", lambda: now)
    machine = machine_with("|0100 #20 #20 DEO BRK")
    calls: list[int] = []
    machine.on_write(0x20, calls.append)
    host = hosttime.HostTime(machine, exact=False)
    host.attach()
    for _ in range(400):
        for _ in range(3):
            machine.run(0x100)
        now += hosttime.TURN
        host.turn()
    host.detach()
    (row,) = host.rows()
    assert row.method is Method.SAMPLED
    assert row.calls == pytest.approx(1200, rel=0.05)
    assert machine.state.ports.writers[0x20] == calls.append
    assert len(calls) == 1200


def test_a_device_that_is_connected_between_turns_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(hosttime, "perf_counter", lambda: now)
    machine = machine_with("|0100 #20 #20 DEO BRK")
    first: list[int] = []
    second: list[int] = []
    machine.on_write(0x20, first.append)
    host = hosttime.HostTime(machine, exact=False)
    host.attach()
    machine.run(0x100)
    machine.on_write(0x20, second.append)
    for _ in range(3):
        now += 1
        host.turn()
        machine.run(0x100)
    host.detach()
    machine.run(0x100)
    assert (len(first), len(second)) == (1, 4)
    assert sum(row.calls for row in host.rows()) > 1


def test_an_exception_of_a_host_function_passes_through() -> None:
    machine = machine_with("|0100 #00 #20 DEO BRK")

    def fail(_byte: int) -> None:
        raise RuntimeError("no")

    machine.on_write(0x20, fail)
    with pytest.raises(RuntimeError, match="no"), jitvm.profile(machine) as profile:
        machine.run(0x100)
    assert not profile.is_running
    assert machine.state.ports.writers[0x20] is fail


def test_the_first_machine_made_in_the_block_is_watched() -> None:
    with jitvm.profile(mode="exact") as profile:
        machine = machine_with(COUNTING)
        machine_with(COUNTING)
        machine.run(0x100)
    assert profile.instructions == machine.executed
    assert Machine.made is None


def test_a_profile_without_a_machine_says_so() -> None:
    with jitvm.profile() as profile:
        pass
    assert Machine.made is None
    with pytest.raises(ProfileError, match="no machine was made"):
        profile.native_share  # noqa: B018


def test_an_unknown_mode_is_an_error() -> None:
    with pytest.raises(ValueError, match="wrong"):
        jitvm.profile(mode="wrong")


def test_the_reference_tier_has_counts_too() -> None:
    machine = machine_with(COUNTING, Tier.REFERENCE)
    with Profile(machine, mode=Mode.EXACT) as profile:
        machine.run(0x100)
    assert profile.instructions == machine.executed
    assert profile.native_share == 0
    assert "instructions" in str(profile)


@needs_spotter
def test_the_signal_is_given_back_and_never_stolen() -> None:
    word = (ctypes.c_uint64 * 1)()
    spotter = Spotter(ctypes.addressof(word), 0.002)
    assert spotter.start(threading.current_thread())
    other = Spotter(ctypes.addressof(word), 0.002)
    assert not other.start(threading.current_thread()), "one at a time"
    spotter.stop()
    seen: list[int] = []
    before = signal.signal(signal.SIGURG, lambda number, _frame: seen.append(number))
    try:
        assert not other.start(threading.current_thread()), "somebody's own handler"
        signal.raise_signal(signal.SIGURG)
        assert seen == [signal.SIGURG]
    finally:
        signal.signal(signal.SIGURG, before)
    assert other.start(threading.current_thread())
    other.stop()


@needs_spotter
def test_two_profiles_at_once_both_tell_shares() -> None:
    one, two = machine_with(FOREVER), machine_with(FOREVER)

    def is_sampled(machine: Machine, profile: Profile) -> bool:
        spin(machine, 0.1)
        return profile.native_share is not None

    with jitvm.profile(one) as first, jitvm.profile(two) as second:
        until(lambda: is_sampled(one, first))
        until(lambda: is_sampled(two, second))
    assert second.native_share is not None
    assert not second.collector.has_spotter
    assert 0.0 <= second.native_share <= 1.0


def test_tables_can_be_read_while_it_runs() -> None:
    machine = machine_with(FOREVER)

    def more_than(before: int) -> int:
        count: int = profile.as_dict()["instructions"]
        return count if count > before else 0

    with jitvm.profile(machine, mode="exact") as profile:
        thread = threading.Thread(target=machine.run, args=(0x100,))
        thread.start()
        seen = [0]
        for _ in range(5):
            seen.append(until(lambda: more_than(seen[-1])))
        machine.interrupt()
        thread.join()
    loop = 5  # instructions: while it runs, a block that has been begun is counted whole
    assert seen[-1] <= (profile.instructions or 0) + loop


def test_events_go_on_to_whoever_listened_before() -> None:
    machine = machine_with(COUNTING)
    heard: list[str] = []

    def listener(event: object) -> None:
        heard.append(type(event).__name__)

    machine.listen(listener)
    with jitvm.profile(machine) as profile:
        machine.run(0x100)
    assert machine.listener is listener
    assert heard == [type(each.event).__name__ for each in profile.events]
    assert "Installed" in heard


def test_pandas_takes_every_table() -> None:
    pandas = pytest.importorskip("pandas")
    machine = machine_with(COUNTING)
    with jitvm.profile(machine, mode="exact") as profile:
        machine.run(0x100)
    for name in ("tiers", "states", "regions", "labels", "exits", "opcodes", "compiles", "memory"):
        rows = getattr(profile, name)
        frame = pandas.DataFrame(rows)
        assert len(frame) == len(rows) > 0
        assert list(frame.columns) == list(type(rows[0]).__dataclass_fields__)
