"""See what the JIT does, in a browser: a live page about one run, or a saved one.

    target --> runner    the guest's thread: slices, pause, steps, restarts
    machine <-- sampler  samples ten times a second, in as much detail as it can afford
    journal              the JIT's events, counted and kept
    feed <-- server      what is new for each page; loopback only, with a token

`session` ties them together, `debugged` has a run's target be a debugger, `saved` writes runs to
files and opens them again, `compared` shows two of them, `static/` is the page. A run of another
process is `observed` there and `attached` here. The page needs the extra ``jitvm[dashboard]``;
nothing here is imported unless it is used.
"""

from __future__ import annotations

import sys
from types import ModuleType

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Any


class _Package(ModuleType):
    """This package, which is a function as well: `jitvm.dashboard` (see `jitvm.facade`)."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        from jitvm.facade import dashboard

        return dashboard(*arguments, **options)


sys.modules[__name__].__class__ = _Package
