"""Forked workers that run other programs than their parent, for as long as one likes."""

from __future__ import annotations

import os
import signal
from collections import Counter
from time import monotonic

import jitvm
from jitvm.engine.tables.params import Parameters

TEXT = """
|18 @out
|0100 @main
    #0000 &outer
        #0000 &loop INC2 {body} DUP2 #ffff NEQ2 ?&loop POP2
        INC2 DUP2 #0008 NEQ2 ?&outer
    POP2 #{letter:02x} .out DEO BRK
"""


def rom_for(number: int) -> bytes:
    """A program that is hot, each its own, and ends by writing the letter of its number."""
    body = " ".join(f"#{number:02x}{i:02x} EOR2 #{number:02x}{i:02x} EOR2" for i in range(number))
    return bytes(jitvm.assemble(TEXT.format(body=body, letter=0x41 + number)).rom)


def answer(number: int) -> bytes:
    """What a program writes, compiled while it runs."""
    return jitvm.run(rom_for(number), params=Parameters(background=0)).stdout


def soak(seconds: float) -> set[int]:
    """Fork workers for some time; how they ended: 0 is right, 3 wrong output, below 0 a signal."""
    assert answer(0) == b"A"
    results: Counter[int] = Counter()
    end = monotonic() + seconds
    while monotonic() < end:
        for number in (1, 2, 3):
            if os.fork() == 0:
                signal.alarm(60)
                right = all(answer(number) == bytes([0x41 + number]) for _ in range(3))
                os._exit(0 if right else 3)
        for _ in range(3):
            results[os.waitstatus_to_exitcode(os.wait()[1])] += 1
    print(f"ends of {results.total()} children: {dict(results)}")
    return set(results)
