"""Errors raised by recorded sessions, which are described in `jitvm.platform.tools.Sessions`."""

from __future__ import annotations


class SessionError(Exception):
    """A session cannot be recorded, read or replayed; the message says why and what to do."""


class DivergedError(SessionError):
    """A replayed program does something else than it did when it was recorded.

    Attributes:
        frame: the frame it was noticed in.
    """

    def __init__(self, frame: int, message: str) -> None:
        super().__init__(f"frame {frame}: {message}")
        self.frame = frame
