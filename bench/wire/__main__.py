"""How fast Protobuf messages become columns, and columns messages.

    python -m bench.wire [--only sensor,span] [--runners decode,ptars-array] [--megabytes 20]
    python -m bench.wire --write                        columns to messages
    python -m bench.wire --project                      messages to messages with fewer fields
    python -m bench.wire --stream 10 --only sensor      a stream of ten gigabytes: time and memory
    python -m bench.wire --first                        new processes: imports and the first call

Nanoseconds of a message, the median of the later calls of each runner; all runners take turns, in
one process, when each has run for some seconds, in which code becomes native. In parentheses how
long the first call took, in milliseconds: it compiles, or loads what an earlier process has
compiled. On a computer that does other things at a time, `--processor` counts processor time, of
all threads: so it says nothing of what two of them gain.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from bench.wire import first
from bench.wire.kinds import KINDS, message_class, messages
from bench.wire.runners import ALL, PROJECTORS, RUNNERS, WRITERS, Run, Unsuitable

Clock = Callable[[], float]
"""Seconds since some moment."""
SLOW = ("upb-read", "upb-project")
"""Runners that read a tenth of the messages."""
PAIRS = (
    ("array", "ptars-array"), ("list", "ptars-list"), ("file", "ptars-file"), ("array", "upb-read"),
    ("fresh", "ptars-array"), ("c", "decode"), ("c-switch", "decode"), ("c", "interpreter"),
    ("threads", "halves"), ("c-threads", "c-halves"),
    ("encode", "ptars-encode"), ("encode", "upb-encode"), ("project", "upb-project"),
)  # fmt: skip
"""Which runners are compared in the end."""


def measure(
    kind: str, names: Sequence[str], size: int, rounds: int, warm: float, clock: Clock
) -> dict[str, dict[str, float | str]]:
    """What each runner took for messages of a kind: `ns` a message, `first_ms` and `bytes` a
    message, or `absent`; each runs for `warm` seconds before."""
    cls = message_class(kind)
    data = messages(kind, size)
    few = data[: max(1, len(data) // 10)]
    found: dict[str, dict[str, float | str]] = {}
    runs: dict[str, tuple[Run, int]] = {}
    with tempfile.TemporaryDirectory(prefix="jitvm-bench-") as folder:
        for name in names:
            some = few if name in SLOW else data
            place = Path(folder) / name
            place.mkdir()
            try:
                run = ALL[name](cls, some, place)
                begin = clock()
                run()
            except Unsuitable as why:
                found[name] = {"absent": str(why)}
                continue
            each = sum(map(len, some)) / len(some)
            found[name] = {"first_ms": 1e3 * (clock() - begin), "bytes": each}
            while clock() < begin + warm:
                run()
            runs[name] = run, len(some)
        times: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(rounds):
            for name, (run, count) in runs.items():
                begin = clock()
                run()
                times[name].append(1e9 * (clock() - begin) / count)
    for name, taken in times.items():
        found[name]["ns"] = median(taken[len(taken) // 2 :])
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.wire",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", type=_names, default=tuple(KINDS), help="kinds of messages")
    parser.add_argument("--runners", type=_names, help="what reads or writes them; default: all")
    parser.add_argument("--write", action="store_true", help="measure what writes messages")
    parser.add_argument("--project", action="store_true", help="measure what drops fields")
    parser.add_argument("--megabytes", type=float, default=20.0, help="default: %(default)g")
    parser.add_argument("--rounds", type=int, default=10, help="default: %(default)s")
    parser.add_argument(
        "--warm", type=float, default=2.0, metavar="SECONDS",
        help="how long each runs before; default: %(default)g",
    )  # fmt: skip
    parser.add_argument("--processor", action="store_true", help="count processor time")
    parser.add_argument("--first", action="store_true", help="measure new processes instead")
    parser.add_argument(
        "--stream", type=float, metavar="GIGABYTES", help="read streams of so many instead"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file")
    arguments = parser.parse_args(argv)
    if arguments.runners is None:
        group = WRITERS if arguments.write else PROJECTORS if arguments.project else RUNNERS
        arguments.runners = tuple(group)
    for names, known in ((arguments.only, KINDS), (arguments.runners, ALL)):
        for name in names:
            if name not in known:
                parser.error(f"there is no {name!r}; there are {', '.join(known)}")
    if arguments.stream is not None:
        return _streams(arguments.only, arguments.stream)
    if arguments.first:
        taken = first.measure(arguments.only, arguments.rounds)
        first.show(taken)
        _write(arguments.json, taken)
        return 0
    clock = process_time if arguments.processor else perf_counter
    figures = {}
    print("| kind | " + " | ".join(arguments.runners) + " |")
    print("|---|" + "---:|" * len(arguments.runners))
    for kind in arguments.only:
        size = int(arguments.megabytes * 1e6)
        figures[kind] = measure(
            kind, arguments.runners, size, arguments.rounds, arguments.warm, clock
        )
        cells = [_cell(figures[kind][name]) for name in arguments.runners]
        print(f"| {kind} | " + " | ".join(cells) + " |", flush=True)
    print(_rates(figures), end="")
    for ours, theirs in PAIRS:
        if arguments.processor and ours.endswith("threads"):
            continue
        print(_compared(figures, ours, theirs), end="")
    _write(arguments.json, figures)
    return 0


def _write(target: Path | None, figures: object) -> None:
    if target is not None:
        target.write_text(json.dumps(figures, indent=2) + "\n")


def _streams(kinds: Sequence[str], gigabytes: float) -> int:
    """Read a stream of each kind, in a process of its own, as its memory counts."""
    print("| kind | rows | ns a message | of the processor | megabytes at most |")
    print("|---|---:|---:|---:|---:|")
    for kind in kinds:
        command = [sys.executable, "-m", "bench.wire.stream", kind, str(gigabytes)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        found = json.loads(done.stdout)
        taken, busy = (1e9 * found[key] / found["rows"] for key in ("seconds", "processor"))
        row = f"{found['rows']} | {taken:.0f} | {busy:.0f} | {found['megabytes']}"
        print(f"| {kind} | {row} |", flush=True)
    return 0


def _cell(figure: dict[str, float | str]) -> str:
    if "ns" not in figure:
        return str(figure.get("absent", ""))
    return f"{figure['ns']:.0f} ({figure['first_ms']:.0f})"


def _rates(figures: dict[str, dict[str, dict[str, float | str]]]) -> str:
    """Gigabytes of messages a second of what makes messages of messages."""
    rates = {
        kind: float(row["project"]["bytes"]) / float(row["project"]["ns"])
        for kind, row in figures.items()
        if "ns" in row.get("project", {})
    }
    said = ", ".join(f"{kind} {rate:.2f}" for kind, rate in rates.items())
    return f"project, gigabytes a second: {said}\n" if said else ""


def _compared(figures: dict[str, dict[str, dict[str, float | str]]], ours: str, theirs: str) -> str:
    """How many times as fast one runner is as another: the geometric mean, and the least."""
    ratios = {
        kind: float(row[theirs]["ns"]) / float(row[ours]["ns"])
        for kind, row in figures.items()
        if "ns" in row.get(ours, {}) and "ns" in row.get(theirs, {})
    }
    if not ratios:
        return ""
    mean = math.exp(sum(map(math.log, ratios.values())) / len(ratios))
    least = min(ratios, key=lambda kind: ratios[kind])
    return f"{ours}: {mean:.1f} times {theirs}; least {ratios[least]:.1f}, {least}\n"


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (name.strip() for name in text.split(","))))


if __name__ == "__main__":
    sys.exit(main())
