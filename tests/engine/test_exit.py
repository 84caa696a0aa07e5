"""The end of a process takes nothing away from under its guests. Long: ``python -m tests.soak``."""

from __future__ import annotations

import gc

import pytest

from tests.clock import until
from tests.soak.exits import CASES, end_of
from tests.soak.machines import figures, make


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("delay", [0.05, 0.2])
def test_processes_end_as_they_should(name: str, delay: float) -> None:
    assert end_of(name, delay) == ""


def test_machines_leave_nothing_behind() -> None:
    make(60)
    gc.collect()
    before = figures()
    make(60)
    make(3, guests=True)

    def is_given_back() -> bool:
        """Threads that warm a machine up hold it for some milliseconds."""
        gc.collect()
        after = figures()
        return after["fd"] <= before["fd"] and after["code"] <= before["code"]

    assert until(is_given_back)
