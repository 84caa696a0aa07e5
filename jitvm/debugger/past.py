"""Going back in a run: to times, hits, lines, calls, and to who has written a byte.

    moment      moment      moment      now
      |           |           |----------|     replayed first: no hit
      |           |--1----2---|                then this: two hits, so once more, up to the second

So conditions mean the same in both directions: all runs are forwards. Lines are found in a *trace*,
the program counters of some instructions before now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from jitvm.debugger.breakpoints import Kind, Table
from jitvm.debugger.stopped import Goal, Paused, Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jitvm.debugger.armed import Armed
    from jitvm.debugger.debuggee import Debuggee
    from jitvm.debugger.moments import Moment

WINDOW = 4_000
LONGEST_WINDOW = 500_000
"""Instructions that a step back by lines looks through at first, and at most."""


class Step(NamedTuple):
    """An instruction of a trace: when it was next, where it is, and pointers of stacks then."""

    time: int
    pc: int
    pointers: tuple[int, ...]


class Past:
    """See the head of this file."""

    def __init__(self, debuggee: Debuggee, armed: Armed) -> None:
        self._debuggee = debuggee
        self._armed = armed
        self._history = debuggee.history
        self._machine = debuggee.machine

    def go_to(self, time: int) -> Stopped:
        """Be at a time that was."""
        self._history.go_to(time)
        self._armed.remember()
        return Stopped("start" if self._history.time == 0 else "step")

    def back(self, count: int = 1) -> Stopped:
        """Take some instructions back."""
        return self.go_to(max(self._history.time - count, 0))

    # -- to hits -----------------------------------------------------------------------------

    def reverse(self, *, here: bool = False, goal: Goal | None = None) -> Stopped:
        """Go back to the last hit of a breakpoint or watch, or the goal; `here`: a watch that was
        hit by the instruction before counts, too."""
        now = self._history.time
        until, last, moment = now, now - 1 + here, self._history.moments.before(now)
        try:
            while moment is not None:
                count, _ = self._replay(moment, until, goal, last)
                if count:
                    return self._replay(moment, until, goal, last, count)[1]
                until = last = moment.time
                moment = self._history.moments.before(until)
        except Paused:
            self.go_to(now)
            return Stopped("pause")
        except KeyboardInterrupt:
            self.go_to(now)
            raise
        return self.go_to(0)

    def _replay(
        self, moment: Moment, until: int, goal: Goal | None, last: int, wanted: int = 0
    ) -> tuple[int, Stopped]:
        """How many hits there are from a moment to a time; or be at the one of a number."""
        self._history.restore(moment)
        self._armed.remember()
        count, stopped = self._armed.replay(until, goal=goal, last=last, wanted=wanted)
        if stopped.reason == "pause":
            raise Paused
        return count, stopped

    def reverse_to(
        self, addresses: Iterable[int], is_there: Callable[[], bool] = lambda: True
    ) -> Stopped:
        """Go back to the last time at one of some addresses, or to a breakpoint before that."""
        return self.reverse(goal=Goal(frozenset(addresses), is_there))

    def back_out(self) -> Stopped:
        """Go back to the call of the routine at hand."""
        outer = self._debuggee.frames()[1:]
        if not outer:
            return self.reverse_to([])
        frame, state = outer[0], self._debuggee.state
        return self.reverse_to([frame.pc], lambda: state.pointers[frame.stack] <= frame.pointer)

    def last_write(self, address: int, size: int = 1) -> tuple[int, int | None, str] | None:
        """The last write to some bytes: the time before it, the instruction's address (None: the
        user's), and the change; None if nobody has written them. The run stays where it is.

        Raises:
            Paused: somebody wants something else.
        """
        now, history, machine = self._history.time, self._history, self._machine
        limit = self._debuggee.guest.code_space.size
        spans = frozenset((address + i) % limit for i in range(size))
        edited = history.last_edit(spans)
        if edited == now:
            return edited, None, ""
        table, self._armed.table = self._armed.table, Table()
        self._armed.table.add(Kind.WRITE, spans, self._debuggee.name(address))
        try:
            stopped = self.reverse(here=True)
            if stopped.reason == "pause":
                raise Paused
            if edited is not None and edited >= history.time:
                return edited, None, ""
            if stopped.reason == "start":
                return None
            changed = bytes(machine.memory[at] for at in sorted(spans))
            history.go_to(history.time - 1)
            before = bytes(machine.memory[at] for at in sorted(spans))
            time, pc = history.time, self._debuggee.state.pc
        finally:
            self._armed.table = table
            history.go_to(now)
            self._armed.arm()
            self._armed.remember()
        return time, pc, f"{before.hex(' ')} -> {changed.hex(' ')}"

    # -- to lines ----------------------------------------------------------------------------

    def back_line(self, *, over: bool = False) -> Stopped:
        """Go back to the beginning of the line at hand, or of the one before."""
        now, start = self._history.time, self._debuggee.line()
        if start is None or now == 0:
            return self.back()
        window = WINDOW
        while True:
            begin = max(now - window, 0)
            found = self._line_before(self._trace(begin, now), over=over)
            if found is not None and (found > begin or begin == 0):
                return self.go_to(found)
            if begin == 0 or window >= LONGEST_WINDOW:
                return self.go_to(begin)
            window = min(window * 8, LONGEST_WINDOW)

    def _trace(self, begin: int, end: int) -> list[Step]:
        """From one time to another, both included."""
        trace: list[Step] = []
        self._history.go_to(begin)
        time, state = self._history.time, self._debuggee.state

        def note(pc: int) -> bool:
            trace.append(Step(time + len(trace), pc, tuple(state.pointers)))
            return False

        with self._armed.tracing(note):
            self._history.run(end, live=False)
        note(state.pc)
        return trace

    def _line_before(self, trace: list[Step], *, over: bool) -> int | None:
        """The time at which the line before the last step began; of calls that have returned none
        counts, with `over`."""
        if over:
            trace = self._without_calls(trace)
        found, line = None, None
        for step in reversed(trace[:-1]):
            here = self._debuggee.line(step.pc)
            if here is None:
                continue
            if line is not None and here != line:
                break
            found, line = step.time, here
        return found

    def _without_calls(self, trace: list[Step]) -> list[Step]:
        """A trace without calls that have returned."""
        kept: list[Step] = []
        open_: list[tuple[int, tuple[int, ...], int]] = []
        memory, guest = self._machine.memory, self._debuggee.guest
        calls = self._debuggee.kinds.calls
        stacks = [i for i, stack in enumerate(guest.stacks) if stack.return_addresses]
        for step in trace:
            pc = step.pc
            held = tuple(step.pointers[i] for i in stacks)
            while open_ and open_[-1][1] == held and open_[-1][0] == pc:
                del kept[open_.pop()[2] :]
            kept.append(step)
            if memory[pc] in calls:
                open_.append((pc + guest.opcodes[memory[pc]].length, held, len(kept)))
        return kept
