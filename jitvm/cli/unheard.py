"""Ctrl-C while the command itself is being imported ends the process quietly.

Otherwise Python would raise `KeyboardInterrupt` in the middle of an import and print a traceback.
This file imports only built-in modules, as Ctrl-C is not handled until it has run.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]


class Unheard:
    """Leaves Ctrl-C to the system for a ``with`` block."""

    def __enter__(self) -> None:
        self._before = None
        if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
            try:
                self._before = _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
            except ValueError:  # only the main thread may
                return

    def __exit__(self, *_error: object) -> None:
        if self._before is not None:
            _signal.signal(_signal.SIGINT, self._before)
