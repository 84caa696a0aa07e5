"""The ``jitvm`` command: one file a subcommand, one row each in `commands`."""

from jitvm.cli.unheard import Unheard

with Unheard():
    from jitvm.cli.main import main

__all__ = ["main"]
