"""Starting threads when that may be refused.

A process limit, a sandbox, or interpreter shutdown (from Python 3.12 on) may refuse new threads.
Nothing in jitvm needs one to be correct; each user of `started` says what it does without.
"""

from __future__ import annotations

from _thread import start_new_thread

from jitvm.engine.host.notes import note

TYPE_CHECKING = False  # known to type checkers; `typing` costs 4 ms at start
if TYPE_CHECKING:
    from collections.abc import Callable


def started(function: Callable[[], object]) -> bool:
    """Call a function on a thread of its own, a daemon; False if there is none to be had."""
    try:
        start_new_thread(function, ())
    except RuntimeError as error:
        if "shutdown" not in str(error):  # the end of the interpreter need not be reported
            note("no more threads", "what they would do is done in between, or left out")
        return False
    return True
