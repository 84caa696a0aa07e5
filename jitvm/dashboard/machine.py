"""An existing machine as the dashboard sees it, run on from its current state.

It has no console and no screen; devices that its owner has connected keep working. A restart resets
the machine's state to what it was when it was handed over, on the same machine: devices keep their
state, and compiled regions stay.

Implements `jitvm.dashboard.target.Target`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jitvm.dashboard.target import Described, InputError, Picture, Progress
from jitvm.engine.machine.inspect import Inspector, Tier
from jitvm.platform.evaluator import Evaluator, LimitReached, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jitvm.engine.machine.inspect import Machine
    from jitvm.engine.tables.params import Parameters
    from jitvm.platform import Platform, Program


class WatchedMachine(Described):
    """A machine, run until it halts.

    Args:
        machine: at a tier with a JIT; it runs from ``machine.state.pc``.
        platform: of its guest.
        program: whose labels are shown.

    Raises:
        ValueError: the machine has no JIT.
        ProgramError: what names its addresses is damaged.
    """

    has_input = False

    def __init__(self, machine: Machine, platform: Platform, program: Program) -> None:
        if machine.tier not in (Tier.JIT, Tier.IR):
            raise ValueError(f"{machine!r} has no JIT to look at; make it with tier=Tier.JIT")
        super().__init__(platform, program)
        self.name = machine.guest.name
        self.machine = machine
        self._start = machine.snapshot()
        self._evaluator = Evaluator(machine)

    def restart(self, params: Parameters) -> None:
        """Begin again where the machine stood."""
        machine = self.machine
        if not Inspector(machine).has_jit:
            machine.start_jit(params)
        machine.restore(self._start)
        self._evaluator = Evaluator(machine)

    def advance(self, *, seconds: float | None, instructions: int | None) -> Progress:
        """Run on."""
        limits = Limits(
            self.machine,
            self._evaluator,
            max_instructions=instructions,
            time_limit=seconds,
            tick=lambda: None,
        )
        with limits:
            try:
                self._evaluator.go_on()
            except LimitReached:
                return Progress.RUNNING
        return Progress.ENDED

    def step_frame(self) -> Progress:
        """It has no frames: run on until it halts."""
        return self.advance(seconds=None, instructions=None)

    def rest(self) -> float:
        """It never waits."""
        return 0.0

    def input(self, event: Mapping[str, object]) -> None:
        """There is nothing to type into."""
        raise InputError(f"a machine without a computer takes no input: {str(event)[:80]}")

    def close(self) -> None:
        """Nothing is open."""

    # -- from any thread ---------------------------------------------------------------------

    def picture(self) -> Picture | None:
        """There is none."""
        return None

    def on_text(self, receiver: Callable[[str], None]) -> None:
        """It prints nothing that could be passed on."""
