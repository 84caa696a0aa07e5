"""The ``jitvm`` command: one file per subcommand, each with a row in `commands`."""

import gc

from jitvm.cli.unheard import Unheard

COLLECT_AFTER = 100_000
"""New objects between two looks for cyclic garbage. With Python's 700 a tenth of a short run went
into looking through modules and classes, which are never garbage."""

with Unheard():
    gc.set_threshold(COLLECT_AFTER)
    from jitvm.cli.main import main

__all__ = ["main"]
