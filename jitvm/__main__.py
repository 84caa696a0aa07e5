"""``python -m jitvm`` is the ``jitvm`` command."""

from jitvm.cli.main import program

program()
