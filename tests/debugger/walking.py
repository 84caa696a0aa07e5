"""Programs to debug, and all states they go through, found out instruction by instruction.

The states are those of the reference interpreter, stepped forwards only: what any tier has to
show at a time, however it got there.
"""

from __future__ import annotations

import io
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jitvm.debugger.acts import Source
from jitvm.debugger.debugger import Debugger, Options
from jitvm.engine.machine.machine import Tier
from jitvm.engine.tables.params import Parameters
from jitvm.platform import registry
from jitvm.platform.script import parse_script

EAGER = Parameters(background=0, hot=5, window=64, longest=64, polish=0, speed=0)
TIERS = (Tier.INTERPRETER, Tier.JIT)

CONSOLE = """
|00 @count $1 &sum $2
|0100 @main ;on-byte #10 DEO2 #00 &loop INC DUP #18 LTH ?&loop POP BRK
@on-byte ( -> )
    #12 DEI add-up
    .count LDZ INC .count STZ
    .count LDZ #02 DIV .count LDZ ADD #18 DEO
    BRK
@add-up ( byte -- )
    #00 SWP DUP2 MUL2 .count/sum LDZ2 ADD2 .count/sum STZ2
    #0000 &wait INC2 DUP2 #0009 LTH2 ?&wait POP2 JMP2r
"""
CLOCK = """
|0100 ;on-frame #20 DEO2 ;on-key #80 DEO2 #00 ;on-frame/n STA BRK
@on-frame #c6 DEI #18 DEO ;&n LDAk INC ROT ROT STA
    [ LIT &n $1 ] POP #0000 &w INC2 DUP2 #0020 LTH2 ?&w POP2
    ;seen LDA2 INC2 DUP2 ;seen STA2 #0005 LTH2 ?&on #80 #0f DEO &on BRK
@on-key #83 DEI #19 DEO BRK
@seen 0000
"""
FILES = """
|a0 @File &vector $2 &success $2 &stat $2 &delete $1 &append $1
          &name $2 &length $2 &read $2 &write $2
|0100 ;name .File/name DEO2 #0003 .File/length DEO2 #00
    &more ;data .File/read DEO2 ;data LDA #18 DEO .File/success DEI2 ORA
        #0000 &w INC2 DUP2 #0010 LTH2 ?&w POP2 ?&more
    POP ;out .File/name DEO2 ;data .File/write DEO2 BRK
@name "in.txt 00 @out "out.txt 00 @data $8
"""
CHIP8 = bytes.fromhex(
    "6005 a300 f055 6101 2210 7001 1202 1202 7103 8010 f01e 00ee".replace(" ", "")
)


@dataclass(frozen=True)
class Case:
    """A program and its input.

    Attributes:
        name: of its file.
        data: its bytes, or source.
        stdin: standard input.
        script: the user's input.
        length: instructions at most.
        has_clock: whether it reads the time.
    """

    name: str
    data: bytes
    stdin: bytes = b""
    script: str = ""
    length: int = 1500
    has_clock: bool = False


CASES = {
    "console": Case("console.tal", CONSOLE.encode(), stdin=b"debug!"),
    "frames": Case("frames.tal", CLOCK.encode(), script="2 key x\n4 key y\n",
                   has_clock=True),
    "files": Case("files.tal", FILES.encode()),
    "chip8": Case("loop.ch8", CHIP8, length=400),
}  # fmt: skip


class Clock:
    """A time that goes on with each look at it."""

    def __init__(self) -> None:
        self.seconds = 0

    def timetuple(self) -> Any:
        self.seconds += 1
        return time.struct_time((2024, 2, 29, 12, 0, self.seconds % 60, 3, 60, 0))


def _running(case: Case) -> dict[str, Any]:
    if not case.has_clock:
        return {}
    clock = Clock()
    return {"clock": lambda: clock}


def debugger_of(case: Case, tier: Tier, out: bytearray | None = None) -> Debugger:
    """A new debugger of a program."""
    platform = registry.named("chip8" if case.name.endswith(".ch8") else "uxn")
    program = platform.read(io.BytesIO(case.data), case.name)
    heard = bytearray() if out is None else out
    return Debugger(
        platform, program,
        Options(
            tier=tier,
            params=None if tier is Tier.REFERENCE else EAGER,
            running=_running(case),
            source=Source(
                case.stdin, is_whole=True,
                script=parse_script(case.script) if case.script else None,
            ),
            write=lambda data, _: heard.extend(data),
        ),
    )  # fmt: skip


State = tuple[int, int, tuple[bytes, ...], int]


def state_of(debugger: Debugger) -> State:
    """Time, program counter, live bytes of stacks, and a digest of memory and ports."""
    state = debugger.state
    stacks = tuple(
        bytes(stack[:pointer]) for stack, pointer in zip(state.stacks, state.pointers, strict=True)
    )
    digest = zlib.crc32(bytes(state.ports.page))
    for space in state.spaces:
        digest = zlib.crc32(bytes(space), digest)
    return debugger.history.time, state.pc, stacks, digest


@dataclass(frozen=True)
class Walk:
    """All states of a run, by time; the bytes of memory at each; what it wrote."""

    states: Sequence[State]
    memory: Sequence[bytes]
    output: bytes

    @property
    def last(self) -> int:
        """The latest time."""
        return len(self.states) - 1


@cache
def walk(name: str) -> Walk:
    """A case's run."""
    case, out = CASES[name], bytearray()
    debugger = debugger_of(case, Tier.REFERENCE, out)
    states, memory = [state_of(debugger)], [bytes(debugger.machine.memory[:0x1000])]
    while len(states) <= case.length:
        is_last = debugger.step().reason != "step"
        if debugger.history.time == len(states):
            states.append(state_of(debugger))
            memory.append(bytes(debugger.machine.memory[:0x1000]))
        if is_last:
            break
    debugger.computer.output.flush()
    return Walk(states, memory, bytes(out))
