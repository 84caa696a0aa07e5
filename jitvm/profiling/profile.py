"""A profile: what one machine did while a ``with`` block lasted, as tables.

    with profile(machine) as p:
        machine.run(0x100)
    p.native_share                  the number to look at first
    pandas.DataFrame(p.labels)      any table

The results are in `jitvm.profiling.measured`; this file starts and stops the measurement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jitvm.engine.tables.place import Naming, nameless
from jitvm.profiling.collector import Collector, Mode
from jitvm.profiling.measured import Measured, ProfileError

if TYPE_CHECKING:
    from typing import Self

    from jitvm.engine.machine.inspect import Machine


class Profile(Measured):
    """What a machine does between `start` and `stop`, or in a ``with`` block.

    Args:
        machine: what is watched, not running yet; None: the first one that is made in the block.
        mode: what is counted; see `Mode`.
        naming: turns addresses into places people know.
        title: what it is a profile of.
    """

    def __init__(
        self,
        machine: Machine | None = None,
        *,
        mode: Mode = Mode.SAMPLED,
        naming: Naming = nameless,
        title: str = "",
    ) -> None:
        collector = None if machine is None else Collector(machine, mode)
        super().__init__(collector, mode=mode, naming=naming, title=title)

    # -- from and to -------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to watch, on the thread that will run the machine."""
        if self._collector is not None:
            self._collector.start()
            return
        from jitvm.engine.machine.inspect import Machine

        if Machine.made is not None:
            raise ProfileError("another profile waits for a machine already; give this one its own")
        Machine.made = self._watch

    def _watch(self, machine: Machine) -> None:
        """The machine that was waited for is there."""
        from jitvm.engine.machine.inspect import Machine

        Machine.made = None
        self._collector = Collector(machine, self.mode)
        self._collector.start()

    def stop(self) -> None:
        """End; the machine then runs as it did before."""
        if self._collector is None:
            from jitvm.engine.machine.inspect import Machine

            Machine.made = None
        elif self._collector.is_running:
            self._collector.stop()
            self._collector.restore_mode()

    @property
    def is_running(self) -> bool:
        """Whether the machine is being watched."""
        return self._collector is not None and self._collector.is_running

    # -- as text -----------------------------------------------------------------------------

    def __str__(self) -> str:
        from jitvm.profiling.text import plain

        return plain(self)

    def __repr__(self) -> str:
        if self._collector is None:
            return f"<Profile {self.title} of no machine yet>".replace("  ", " ")
        from jitvm.profiling.summary import headline

        return f"<Profile {headline(self)}>"

    def _repr_html_(self) -> str:
        """The summary's tables, for notebooks."""
        from jitvm.profiling.htmltables import notebook

        return notebook(self)
