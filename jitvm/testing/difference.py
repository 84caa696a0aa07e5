"""The error for tiers that differ."""

from __future__ import annotations


class Difference(AssertionError):
    """A tier does not do what the reference does; the message says which, where and in what."""
