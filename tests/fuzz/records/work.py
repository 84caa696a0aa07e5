"""What a child process does: it decodes the batches of one case, and prints counts."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from jitvm.guests.wire.faults import SchemaError
from tests.fuzz.guarded import Guarded
from tests.fuzz.records.case import RecordCase
from tests.wire.judging import BYTES

LOOKED_AT = 8
"""Of so many hasty batches one has its values looked at."""
LEAST = 4
"""Batches of a case at least: native code is made in the first ones."""
CHOOSING = 0.1
"""How often instructions are chosen anew before a batch: what is native is made anew then."""


def main(package: str, make: Callable[[int], RecordCase]) -> int:
    """Run; 1 where the decoder and the oracle differ.

    Args:
        package: of the format, for people.
        make: the case of a seed.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {package}.worker")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    args = parser.parse_args()
    case = make(args.seed)
    names = ("messages", "mistakes", "judged", "batches", "regions", "seconds")
    counts = dict.fromkeys(names, 0)
    begin = time.process_time()
    try:
        judge = case.judge()
    except SchemaError as error:  # what cannot be had
        print(error, file=sys.stderr)
    else:
        decode(case, judge, counts, args.seconds, LEAST)
        for machine in judge.decoder.machines():
            if machine.jit is not None:
                counts["regions"] += machine.jit.statistics.installed
    counts["seconds"] = round(time.process_time() - begin)
    print(json.dumps(counts))
    return 0


def decode(
    case: RecordCase, judge: Any, counts: dict[str, int], seconds: float, least: int = 1
) -> None:
    """Decode batches for some seconds, and so many of them at least."""
    memory = Guarded(BYTES)
    choices = case.choices()
    end = time.monotonic() + seconds
    for number, batch in enumerate(case.batches(judge)):
        if number >= least and time.monotonic() >= end:
            return
        while sum(map(len, batch)) > BYTES:
            del batch[len(batch) // 2 :]
        if choices.random() < CHOOSING:
            judge.choose(choices)
        put = partial(memory.put, at_end=choices.random() < 0.7)
        looks = not case.is_hasty or number % LOOKED_AT == 0
        try:
            done = judge.agree(batch, put, **({} if looks else {"looks_at_rows": False}))
        except BaseException:
            print(f"batch {number}: {[each.hex() for each in batch]}"[:100_000], file=sys.stderr)
            raise
        counts["messages"] += done.seen
        counts["judged"] += done.seen
        counts["mistakes"] += len(done.mistakes)
        counts["batches"] += 1
