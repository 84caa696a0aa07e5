"""Errors of windows."""

from __future__ import annotations


class WindowError(RuntimeError):
    """There can be no window, or not any longer; the message says why and what to do."""
