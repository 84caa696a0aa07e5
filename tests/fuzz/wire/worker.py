"""A child process that decodes the batches of one case for some seconds, and prints counts."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from jitvm.engine.codegen.native import Compiler
from jitvm.guests.wire.machines import Programmed
from jitvm.guests.wire.writer import ProgramError
from tests.engine.emulated import EmulatedMachine
from tests.fuzz.guarded import Guarded
from tests.fuzz.wire.case import WireCase
from tests.jit.emulated import emulated_jit
from tests.wire.oracle import judged
from tests.wire.pair import BYTES, PARAMS, Pair, check_meaning
from tests.wire.selected import Bench
from tests.wire.selected import check_meaning as check_projection

Put = Callable[[bytes], memoryview]
Counts = dict[str, int]


def main() -> int:
    """Run; 1 where decoders differ."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.wire.worker")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    args = parser.parse_args()
    case = WireCase(args.seed)
    counts = dict.fromkeys(("messages", "mistakes", "judged", "batches", "regions"), 0)
    make = Bench if case.is_projection else Pair
    try:
        pair = make(case.name, tier=case.tier, **case.options)
    except ProgramError:  # such messages are looked at by Python, which is what is compared with
        print(json.dumps(counts))
        return 0
    with _machines(pair.native, case):
        _work(pair, case, counts, args.seconds)
        for machine in pair.native.machines():
            if machine.jit is not None:
                counts["regions"] += machine.jit.statistics.installed
    print(json.dumps(counts))
    return 0


def _work(pair: Pair | Bench, case: WireCase, counts: Counts, seconds: float) -> None:
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
            if isinstance(pair, Bench):
                _project(pair, batch, put, counts)
            elif case.is_hasty:
                _decode_hastily(pair, batch, put, counts)
            else:
                _decode(pair, batch, put, counts, case.is_whole)
        except BaseException:
            print(f"batch {number}: {[each.hex() for each in batch]}", file=sys.stderr)
            raise
        counts["batches"] += 1


def _decode(pair: Pair, batch: list[bytes], put: Put, counts: Counts, is_whole: bool) -> None:
    done = pair.agree(batch, put)
    counts["messages"] += done.seen
    counts["mistakes"] += len(done.mistakes)
    if is_whole:
        rows = pair.rows(done.rows)
        faults = {at: (fault, offset) for at, offset, fault, _ in done.mistakes}
        assert len(rows) == len(batch)
        counts["judged"] += sum(
            check_meaning(pair, data, ours, faults.get(at))
            for at, (data, ours) in enumerate(zip(batch, rows, strict=True))
        )


def _decode_hastily(pair: Pair, batch: list[bytes], put: Put, counts: Counts) -> None:
    """Look only at which messages are refused; where that is not as Protobuf's package says, at all
    of them."""
    mistakes = pair.mistakes(batch, put)
    wrong = {at for at, *_ in mistakes}
    odd = [
        data
        for at, data in enumerate(batch)
        if (judged(pair.name, data) is None) is not (at in wrong)
    ]
    counts["messages"] += len(batch)
    counts["mistakes"] += len(mistakes)
    counts["judged"] += len(batch) - len(odd)
    if odd:
        _decode(pair, odd, put, counts, is_whole=True)


def _project(bench: Bench, batch: list[bytes], put: Put, counts: Counts) -> None:
    found, errors = bench.agree(batch, put)
    counts["messages"] += len(batch)
    counts["mistakes"] += len(errors)
    wrong = {error.row for error in errors}
    left = iter(found)
    for at, data in enumerate(batch):
        if at not in wrong:
            counts["judged"] += check_projection(bench, data, next(left))
        else:
            assert judged(bench.name, data) is None, data.hex()


@contextmanager
def _machines(native: Programmed, case: WireCase) -> Iterator[None]:
    """Have AArch64 code in the emulator where the case asks for it."""
    if case.tier != "aarch64":
        yield
        return
    machine = EmulatedMachine(native.guest)
    code = native.program.code
    machine.memory[: len(code)] = code
    type(native).machine = lambda *_: machine  # type: ignore[method-assign]
    with emulated_jit(machine, PARAMS, Compiler("aarch64")):
        yield


if __name__ == "__main__":
    sys.exit(main())
