"""Varvara, the computer around Uxn: the devices of a console program, one file each."""

from jitvm.guests.uxn.varvara.computer import Computer
from jitvm.guests.uxn.varvara.console import Type
from jitvm.guests.uxn.varvara.program import Rom, RomError
from jitvm.platform.evaluator import Ending, LimitReached
from jitvm.platform.output import OutputError

__all__ = [
    "Computer",
    "Ending",
    "LimitReached",
    "OutputError",
    "Rom",
    "RomError",
    "Type",
]
