"""Screens to test."""

from __future__ import annotations

import pytest

from tests.varvara.screen.pair import Pair


@pytest.fixture
def pair() -> Pair:
    """A small screen and its model."""
    return Pair()
