"""What all tests of the wire guest have in common."""

from __future__ import annotations

import pytest

from jitvm.guests.wire.decoder import Decoder


@pytest.fixture(autouse=True)
def _native_code_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that batches are what they are however long compiling takes."""
    monkeypatch.setattr(Decoder, "is_ready", True)
