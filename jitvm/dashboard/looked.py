"""A run with what looks at it: the part of a `Source` that needs no say in the run.

`jitvm.dashboard.session` has runs of its own, `jitvm.dashboard.watching` those of others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jitvm.dashboard import detail
from jitvm.dashboard.feed import LiveViewer
from jitvm.dashboard.figures import totals
from jitvm.dashboard.metrics import exposition
from jitvm.dashboard.runner import Activity
from jitvm.dashboard.series import COLUMNS
from jitvm.engine.tables.params import LIMITS, Parameters
from jitvm.engine.tables.reasons import Reason

if TYPE_CHECKING:
    from jitvm.dashboard.console import Transcript
    from jitvm.dashboard.runner import Worker
    from jitvm.dashboard.sampler import Run, Sampler
    from jitvm.dashboard.source import Message
    from jitvm.dashboard.target import Seen
    from jitvm.engine.machine.inspect import RegionView


class LookedAt:
    """A run that is looked at.

    Attributes:
        target: what runs.
        runner: on which thread.
        sampler: what looks at it.
        transcript: what it has printed.
    """

    target: Seen
    runner: Worker
    sampler: Sampler
    transcript: Transcript

    def facts(self) -> Message:
        """What stays as it is, of all runs."""
        return {
            "type": "hello",
            "live": True,
            "debug": self.target.debugging is not None,
            "name": self.target.name,
            "input": False,
            "columns": list(COLUMNS),
            "reasons": {reason.name: [reason.value.what, reason.value.advice] for reason in Reason},
            "params": [
                {"name": name, "default": getattr(Parameters(), name), **limit.row()}
                for name, limit in LIMITS.items()
            ],
        }

    def viewer(self) -> LiveViewer:
        """A place at the beginning of the run."""
        return LiveViewer(self.target, self.runner, self.sampler, self.transcript)

    def region(self, number: int) -> Message | None:
        """One region with its texts and counts."""
        found = self._installed(number)
        if found is None:
            return None
        run, region = found
        return detail.detail(self.target, run.look, region)

    def assembly(self, number: int) -> list[str] | None:
        """Its machine code, compiled again from its LLVM text."""
        found = self._installed(number)
        return None if found is None else found[1].assembly()

    def _installed(self, number: int) -> tuple[Run, RegionView] | None:
        with self.sampler.lock:
            run = self.sampler.run
            row = None if run is None else run.regions.rows.get(number)
            return None if run is None or row is None else (run, row.region)

    def metrics(self) -> str:
        """Figures for Prometheus."""
        with self.sampler.lock:
            run = self.sampler.run
            if run is None:
                return exposition({}, {}, Activity.RUNNING, {})
            refused = run.journal.places()[0]
            by_reason: dict[str, int] = {}
            for (reason, _), times in refused.items():
                by_reason[reason] = by_reason.get(reason, 0) + times
            return exposition(
                totals(run, self.runner, self.sampler.viewers),
                run.slow["reasons"],
                self.runner.activity,
                by_reason,
            )
