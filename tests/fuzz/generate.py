"""From a seed to a case: layout of the program, a profile of statements, parameters.

    zero page      |0000 or |0040   variables
    program        |0100            an outer loop around statements, BRK
                                    what events run, BRK
                                    functions, tables, arrays

Most profiles compile synchronously with thresholds of a few jumps, so that every program of some
thousand instructions has regions; `background` runs programs again and again with the default
parameters.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import fields

from jitvm.engine.tables.params import LIMITS
from jitvm.guests.uxn.assembler import AssemblyError, assemble
from jitvm.guests.uxn.assembler.errors import Problem
from tests.fuzz.case import Case
from tests.fuzz.expressions import ARRAYS, BYTES, SHORTS
from tests.fuzz.grammar import Grammar

_SELF = ("slot", "patch_slot", "patch_target", "immediate_patch", "generate", "zero_page_code")
_CALLS = ("call_statement", "table_call", "table_jump", "recurse", "return_data")

PROFILES: Mapping[str, Mapping[str, float]] = {
    "mixed": {},
    "cells": {"variable": 4, "computed_zero": 5, "overlap": 6, "array": 2, "edge": 3,
              "wild_store": 2},
    "calls": dict.fromkeys(_CALLS, 4.0),
    "selfmod": {**dict.fromkeys(_SELF, 6.0), "variable": 3, "wild_store": 5, "host_patch": 3},
    "stacks": {"vary_stack": 12, "recurse": 4, "return_data": 3, "pointers": 6},
    "devices": {"output": 4, "computed_port": 8, "host_patch": 8, "pointers": 8, "fault": 8},
    "events": {"output": 3, "if": 2, "table_jump": 2},
    "chaos": {"chaos": 40, "wild_store": 4, "edge": 3},
    "interrupts": {"loop": 3, "pointers": 3},
    "background": {"vary_stack": 0, "pointers": 0, "fault": 0, "break": 0, "chaos": 0},
}  # fmt: skip
"""How much more often than usual statements appear, by the kind of program."""

_SHORT_FORMS = {"STR": "STA", "LDR": "LDA", "STR2": "STA2", "LDR2": "LDA2", "JCN": "JCN2",
                "JMP": "JMP2", "JSR": "JSR2"}  # fmt: skip

_AGGRESSIVE: Mapping[str, tuple[int, ...]] = {
    "hot": (1, 2, 3, 8),
    "window": (64, 128, 300, 2048),
    "longest": (64, 1000, 8192),
    "nodes": (8, 16, 40, 200, 800),
    "recursion": (0, 1, 2, 3, 4),
    "inline": (0, 1, 3, 12),
    "ways": (1, 2, 4, 32),
    "table": (4, 8, 256),
    "depth": (8, 16, 64, 200),
    "cells": (0, 1, 2, 8, 24),
    "aliases": (1, 2, 16),
    "exit_hot": (1, 2, 16, 256),
    "link": (1, 10, 60, 20000),
    "quick": (8, 20, 40, 100, 500),
    "entries": (0, 1, 4, 12, 64),
    "growth": (0, 1, 3, 12),
    "invalidations": (1, 2, 16),
    "cooldown": (1, 2, 4),
    "background": (0,),
}


def generate(seed: int, kind: str) -> Case:
    """The case of a seed and a kind of `PROFILES`; the same one each time."""
    rng = random.Random(f"{kind} {seed}")
    while True:
        source = _repaired(_program(rng, kind))
        if source is not None:
            break
    case = Case(source, limit=1_000_000)
    params = _parameters(rng, kind)
    settings: dict[str, object] = {"params": params}
    if params.get("background", 1):
        settings["repeat"] = 200
    elif rng.random() < 0.3:
        settings["repeat"] = rng.choice((2, 3))
    if kind in ("stacks", "chaos") or rng.random() < 0.2:
        near = (0, 1, 2, 3, 5, 16, 100, 200, 240, 250, 253, 254, 255)
        settings.update(wst=rng.choice(near), rst=rng.choice(near))
    if kind == "events" or rng.random() < 0.1:
        settings["events"] = rng.randbytes(rng.choice((1, 30, 300)))
    if kind == "interrupts":
        settings["interrupts"] = rng.choice((20, 100, 700))
    elif rng.random() < 0.1:
        settings["pieces"] = tuple(rng.choice((0, 1, 2, 50, 999)) for _ in range(rng.randint(1, 6)))
    return _with(case, settings)


def _with(case: Case, settings: dict[str, object]) -> Case:
    values = {row.name: getattr(case, row.name) for row in fields(case)}
    return Case(**{**values, **settings})


# -- programs ------------------------------------------------------------------------------------


def _program(rng: random.Random, kind: str) -> str:
    grammar = Grammar(rng, PROFILES[kind])
    rounds = rng.choice((15, 40, 150, 600))
    depth = 2 if rounds > 100 else 3
    head = [f"|{rng.choice((0, 0x40)):04x}", *(f"@{name} $1" for name in BYTES)]
    head += [*(f"@{name} $2" for name in SHORTS), "@rnd $2 @fuel $2 @outer $2 @made $1", "|0100"]
    grammar.emit(";on-event #10 DEO2", f"#{rounds:04x} .outer STZ2", "@again")
    for _ in range(rng.choice((1, 3, 6))):
        grammar.body(depth, 3)
    grammar.emit(".outer LDZ2 #0001 SUB2 DUP2 .outer STZ2 ORA ?again", "BRK")
    grammar.emit("@on-event", "#12 DEI .zb0 STZ")
    grammar.body(1, 3)
    grammar.emit("BRK")
    arrays = [f"@{name} $40" for name in ARRAYS]
    middle = rng.random() < 0.3
    parts = [head, grammar.lines, arrays if middle else [], *grammar.later]
    parts += [[] if middle else arrays, ["00 ( end )"]]
    return "\n".join(line for part in parts for line in part) + "\n"


def _repaired(source: str) -> str | None:
    """The source with references that are too far made absolute; None where that does not help."""
    for _ in range(8):
        try:
            assemble(source)
        except AssemblyError as error:
            lines = source.split("\n")
            for diagnostic in error.diagnostics:
                if diagnostic.problem is not Problem.TOO_FAR:
                    return None
                line = lines[diagnostic.line - 1]
                lines[diagnostic.line - 1] = _absolute(line, diagnostic.token)
            source = "\n".join(lines)
        else:
            return source
    return None


def _absolute(line: str, reference: str) -> str:
    words = line.split(" ")
    for i, word in enumerate(words[:-1]):
        if word == reference and words[i + 1] in _SHORT_FORMS:
            words[i : i + 2] = [";" + word[1:], _SHORT_FORMS[words[i + 1]]]
    return " ".join(words)


# -- parameters ----------------------------------------------------------------------------------


def _parameters(rng: random.Random, kind: str) -> dict[str, int]:
    """Limits of the JIT: some tight ones, the others by default."""
    if kind == "background":
        return {"hot": rng.choice((1, 20, 400))} if rng.random() < 0.5 else {}
    often = 0.5 if kind == "interrupts" else 0.1
    chosen = {"hot": 4, "background": int(rng.random() < often)}
    share = rng.choice((0.0, 0.3, 1.0))
    for name, choices in _AGGRESSIVE.items():
        if name in LIMITS and (name == "hot" or rng.random() < share) and name != "background":
            low, high = LIMITS[name].low, LIMITS[name].high
            chosen[name] = min(max(rng.choice(choices), low), high)
    if rng.random() < 0.5:
        # As often as all others: regions made fast, which share callees where these are too many.
        chosen["speed"] = rng.choice((0, rng.randint(1, LIMITS["speed"].high)))
        if chosen["speed"] == 0:
            chosen.setdefault("quick", rng.choice((12, 20, 40, 100)))
    chosen.setdefault("window", 128)
    return chosen
