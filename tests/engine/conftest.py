"""What tests of the engine share."""

from __future__ import annotations

import pytest

from jitvm.engine.host import process
from tests.clock import HANGS


@pytest.fixture
def patient_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    """However late the machine lets a guest's thread come back, forks wait for it."""
    for name in ("PATIENCE", "CALL_PATIENCE", "GATE_PATIENCE"):
        monkeypatch.setattr(process, name, HANGS)
