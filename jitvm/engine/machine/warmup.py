"""When a machine's JIT is made, and from what.

    nothing kept   COLD --- a run begins ---> WARMING --- `WARM_UP` seconds of running ---> WARM
                     ^                           |
                     '--- it ended before that --'
    kept           WARM, with the first run; or an *image*: what is kept, installed without a JIT,
                   which is made when something else is hot, or a thing is asked of the machine
                   that only a JIT can do (`jitvm.engine.jit.image`)

When it is WARM, the JIT begins with the next run, or as soon as the guest was made to come back.
What takes long is done by other threads: they are told to begin, look whether it is still wanted,
leave what they have made, and wake the machine. Only the thread that runs it has the JIT begin.
"""

from __future__ import annotations

import os
from time import perf_counter
from zlib import crc32

from jitvm.engine.host.background import BACKGROUND
from jitvm.engine.host.process import IMPORTS
from jitvm.engine.host.threads import YIELDING, started
from jitvm.engine.host.unpatched import sleep
from jitvm.engine.memory.layout import NEVER
from jitvm.guest.light import partial

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from jitvm.engine.interpreter.installed import Handlers
    from jitvm.engine.jit.image import Image
    from jitvm.engine.jit.jit import Jit
    from jitvm.engine.jit.shelf import Shelf
    from jitvm.engine.memory.block import Block
    from jitvm.engine.memory.cache import CodeCache
    from jitvm.engine.tables.params import Parameters
    from jitvm.guest import State

    class Runner(Protocol):
        """What runs the machine, for the time being without a JIT.

        Attributes:
            began: when the run at hand did, in seconds.
        """

        block: Block
        state: State
        handlers: Handlers
        jit: Jit | None
        is_running: bool
        began: float

        @property
        def is_charging(self) -> bool:
            """Whether regions have to charge what they execute."""

        @property
        def is_observed(self) -> bool:
            """Whether somebody hears what a JIT does, or wants the machine to stop somewhere."""

        def make_jit(self, params: Parameters) -> Jit:
            """Make a JIT, which has not begun."""

        def begin_jit(self) -> None:
            """Have the JIT that is due."""

        def begin_image(self) -> None:
            """Run what is kept, without a JIT."""

        def wake(self) -> None:
            """Have the guest come back; from any thread."""


WARM_UP = 0.0015
"""Seconds a machine runs before its JIT is made, those of all runs together: programs that end
sooner never pay for one, nor for the table of limits, which is not loaded before; so this one is no
row of it."""
WORTH_A_JIT = 64
"""How often something has to be hot beside an image before a JIT is made: importing one takes
twenty milliseconds, in which as much is interpreted many times over."""
WORTH_FINISHING = 0.05
"""Seconds that a machine runs with kept regions, some of which are to be compiled thoroughly yet,
before a JIT is made that does so."""
LONGEST_WAIT = 0.1
"""Seconds for which a run is interpreted while another process finishes its regions."""
INTERVAL = 0.002
_NO_LIMITS = frozenset(("JITVM_CACHE", "JITVM_DUMP", "JITVM_TERMINAL"))
COLD, WARMING, WARM = range(3)


def _is_limit(name: str) -> bool:
    """Whether a variable of the environment may be a limit: their table is not loaded."""
    return name.startswith("JITVM_") and name not in _NO_LIMITS


def _load_compiler(params: Parameters) -> None:
    """Have ready what compiles, for what may be hot soon."""
    with IMPORTS:
        from jitvm.engine.jit.maker import load_compiler
        from jitvm.engine.jit.thread import compile_thread

    compile_thread()
    load_compiler(params)


class WarmUp:
    """The way of one machine to its JIT.

    Args:
        runner: what runs it.

    Attributes:
        state: COLD, WARMING or WARM.
        image: what is kept, while it is installed without a JIT.
        given: the limits that `start` was given.
        made: the JIT, before it begins.
        ran: seconds that the machine has run, without the run at hand.
        defers_jit, defers_unfinished: see `Machine.defer_jit`.
        hurries: see `Machine.hurry_jit`.
    """

    def __init__(self, runner: Runner) -> None:
        self.state = COLD
        self.image: Image | None = None
        self.given: Parameters | None = None
        self.made: Jit | None = None
        self.ran = 0.0
        self.defers_jit = self.defers_unfinished = self.hurries = False
        self._runner = runner
        self._block = runner.block
        fields = runner.block.layout.fields
        self._pc, self._busy, self._patience, self._watermark = (
            runner.block.words(fields[name], 1) for name in ("pc", "busy", "patience", "watermark")
        )
        self._limits: Callable[[], Parameters] | None = None
        self._cache: CodeCache | None = None
        self._shelf: Shelf | None = None
        self._program: int | None = None
        self._replaced: Image | None = None
        self._heard = 0
        self._has_arrived = False

    @property
    def is_awaited(self) -> bool:
        """Whether there is to be a JIT, and none yet."""
        return self._limits is not None

    # -- before the first run ----------------------------------------------------------------

    def start(self, params: Parameters | None, cache: CodeCache | None = None) -> None:
        """Let hot code become native: at once if runs wait for the compiler, with the first
        run if an earlier one has kept regions, else after `WARM_UP` seconds of running.

        Args:
            params: None for those of the environment.
            cache: where regions are kept between runs.

        Raises:
            ParameterError: the environment has one that is none.
        """
        self._cache = cache

        def limits() -> Parameters:
            with IMPORTS:
                from jitvm.engine.tables.params import Parameters

            return params or Parameters.from_environment()

        self._limits, self.given = limits, params
        if params is None and any(map(_is_limit, os.environ)):
            known = limits()  # now, not on a thread that nobody hears
            self._limits = lambda: known
        if params is not None and not params.background:
            self._runner.begin_jit()

    def keep_nothing(self) -> None:
        """Neither take what is kept nor keep anything."""
        self._cache = None

    def prepare(self, program: int | None = None) -> None:
        """See `Machine.prepare`."""
        if self._limits is None or self.state != COLD:
            return
        self._program = program
        if self._has_kept():
            self._runner.begin_jit()

    # -- what is kept ------------------------------------------------------------------------

    @property
    def _memory(self) -> memoryview:
        return self._runner.state.spaces[self._block.layout.guest.code_index]

    def shelf(self) -> Shelf | None:
        """Where regions of the program are kept, if they are."""
        if self._shelf is None and self._cache is not None and self._program is not None:
            with IMPORTS:
                from jitvm.engine.jit.shelf import Shelf

            guest, made_from = self._block.layout.guest, self._runner.handlers.key
            self._shelf = Shelf(self._cache, guest, self._program, made_from)
        return self._shelf

    def _has_kept(self) -> bool:
        """Make the JIT if an earlier run has kept regions for it; whether it is made."""
        if self._program is None:
            self._program = crc32(self._memory)  # what tells it from others
        shelf, charging = self.shelf(), self._runner.is_charging
        if self._limits is None or shelf is None or not shelf.has(self.given, charging=charging):
            return False
        if self.defers_jit and not self._runner.is_observed and self._has_image(shelf, charging):
            return False
        made = self._runner.make_jit(self._limits())
        if made.keeper.fetch(charging=charging):
            self.made, self.state = made, WARM
        return self.made is not None

    def _has_image(self, shelf: Shelf, charging: bool) -> bool:
        """Install what is kept as it is, if it fits, or expect it to; whether that is possible."""
        image, counted = shelf.image(), self._runner.handlers.address("counted")
        if image is None or image.charging != charging or not image.knows(self._runner.state):
            return False
        if not image.fits(self._memory):
            image.expect(self._block, counted)
        elif not image.install(self._block, counted):
            return False
        self.image, self.state = image, COLD
        if image.milliseconds and self.defers_unfinished:
            begin_work = partial(shelf.begin_work, self.given, charging=charging)
            image.leave_to(self._finish_apart, begin_work)
        self._runner.begin_image()
        return True

    def _finish_apart(self) -> None:
        """In a process of its own, behind the run: compile what the JIT would have compiled."""
        self._runner.begin_jit()
        if (jit := self._runner.jit) is not None:
            jit.keeper.finish()

    # -- the JIT begins ----------------------------------------------------------------------

    def before_run(self) -> None:
        """Make the JIT that is due, or start the time until it is.

        What is kept is looked for before the first instruction, and on this thread: the guest would
        be interpreted meanwhile, and compete with another one for the interpreter lock.
        """
        image = self.image
        if self.state == WARM or (self._program is None and self._has_kept()):
            self._runner.begin_jit()
        elif image is not None:
            is_ours = image.milliseconds and not self.defers_unfinished
            if is_ours and self._run_time() >= WORTH_FINISHING:
                self._runner.begin_jit()
        elif self.state == COLD:
            self.state = WARMING
            if self.hurries:
                self._make_ready(alone=True)
                self._runner.begin_jit()
            elif not started(self._warm_up):
                self._make_ready(alone=True)

    def come_back(self) -> None:
        """The guest was made to come back: perhaps as the JIT is due."""
        if self._limits is None:
            return
        if self.state == WARM:
            self._runner.begin_jit()
        elif self._has_arrived:
            self._take_what_arrived()

    def have_jit(self) -> None:
        """See `Machine.have_jit`."""
        if self.image is not None and self._runner.jit is None:
            self._runner.begin_jit()

    def take(self) -> Jit:
        """The JIT, which begins now."""
        assert self._limits is not None
        jit = self.made or self._runner.make_jit(self._limits())
        self._limits = None
        return jit

    def replace_image(self, jit: Jit) -> None:
        """Have the JIT that is made now install what the image has; the guest may be in its code,
        and leaves it with its next jump."""
        image, self.image = self.image, None
        if image is None:
            return
        self._replaced = image
        image.give_up()
        layout = self._block.layout
        self._block.view(layout.code_map, layout.size)[:] = bytes(layout.size)
        self._watermark[0] = 0
        jit.keeper.fetch(charging=image.charging)

    def is_hot(self) -> None:
        """Something is hot beside the image: have a JIT made, or at least imported, on another
        thread; unless it is what the image is expected for."""
        image = self.image
        if image is not None and image.is_expected_at(self._pc[0]):
            if image.fits(self._memory):
                image.install(self._block, self._runner.handlers.address("counted"))
            return
        self._heard += 1
        if self._heard < WORTH_A_JIT:
            return
        self._busy[0], self._patience[0] = 1, NEVER  # it was heard
        if self.state == COLD:
            self.state = WARMING
            if not started(lambda: BACKGROUND.do(self._import_jit)):
                self._runner.begin_jit()

    def _take_what_arrived(self) -> None:
        """Install what another process has finished, while the machine runs."""
        self._has_arrived = False
        if self._has_kept():
            self._runner.begin_jit()
        elif self.image is None and not started(lambda: BACKGROUND.do(self._make_ready)):
            self._make_ready(alone=True)

    # -- on other threads --------------------------------------------------------------------

    def _warm_up(self) -> None:
        """On a thread of its own: make the JIT, then have the guest come back for it.

        What compiles is imported after that, as it takes long and something may be hot soon; if an
        earlier run has kept regions, that is not to be expected.
        """
        while self.state == WARMING:  # else it was made meanwhile
            sleep(max(WARM_UP - self._run_time(), 0))
            if self._run_time() >= WARM_UP:
                if self._is_finished_elsewhere():
                    self._has_arrived = True
                    self._runner.wake()
                    return
                with YIELDING:
                    BACKGROUND.do(self._make_ready)
                return
            if not self._runner.is_running:
                self._cool_down()

    def _is_finished_elsewhere(self) -> bool:
        """Whether another process has finished what an earlier run of the program left; if one is
        at it, wait for it. It would be done twice, and by two who hinder each other."""
        shelf, charging = self.shelf(), self._runner.is_charging
        if shelf is None:
            return False
        end = perf_counter() + LONGEST_WAIT
        is_at_work = True
        while is_at_work and self.state == WARMING and perf_counter() < end:
            is_at_work = shelf.is_at_work(self.given, charging=charging)
            if shelf.has(self.given, charging=charging):
                return True
            sleep(INTERVAL)
        return False

    def _run_time(self) -> float:
        """Seconds that the machine has run so far."""
        runner = self._runner
        return self.ran + (perf_counter() - runner.began if runner.is_running else 0)

    def _cool_down(self) -> None:
        """Leave it to the next run to ask for a JIT; but one that has begun just now did not."""
        self.state = COLD
        if self._runner.is_running and self.state == COLD:
            self.state = WARMING

    def _make_ready(self, *, alone: bool = False) -> None:
        if self._limits is None or self.state != WARMING:
            return
        self.made = self._runner.make_jit(self._limits())
        is_known = self.made.keeper.fetch(charging=self._runner.is_charging)
        self.state = WARM
        self._runner.wake()
        if not is_known and not alone:
            _load_compiler(self.made.params)

    def _import_jit(self) -> None:
        if self._limits is None:
            return
        params = self._limits()
        with YIELDING:
            with IMPORTS:
                import jitvm.engine.jit.jit
                import jitvm.engine.jit.kept  # noqa: F401
            self.state = WARM
            self._runner.wake()
            _load_compiler(params)

    def forget_threads(self) -> None:
        """In a child made by `fork`: nobody else warms it up any more."""
        if self.state == WARMING:
            self.state = COLD if self.made is None else WARM
            self._busy[0] = 0
