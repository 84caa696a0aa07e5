"""Programs and runs that the dashboard's tests watch."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jitvm.dashboard.computer import WatchedComputer
from jitvm.dashboard.debugged import DebuggedComputer
from jitvm.dashboard.runner import OVER, Activity
from jitvm.dashboard.session import Session
from jitvm.engine.tables.params import Parameters
from jitvm.guests.uxn.assembler import assemble
from jitvm.guests.uxn.platform import PLATFORM
from jitvm.guests.uxn.varvara.program import Program, Rom
from jitvm.platform import registry
from tests.clock import until

COUNT = """
|10 @Console &vector $2 &read $1 &pad $4 &type $1 &write $1
|0100
@main LIT "! .Console/write DEO
    #0000 &loop ;step JSR2 !&loop
@step INC2 DUP2 #00ff AND2 ORA ?{ #00 POP } JMP2r
"""
"""Says ! and counts for ever, with a call."""
LAPS = "|0100 #0000 &loop INC2 ORAk ?&loop #e1 DEIk INC SWP DEO !&loop"
"""Counts for ever, and in a port how often its 65536 numbers were over."""
SHORT = """
|18 @out
|0100 @main #0000
    &outer #0000 &loop INC2 DUP2 #ffff NEQ2 ?&loop POP2 INC2 DUP2 #0400 NEQ2 ?&outer POP2
    LIT "e .out DEO BRK
"""
"""Counts for half a second, says e and ends."""
ECHO = """
|10 @Console &vector $2 &read $1 &pad $4 &type $1 &write $1
|0100 ;on-byte .Console/vector DEO2 BRK
@on-byte .Console/type DEI #04 EQU ?&end .Console/read DEI .Console/write DEO BRK
    &end #80 #0f DEO BRK
"""
"""Repeats what it is given."""
DRAW = """
|00 @x $2
|20 @Screen &vector $2 &width $2 &height $2 &auto $1 &pad $1 &x $2 &y $2 &addr $2 &pixel $1
|80 @Controller &vector $2 &button $1 &key $1
|90 @Mouse &vector $2 &x $2 &y $2 &state $1
|18 @out |08 @r $2 &g $2 &b $2
|0100
    #f00f .r DEO2 #f0f0 .r/g DEO2 #ff00 .r/b DEO2
    #0040 .Screen/width DEO2 #0030 .Screen/height DEO2
    ;on-frame .Screen/vector DEO2 ;on-key .Controller/vector DEO2
    ;on-mouse .Mouse/vector DEO2 BRK
@on-frame #0000 &loop INC2 DUP2 #0800 NEQ2 ?&loop POP2
    .x LDZ2 INC2 DUP2 .x STZ2 #003f AND2 .Screen/x DEO2 #01 .Screen/pixel DEO BRK
@on-key .Controller/key DEI DUP ?{ POP BRK } .out DEO BRK
@on-mouse .Mouse/state DEI ?{ BRK } LIT "m .out DEO BRK
"""
"""Draws a line of pixels, repeats keys, says m for each event of a pressed mouse."""
REWRITE = """
|0100 @main
    &outer #0000 &loop INC2 ;run JSR2 DUP2 #ffff NEQ2 ?&loop POP2
    ;run/code LDA #01 EOR ;run/code STA !&outer
@run DUP #00 &code ADD POP JMP2r
"""
"""Changes an instruction of its hot loop now and then."""

CALLS = """
|0100
@main #0000 &loop outer INC2 !&loop
@outer inner inner JMP2r
@inner #0000 &wait INC2 DUP2 #0100 LTH2 ?&wait POP2 JMP2r
"""
"""Calls for ever."""
LONG = SHORT.replace("#0400", "#1000")
"""Counts for seconds, and ends."""
TINY = "|0100 @main #0000 &loop INC2 DUP2 #0100 NEQ2 ?&loop POP2 BRK"
"""Ends before anything is hot."""
WRAPS = "|0100 @main #0000 &loop INC2 DUP #01 AND #fe ADD LDZ2 POP2 !&loop"
"""Reads words that straddle the end of their page."""
CLOCK = "|c6 @second |0100 #0000 &loop INC2 .second DEI POP !&loop"
"""Asks a device of Python's again and again."""


def program(source: str, name: str = "test.tal") -> Program:
    """A source as a program with its labels and lines."""
    assembly = assemble(source, name=name)
    return Program(Rom(assembly.rom), assembly.symbols, source_map=assembly.source_map)


def target(source: str, **options: Any) -> WatchedComputer:
    """A computer with a program, as the dashboard sees it."""
    none = {"sandbox": None}
    return WatchedComputer(PLATFORM, program(source), "test.tal", options=none, **options)


@contextmanager
def session(
    source: str, *, hot: int = 400, waits: bool = False, **options: Any
) -> Iterator[Session]:
    """A run that goes on.

    Args:
        source: the program.
        hot: the parameter.
        waits: whether it waits for the compiler, so that what becomes hot is native in any case.
        options: of the session, and `stdin`.
    """
    params = Parameters(hot=hot, background=0 if waits else 1)
    stdin = options.pop("stdin", None)
    with Session(target(source, stdin=stdin), params, **options) as made:
        until(lambda: made.sampler.run is not None or made.runner.activity in OVER)
        assert made.sampler.run is not None, made.runner.trouble
        yield made


@contextmanager
def debugged(
    source: str | bytes, *, stdin: bytes | None = None, platform: str = "uxn", hot: int = 400
) -> Iterator[tuple[Session, DebuggedComputer]]:
    """A run by the debugger, paused before its first instruction."""
    if isinstance(source, bytes):
        found = registry.named(platform)
        made = DebuggedComputer(found, found.read(io.BytesIO(source), "test.ch8"), "test.ch8")
    else:
        none = {"sandbox": None}
        made = DebuggedComputer(PLATFORM, program(source), "test.tal", options=none, stdin=stdin)
    with Session(made, Parameters(hot=hot), paused=True, counting=True) as run:
        until(lambda: made.view is not None)
        yield run, made


def stand_still(run: Session) -> None:
    """Pause a run and have everything of it looked at: regions stay as they are from now on."""
    run.runner.pause()
    until(lambda: run.runner.activity is Activity.PAUSED)
    run.sampler.is_asked = True
    run.sampler.beat()
