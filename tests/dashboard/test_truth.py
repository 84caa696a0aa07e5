"""Pages tell the truth: which instructions were counted, when a run ended, what could be helped."""

from __future__ import annotations

from itertools import pairwise

import pytest

from jitvm.dashboard.runner import Activity
from jitvm.dashboard.session import Session
from jitvm.dashboard.source import Message
from tests.clock import until
from tests.dashboard.runs import COUNT, SHORT, TINY, WRAPS, session


def test_counting_that_changes_while_it_runs_is_told_of_each_sample() -> None:
    with session(COUNT) as run:
        until(lambda: run.sampler.run and run.sampler.run.regions.rows)
        found = run.sampler.run
        assert found is not None
        until(lambda: any(each.counted == 0 and each.in_native for each in found.series.samples))
        run.command({"do": "count", "on": True})
        until(lambda: _news_of(run)["totals"]["native"])
        until(lambda: found.series.samples[-1].counted > 0 and found.series.samples[-1].native)
        totals = _news_of(run)["totals"]
        assert totals["counting"]
        assert not totals["counted"]
        assert any(sample.counted == 0 and sample.in_native for sample in found.series.samples)
        # The ratio of all would be of instructions that were counted to some that were not.
        assert "native_ratio" not in run.metrics()
        run.command({"do": "count", "on": False})
        until(lambda: not _news_of(run)["totals"]["counting"])
        last = len(found.series.samples)
        until(lambda: len(found.series.samples) > last + 1)
        assert found.series.samples[-1].counted == 0


def test_counting_is_not_changed_on_what_is_over() -> None:
    with session(SHORT, stdin=b"") as run:
        until(lambda: run.runner.activity is Activity.ENDED)
        found = run.sampler.run
        assert found is not None
        until(lambda: found.ended is not None)
        regions = set(found.regions.rows)
        samples = len(found.series.samples)
        run.command({"do": "count", "on": True})
        until(lambda: _news_of(run)["totals"]["wanted"])
        run.sampler.beat()
        assert set(found.regions.rows) == regions
        assert not run.target.machine.counting
        assert not _news_of(run)["totals"]["counting"]
        assert len(found.series.samples) == samples
        run.command({"do": "restart"})
        until(lambda: run.sampler.run is not found and run.runner.activity is Activity.ENDED)
        assert run.target.machine.counting
        until(lambda: run.sampler.run and run.sampler.run.ended is not None)
        assert run.sampler.run is not None
        assert run.sampler.run.is_counted


def test_samples_reach_to_the_end_of_a_run_without_gaps_and_no_further() -> None:
    with session(SHORT, stdin=b"", counting=True) as run:
        until(lambda: run.sampler.run and run.sampler.run.ended is not None)
        found = run.sampler.run
        assert found is not None
        samples = found.series.samples
        assert samples[0].end == pytest.approx(samples[0].span, abs=1e-6)
        for before, after in pairwise(samples):
            assert after.end - after.span == pytest.approx(before.end, abs=1e-6)
        assert found.now == samples[-1].end
        assert samples[-1].paused == 0
        spent = sum(each.running + each.waiting + each.paused for each in samples)
        assert spent == pytest.approx(samples[-1].end, abs=1e-6)


def test_code_that_was_never_native_has_no_native_time() -> None:
    with session(TINY, stdin=b"") as run:
        until(lambda: run.sampler.run and run.sampler.run.ended is not None)
        found = run.sampler.run
        assert found is not None
        assert found.is_counted
        assert found.executed > 1000
        assert found.native == 0
        assert sum(each.in_native for each in found.series.samples) == 0


def test_exits_that_can_be_avoided_are_not_native_either() -> None:
    with session(WRAPS, hot=50) as run:
        until(lambda: "WRAP" in {row[1] for row in _news_of(run).get("aborts", ())})
        (row,) = (row for row in _news_of(run)["aborts"] if row[:2] == ["left", "WRAP"])
        assert row[3] == sum(each[3] for each in _news_of(run)["exits"] if each[1] == "WRAP")


def _news_of(run: Session) -> Message:
    """What a page that comes now is told first."""
    viewer = run.viewer()
    try:
        return viewer.news() or {}
    finally:
        viewer.close()
