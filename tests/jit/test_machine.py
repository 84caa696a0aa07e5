"""The JIT and the outside: hosts that write code, threads, interrupts, snapshots, memory."""

from __future__ import annotations

import gc
import threading
from weakref import ref

import pytest

import jitvm.engine.jit.quick as quick_module
from jitvm.engine.jit.thread import Job, compile_thread, of_living
from jitvm.engine.machine import warmup
from jitvm.engine.machine.machine import Machine
from jitvm.engine.memory.arena import shared_arena
from jitvm.engine.tables.events import Event, Hot
from jitvm.engine.tables.reasons import Reason
from jitvm.guest import Stop
from jitvm.guests.uxn import UXN
from jitvm.guests.uxn.assembler import assemble
from tests.clock import HANGS, until
from tests.interrupting import interrupted
from tests.jit.programs import PROGRAMS, loop
from tests.jit.rig import again, eager, has_jit, interpreted, jit_of, patient, used, warm
from tests.tiers import make_machine

ADDING = loop(".sum LDZ2 @number #0003 ADD2 .sum STZ2")


def number_at(source: str) -> int:
    """Address of the two bytes 00 03 in a program."""
    return bytes(eager(source).memory).index(b"\x00\x03", 0x100)


# -- the host writes code ------------------------------------------------------------------------


def test_code_the_host_wrote_is_obeyed() -> None:
    machine, at = eager(ADDING, hot=2, window=64, longest=64), number_at(ADDING)
    for number in (3, 5, 0, 7, 7, 1):
        machine.memory[at + 1] = number
        machine.code_written(at + 1, 1)
        assert again(machine) == number * 0x400 & 0xFFFF
    assert used(machine).invalidated >= 1


def test_restoring_a_snapshot_restores_its_code() -> None:
    machine, at = eager(ADDING), number_at(ADDING)
    again(machine)
    threes = machine.snapshot()
    machine.memory[at + 1] = 5
    machine.code_written(at + 1, 1)
    assert again(machine) == 0x1400
    machine.restore(threes)
    assert again(machine) == 0xC00
    assert used(machine).starts


def test_a_snapshot_in_the_middle_of_a_compiled_loop_goes_on() -> None:
    machine = eager(PROGRAMS["three nested loops"])
    machine.run(0x100, max_instructions=20_000)
    middle = machine.snapshot()
    machine.run()
    end = machine.snapshot()
    for _ in range(3):
        machine.restore(middle)
        machine.run()
        assert machine.snapshot().spaces == end.spaces
    assert used(machine).exits


def test_a_device_connected_later_is_called() -> None:
    machine = eager(loop(".n INC LDZ #30 DEO"))
    again(machine)
    seen: list[int] = []
    machine.on_write(0x30, seen.append)
    again(machine)
    assert len(seen) == 0x400


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """Jobs that the compile thread would have got."""
    jobs: list[Job] = []

    class Holding:
        def submit(self, job: Job) -> None:
            jobs.append(job)

    monkeypatch.setattr(quick_module, "compile_thread", Holding)
    return jobs


def until_held(machine: Machine, held: list[Job]) -> None:
    """Run until something is to be compiled."""

    def is_held() -> bool:
        again(machine)
        return bool(held)

    until(is_held)


def test_a_device_connected_while_a_region_is_compiled_is_called(held: list[Job]) -> None:
    machine = patient(loop(".n INC LDZ #30 DEO"), hot=4, window=64)
    until_held(machine, held)
    seen: list[int] = []
    machine.on_write(0x30, seen.append)
    for job in held:
        job()
    again(machine)
    assert len(seen) == 0x400


def test_the_jit_costs_nothing_until_it_has_something(held: list[Job]) -> None:
    """The guest runs with the table of machines without one, then with that of regions."""
    machine = patient(loop(".n INC LDZ #30 DEO"), hot=4, window=64)
    until_held(machine, held)
    tier = machine.native
    assert tier is not None
    again(machine)
    assert tier._table == "plain"
    for job in held:
        job()
    again(machine)
    assert tier._table == "jit"
    assert jit_of(machine).regions


def test_a_budget_is_exact_until_the_jit_has_something(held: list[Job]) -> None:
    endless = "|0000 @n $2 |0100 @again .n LDZ2 INC2 .n STZ2 .n INC LDZ #30 DEO !again"
    machine = patient(endless, hot=4, window=64)
    tier = machine.native
    assert tier is not None

    def is_held() -> bool:
        assert machine.run(0x100, max_instructions=1000) is Stop.BUDGET
        return bool(held)

    until(is_held)
    before = machine.executed
    assert machine.run(0x100, max_instructions=100) is Stop.BUDGET
    assert tier._table == "count"
    assert machine.executed - before == 100


def test_a_region_that_is_gone_leaves_no_mark_and_no_count() -> None:
    machine = eager(PROGRAMS["cells of both widths"])
    again(machine)
    jit = jit_of(machine)
    assert jit.regions.code_map.watched
    jit.regions.forget_all()
    assert not jit.regions.code_map.watched
    assert not any(jit.regions.code_map.view)
    for at in range(0x1000):  # as if those before had left often
        jit.regions.exit_counts[at] = 9
    jit.maker.next_exit = 0
    again(machine)
    assert jit.regions
    assert all(0 in jit.regions.times_left(installed) for installed in jit.regions.values())


def test_an_exit_belongs_to_one_region() -> None:
    machine = eager(PROGRAMS["calls in calls of three kinds"])
    for _ in range(3):
        again(machine)
    jit = jit_of(machine)
    assert len(jit.regions) > 1
    for installed in jit.regions.values():
        first, count = installed.compiled.first_exit, len(installed.compiled.exits)
        owners = [jit.regions.owner_of_exit(first + i) for i in range(-1, count + 1)]
        assert owners[1:-1] == [installed] * count
        assert installed not in (owners[0], owners[-1])


# -- the host takes turns with the guest ---------------------------------------------------------


def test_a_run_in_the_middle_of_a_recording_keeps_to_its_budget() -> None:
    machine = eager("|0100 #0000 &loop INC2 #01 #30 DEO !&loop", hot=50, window=4096)
    machine.counting = True
    hot: list[Event] = []
    machine.listen(lambda event: hot.append(event) if isinstance(event, Hot) else None)
    machine.on_write(0x30, lambda _: machine.interrupt() if hot else None)
    assert machine.run(0x100) is Stop.INTERRUPT
    assert len(hot) == 1
    machine.on_write(0x30, lambda _: None)
    for budget in (1, 1, 0, 7, 1000):
        before = machine.executed
        assert machine.run(max_instructions=budget) is Stop.BUDGET
        assert machine.executed == before + budget
    assert not jit_of(machine).regions, "it is still recorded"
    machine.run(max_instructions=10_000)
    assert jit_of(machine).regions
    assert len(hot) == 1


@pytest.mark.parametrize("counting_interpreted", [False, True])
@pytest.mark.parametrize("late", [False, True])
def test_the_run_in_which_a_jit_is_made_uses_it(
    late: bool, counting_interpreted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = patient("|0100 #0000 &loop INC2 !&loop |0200 BRK", keep=0)
    machine.counting_interpreted = counting_interpreted
    native = machine.native
    assert native is not None
    if late:
        monkeypatch.setattr(warmup, "WARM_UP", 0.0)
        machine.run(0x200)
        until(lambda: native.warm_up.made)
    stop = interrupted(machine, lambda: has_jit(machine) and jit_of(machine).regions)
    assert stop is Stop.INTERRUPT


def test_the_compile_thread_outlives_a_job_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: told.append(args.exc_value))
    error, done = OSError("no room"), threading.Event()

    def fail() -> None:
        raise error

    thread = compile_thread()
    thread.submit(fail)
    thread.submit(done.set)
    assert done.wait(HANGS)
    assert told == [error]


def test_a_region_says_how_its_code_was_made() -> None:
    """What is shown as its assembly is made again from its text, and has to be what runs."""
    machine = patient(loop(".sum LDZ2 #0003 ADD2 .sum STZ2", 0x8000))

    def is_installed() -> bool:
        again(machine)
        return has_jit(machine) and bool(jit_of(machine).regions)

    until(is_installed)
    jit = jit_of(machine)
    for installed in jit.regions.values():
        expected = jit.params.polish if installed.is_full else 0
        assert installed.compiled.speed == expected


# -- loops that move the stack -------------------------------------------------------------------

STACK_MACHINE = """
    |0000 @ip $1
    |0100 #00 .ip STZ #00
    @next
        .ip LDZ INCk .ip STZ #00 SWP ;code ADD2 LDA
        #00 SWP DUP2 ADD2 ;operations ADD2 LDA2 JMP2
    @operations =halt =one =plus =back
    @halt BRK
    @one #01 !next
    @plus ADD !next
    @back #00 .ip STZ DUP #f0 GTH ?halt !next
    @code 01 01 02 02 01 01 01 02 02 02 03
"""
"""An interpreter whose stack is the guest's: what it executes reaches `next` at several depths."""


def test_an_interpreter_on_the_guests_own_stack_stays_in_its_region() -> None:
    one, several = (eager(STACK_MACHINE, depths=depths) for depths in (1, 4))
    for machine in (one, several):
        for _ in range(20):
            again(machine)
        assert machine.state.stacks[0][0] == 0xF5
    assert used(several).exits * 2 < used(one).exits


def test_a_recursion_returns_inside_of_its_region() -> None:
    source = """|0100 #0d fib BRK
        @fib DUP #02 LTH ?&end DUP #01 SUB fib SWP #02 SUB fib ADD &end JMP2r"""
    without, within = (eager(source, returns=returns, recursion=1) for returns in (0, 2))
    for machine in (without, within):
        for _ in range(20):
            again(machine)
        assert machine.state.stacks[0][0] == 233
    assert used(within).exits * 4 < used(without).exits * 3


# -- stopping ------------------------------------------------------------------------------------

ENDLESS = {
    "one jump": "|0100 @loop !loop",
    "nested loops": "|0100 @outer #00 @inner INC DUP ?inner POP !outer",
    "calls": "|0100 @loop down !loop @down deep JMP2r @deep INC JMP2r",
    "recursion": "|0100 @down DUP ?{ POP #0a } #01 SUB down",
    "a switch": "|0100 #00 @loop INC DUP #01 AND ?odd !loop @odd !loop",
    "drifting": "|0100 @loop #01 !loop",
}


@pytest.mark.parametrize("name", ENDLESS)
def test_interrupts_leave_regions(name: str) -> None:
    machine = eager(ENDLESS[name], hot=4)
    assert interrupted(machine, lambda: used(machine).installed) is Stop.INTERRUPT
    for _ in range(5):
        assert interrupted(machine) is Stop.INTERRUPT


def test_interrupting_again_and_again_loses_nothing() -> None:
    machine = patient(loop(".sum LDZ2 INC2 .sum STZ2", 0xFFFF))
    done = threading.Event()

    def interrupt() -> None:
        """Not for ever: on a slow machine interrupts may come faster than the run gets on."""
        for _ in range(5000):
            if done.wait(0.0002):
                break
            machine.interrupt()

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        for _ in range(12):
            machine.memory[0:4] = bytes(4)
            stop = machine.run(0x100)
            while stop is Stop.INTERRUPT:
                stop = machine.run()
            assert bytes(machine.memory[0:4]) == b"\xff\xff\xff\xff"
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("budget", [0, 1, 2, 1000, 20_001, 31_337])
def test_budgets_stop_at_the_same_instruction(budget: int) -> None:
    expected, machine = interpreted("BRK"), eager(PROGRAMS["three nested loops"])
    machine.run(0x100)
    machine.memory[0:2] = bytes(2)
    machine.state.pointers[:] = (0, 0)
    expected.memory[:] = machine.memory
    for each in (machine, expected):
        assert each.run(0x100, max_instructions=budget) is Stop.BUDGET
    assert machine.state.pc == expected.state.pc
    assert machine.state.pointers == expected.state.pointers
    assert bytes(machine.memory) == bytes(expected.memory)


# -- threads and memory --------------------------------------------------------------------------


def test_two_machines_on_two_threads() -> None:
    sums: list[int] = []
    has_jits: list[bool] = []

    def work(number: int) -> None:
        source = loop(f".sum LDZ2 #{number:04x} ADD2 .sum STZ2", 0x4000)
        machine = patient(source, hot=2, window=64)

        def has_run() -> bool:
            sums.append(again(machine) - (number * 0x4000 & 0xFFFF))
            return has_jit(machine) and used(machine).installed > 0

        until(has_run)
        for _ in range(60):
            has_run()
        has_jits.append(has_jit(machine))

    threads = [threading.Thread(target=work, args=(n,)) for n in (3, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert has_jits == [True, True]
    assert len(sums) >= 120
    assert not any(sums)


def test_compiling_again_and_again_uses_no_more_memory() -> None:
    machine = eager(ADDING, hot=2, window=64, longest=64)
    again(machine)
    jit, levels = jit_of(machine), []
    for _ in range(40):
        jit.regions.forget_all()
        assert again(machine) == 0xC00
        levels.append(shared_arena().used)
    assert used(machine).installed >= 40
    assert levels[-1] - levels[0] < 4096  # less where machines of other tests go meanwhile


def test_a_thousand_installations_leave_no_trace() -> None:
    machine, at = eager(ADDING), number_at(ADDING)
    again(machine)
    jit = jit_of(machine)
    kept = next(iter(jit.regions.values())).compiled
    machine.code_written(0x100, 0x100)
    jit.install_done()
    assert not jit.regions
    gc.disable()  # or machines of other tests give back theirs meanwhile
    try:
        empty, code = shared_arena().used, _code_map(machine)
        for _ in range(1000):
            assert jit.install(kept) is None
            machine.code_written(at, 2)
            assert not jit.regions
            jit.install_done()
        assert shared_arena().used == empty
    finally:
        gc.enable()
    assert _code_map(machine) == code
    assert again(machine) == 0xC00


def _code_map(machine: Machine) -> bytes:
    return bytes(machine.block.view(machine.layout.code_map, machine.layout.size))


def test_a_region_made_before_a_cell_was_found_aliased_is_not_installed() -> None:
    """It would leave before the first such store, be thrown away, and be made a third time."""
    machine = eager(ADDING)
    again(machine)
    jit = jit_of(machine)
    stale = next(iter(jit.regions.values())).compiled
    cell = min(stale.region.assumptions.cells)
    jit.planner.learned.aliased.add(cell)
    assert jit.install(stale) is Reason.OVERWRITTEN
    jit.recompile_stale()
    formed = jit.regions[stale.region.start].compiled
    assert formed is not stale
    assert cell not in formed.region.assumptions.cells
    assert again(machine) == 0xC00


@pytest.mark.parametrize("tier", ["interpreter", "jit"])
@pytest.mark.parametrize("is_on", [False, True])
def test_counting_is_switched_in_the_middle_of_a_run(tier: str, is_on: bool) -> None:
    """By whoever is told that a run was stopped: what is behind that is counted, or is not."""
    source = "|0100 #00 @before INC DUP #40 NEQ ?before #01 #40 DEO @behind INC DUP ?behind BRK"
    rom = assemble(source).rom
    machine = make_machine(tier, UXN)
    machine.memory[0x100 : 0x100 + len(rom)] = rom
    before, behind = 1 + 64 * 5 + 3, (256 - 64) * 3 + 1
    machine.counting_interpreted = not is_on
    machine.on_write(0x40, lambda _: machine.wake())
    machine.on_stop(lambda _: setattr(machine, "counting_interpreted", is_on))
    assert machine.run(0x100) is Stop.HALT
    assert machine.executed == (behind if is_on else before)


def test_work_for_machines_that_are_gone_is_left_out() -> None:
    """They do not wait, with all their memory, until the compile thread gets to them."""
    held, reached = threading.Event(), threading.Event()

    def wait() -> None:
        held.wait(2 * HANGS)

    compile_thread().submit(wait)
    gone = []
    try:
        for _ in range(3):
            machine = warm(patient(ADDING, hot=2, window=64, longest=64))

            def is_begun(machine: Machine = machine) -> bool:
                return machine.run(0x100) is Stop.HALT and jit_of(machine).quick.is_busy

            until(is_begun)
            gone.append(ref(machine.block))
            del machine, is_begun

        def are_gone() -> bool:  # other threads may be on their way out of the last one
            gc.collect()
            return not any(each() for each in gone)

        until(are_gone)
        assert not held.is_set()
    finally:
        compile_thread().submit(reached.set)
        held.set()
    assert reached.wait(HANGS)


def test_a_job_is_done_for_whoever_is_there() -> None:
    class Owner:
        def __init__(self) -> None:
            self.done: list[int] = []

        def work(self, number: int) -> None:
            done.append(number)
            self.done.append(number)

    done: list[int] = []
    owner, other = Owner(), Owner()
    jobs = [of_living(owner.work, 1), of_living(other.work, 2), of_living(owner.work, 3)]
    del other
    gc.collect()
    for job in jobs:
        job()
    assert done == owner.done == [1, 3]
