"""A child process that decodes the batches of one case for some seconds, and prints counts."""

from __future__ import annotations

import argparse
import json
import sys
import time
from functools import partial

from jitvm.guests.wire.faults import SchemaError
from tests.fuzz.avro.case import AvroCase
from tests.fuzz.guarded import Guarded
from tests.wire.avros import BYTES, Judge


def main() -> int:
    """Run; 1 where the decoder and fastavro differ."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.avro.worker")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    args = parser.parse_args()
    case = AvroCase(args.seed)
    names = ("messages", "mistakes", "judged", "batches", "regions")
    counts = dict.fromkeys(names, 0)
    try:
        judge = case.judge()
    except SchemaError as error:  # elements of no bytes
        print(error, file=sys.stderr)
    else:
        decode(case, judge, counts, args.seconds)
        for machine in judge.decoder.machines():
            if machine.jit is not None:
                counts["regions"] += machine.jit.statistics.installed
    print(json.dumps(counts))
    return 0


def decode(case: AvroCase, judge: Judge, counts: dict[str, int], seconds: float) -> None:
    """Decode batches for some seconds, and one at least."""
    memory = Guarded(BYTES)
    choices = case.choices()
    end = time.monotonic() + seconds
    for number, batch in enumerate(case.batches(judge)):
        if number and time.monotonic() >= end:
            return
        if sum(map(len, batch)) > BYTES:
            continue
        if choices.random() < 0.3:
            judge.choose(choices)
        put = partial(memory.put, at_end=choices.random() < 0.7)
        try:
            done = judge.agree(batch, put)
        except BaseException:
            print(f"batch {number}: {[each.hex() for each in batch]}", file=sys.stderr)
            raise
        counts["messages"] += done.seen
        counts["judged"] += done.seen
        counts["mistakes"] += len(done.mistakes)
        counts["batches"] += 1


if __name__ == "__main__":
    sys.exit(main())
