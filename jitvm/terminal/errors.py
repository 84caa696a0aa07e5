"""Errors of terminals."""

from __future__ import annotations


class TerminalError(RuntimeError):
    """There is no terminal to show a picture in; the message says what to do."""
