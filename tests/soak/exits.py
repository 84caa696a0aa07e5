"""Processes that end while guests run on threads of theirs."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter

PRELUDE = """
import atexit, os, sys, threading, time, jitvm
from jitvm.engine.tables.params import Parameters

def rom(text):
    return bytes(jitvm.assemble(text).rom)

LOOP = rom("|0100 @main #0000 &l INC2 !&l")
DEVICES = rom("|0100 @main #0000 &l INC2 #13 DEI POP #01 #18 DEO !&l")
SHORT = rom("|0100 #0000 &l INC2 ORAk ?&l BRK")

def endless():
    jitvm.run(LOOP)

def with_devices(seconds=0.0):
    machine = jitvm.Machine(jitvm.UXN, tier=jitvm.Tier.JIT)
    machine.memory[0x100 : 0x100 + len(DEVICES)] = DEVICES
    machine.on_read(0x13, lambda: (time.sleep(seconds), 1)[1])
    machine.on_write(0x18, lambda byte: None)
    machine.run(0x100)

def short():
    assert jitvm.run(SHORT).exit_code == 0

def daemon(function, *args):
    threading.Thread(target=function, args=args, daemon=True).start()
"""
CASES = {
    "a daemon thread": ("daemon(endless); time.sleep(DELAY)", 0),
    "several": ("[daemon(endless) for _ in range(5)]; time.sleep(DELAY)", 0),
    "host functions": ("daemon(with_devices); time.sleep(DELAY)", 0),
    "one that sleeps": ("daemon(with_devices, 0.05); time.sleep(DELAY)", 0),
    "one that sleeps longer": ("daemon(with_devices, 60); time.sleep(DELAY)", 0),
    "a code": ("daemon(endless); time.sleep(DELAY); sys.exit(7)", 7),
    "at once": ("daemon(endless); time.sleep(DELAY); os._exit(9)", 9),
    "a function at exit": ("atexit.register(short); daemon(endless); time.sleep(DELAY)", 0),
    "a thread to be waited for": ("threading.Thread(target=short).start()", 0),
    "while it starts": ("daemon(endless)", 0),
    "a child": (
        "daemon(endless); time.sleep(DELAY)\nif os.fork() == 0: sys.exit(0)\nos.wait()",
        0,
    ),
}


def end_of(name: str, delay: float) -> str:
    """How a process of this kind ends: empty where it is as it should."""
    code, wanted = CASES[name]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PRELUDE + code.replace("DELAY", f"{delay}")],
        capture_output=True,
        timeout=120,
        check=False,
    )
    if (done.returncode, done.stderr) == (wanted, b""):
        return ""
    return f"{done.returncode} {done.stderr.decode()}"


def soak(runs: int) -> set[str]:
    """End many processes of each kind; how they ended, where it was wrong."""
    wrong: Counter[str] = Counter()
    for _ in range(runs):
        wrong.update(end_of(name, 0.02 + 0.5 * random.random()) for name in CASES)
    del wrong[""]
    print(f"{runs} runs of each of {len(CASES)} kinds; wrong ends: {dict(wrong)}")
    return set(wrong)
