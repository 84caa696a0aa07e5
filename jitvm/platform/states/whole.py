"""A computer's whole state as plain values: `take`, and `put` to go on from it.

    machine      spaces, stacks, page of ports, stack pointers, pc, vector
    devices      each one's
    own          the computer's, such as banks of memory
    evaluator    how far it is with the vector or share of instructions at hand
    frames       their number, how far it is with the one at hand, and what waits for the next

What is to run after the vector at hand is an iterator, which cannot be copied. It is made again
from the frame's events, and led past what has begun, before state is put back (`FrameLoop`).
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from jitvm.engine.machine.machine import Snapshot
from jitvm.guest.numbers import whole
from jitvm.platform.device import WORD, StateError

if TYPE_CHECKING:
    from jitvm.engine.machine.machine import Machine
    from jitvm.guest import Guest
    from jitvm.platform.computer import Computer
    from jitvm.platform.device import Plain


def take(computer: Computer) -> Plain:
    """All of a computer's state, between two instructions. Nobody may be rendering its sound.

    Raises:
        StateError: some of its memory is not its own.
    """
    machine = computer.machine
    check(machine.guest)
    found = machine.snapshot()
    return (
        (found.spaces, found.stacks, found.page, found.pointers, found.pc, found.vector),
        computer.devices.snapshot(),
        computer.own_state(),
        computer.evaluator.snapshot(),
        computer.frames.snapshot() if computer.has_screen else None,
    )


def check(guest: Guest) -> None:
    """Refuse guests that cannot be saved.

    Raises:
        StateError: some of its memory is not its own.
    """
    for space in guest.spaces:
        if space.is_attached:
            raise StateError(f"{guest.name} cannot be saved: {space.name} is not its own memory")


def put(computer: Computer, state: Plain) -> None:
    """Have a computer go on from a state of a program like its own.

    Raises:
        StateError: it cannot; the computer is to be thrown away, or put into another state.
    """
    try:
        _put(computer, state)
    except StateError:
        raise
    except (ValueError, TypeError, LookupError, OverflowError, AttributeError) as error:
        raise StateError(f"does not fit {computer.machine.guest.name}: {error}") from error


def replace(computer: Computer, state: Plain) -> None:
    """The same, but where it cannot the computer is as it was; files that are gone are closed.

    Raises:
        StateError: it cannot.
    """
    before = take(computer)
    try:
        put(computer, state)
    except StateError:
        with suppress(StateError):
            put(computer, before)
        raise


def _put(computer: Computer, state: Plain) -> None:
    registers, devices, own, progress, frames = state
    snapshot = _snapshot(computer.machine, registers)
    evaluator = computer.evaluator
    evaluator.restore(progress)
    if computer.has_screen:
        computer.frames.begin_again(frames)
    try:
        computer.devices.restore(devices)
    finally:
        computer.machine.restore(snapshot)  # after devices, whose ports may be half written
        computer.restore_own(own)
        evaluator.restore(progress)


def _snapshot(machine: Machine, registers: Any) -> Snapshot:
    """A machine's part of a state."""
    spaces, stacks, page, pointers, pc, vector = registers
    state, guest = machine.state, machine.guest
    for name, memories, views in (
        ("spaces", spaces, state.spaces),
        ("stacks", stacks, state.stacks),
        ("ports", (page,), (machine.page,)),
    ):
        if [*map(len, memories)] != [*map(len, views)]:
            raise ValueError(f"its {name} have other sizes")
    sizes = [stack.size for stack in guest.stacks]
    made = Snapshot.__new__(Snapshot)
    made.spaces, made.stacks, made.page = spaces, stacks, page
    made.pointers = tuple(
        whole("stack pointer", pointer, 0, size - 1)
        for pointer, size in zip(pointers, sizes, strict=True)
    )
    made.pc = whole("pc", pc, 0, len(machine.memory) - 1)
    made.vector = whole("vector", vector, 0, WORD)
    return made
