"""The ``jitvm`` command: one file per subcommand, each with a row in `commands`."""

from jitvm.cli.unheard import Unheard

with Unheard():
    from jitvm.cli.main import main

__all__ = ["main"]
