"""Guests that never end by themselves: run on a thread of their own, and stopped from outside."""

from __future__ import annotations

import threading
from collections.abc import Callable

from jitvm.engine.machine.machine import Machine
from jitvm.guest import Stop
from tests.clock import until


def is_native(machine: Machine) -> bool:
    """Whether a machine is in native code at this moment; from any thread."""
    return machine.native is not None and machine.native.is_native


def interrupted(machine: Machine, is_due: Callable[[], object] | None = None) -> Stop:
    """Run a guest from 0100, interrupt it once, and what the run returns.

    Args:
        machine: what runs.
        is_due: what has to be so before the interrupt; None: that native code is being executed.
    """
    stops: list[Stop] = []
    thread = threading.Thread(target=lambda: stops.append(machine.run(0x100)), daemon=True)
    thread.start()
    until(is_due or (lambda: is_native(machine)))
    machine.interrupt()
    until(lambda: stops)
    thread.join()
    return stops[0]
