"""A child process that decodes the batches of one case for some seconds, and prints counts."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from jitvm.engine.codegen.native import Compiler
from jitvm.guests.wire.decoder import Decoder
from tests.engine.emulated import EmulatedMachine
from tests.fuzz.guarded import Guarded
from tests.fuzz.wire.case import WireCase
from tests.jit.emulated import emulated_jit
from tests.wire.pair import BYTES, PARAMS, Pair, check_meaning


def main() -> int:
    """Run; 1 where decoders differ."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.wire.worker")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    args = parser.parse_args()
    case = WireCase(args.seed)
    pair = Pair(case.name, tier=case.tier, **case.options)
    counts = dict.fromkeys(("messages", "mistakes", "judged", "batches", "regions"), 0)
    with _machines(pair, case):
        _decode(pair, case, counts, args.seconds)
        for machine in pair.native.machines():
            if machine.jit is not None:
                counts["regions"] += machine.jit.statistics.installed
    print(json.dumps(counts))
    return 0


def _decode(pair: Pair, case: WireCase, counts: dict[str, int], seconds: float) -> None:
    memory = Guarded(BYTES)
    choices = case.choices()
    end = time.monotonic() + seconds
    for number, batch in enumerate(case.batches()):
        if number and time.monotonic() >= end:
            return
        if choices.random() < 0.3:
            pair.choose(choices)
        put = partial(memory.put, at_end=choices.random() < 0.7)
        try:
            done = pair.agree(batch, put)
            if case.is_whole:
                rows = pair.rows(done.rows)
                faults = {at: fault for at, _, fault, _ in done.mistakes}
                assert len(rows) == len(batch)
                counts["judged"] += sum(
                    check_meaning(pair, data, ours, faults.get(at))
                    for at, (data, ours) in enumerate(zip(batch, rows, strict=True))
                )
        except BaseException:
            print(f"batch {number}: {[each.hex() for each in batch]}", file=sys.stderr)
            raise
        counts["messages"] += done.seen
        counts["mistakes"] += len(done.mistakes)
        counts["batches"] += 1


@contextmanager
def _machines(pair: Pair, case: WireCase) -> Iterator[None]:
    """Have AArch64 code in the emulator where the case asks for it."""
    if case.tier != "aarch64":
        yield
        return
    machine = EmulatedMachine(pair.native.guest)
    code = pair.native.program.code
    machine.memory[: len(code)] = code
    Decoder.machine = lambda *_: machine  # type: ignore[method-assign]
    with emulated_jit(machine, PARAMS, Compiler("aarch64")):
        yield


if __name__ == "__main__":
    sys.exit(main())
