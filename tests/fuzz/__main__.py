"""The fuzzer's command line: `python -m tests.fuzz --minutes N`."""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.case import Case
from tests.fuzz.generate import PROFILES, generate
from tests.fuzz.guests.case import GuestCase
from tests.fuzz.guests.generate import generate_guest
from tests.fuzz.guests.shrink import GuestShrinker
from tests.fuzz.judge import Verdict
from tests.fuzz.shrink import Shrinker, is_late
from tests.fuzz.worker import Worker, parse

GUEST = "guest"
"""The kind of cases that are guests of their own; the others are programs for Uxn."""
KINDS = (*PROFILES, GUEST)
CORPUS = Path(__file__).with_name("corpus")


@dataclass(slots=True)
class Campaign:
    """What several threads do together: each takes the next seed for a worker of its own."""

    kinds: list[str]
    end: float
    next_seed: int
    folder: Path
    shrink_seconds: float
    counts: Counter[str] = field(default_factory=Counter)
    failures: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def work(self) -> None:
        """Judge seeds until time is up."""
        worker = Worker()
        try:
            while time.monotonic() < self.end:
                with self.lock:
                    seed = self.next_seed
                    self.next_seed += 1
                kind = self.kinds[seed % len(self.kinds)]
                case = make(seed, kind)
                verdict = worker.judge(case)
                if is_late(verdict):
                    verdict = worker.judge(case)  # the machine may have been busy
                self._count(kind, verdict)
                if verdict.kind == "fail":
                    self._failed(worker, f"{kind} {seed}", case, verdict)
        finally:
            worker.close()

    def _count(self, kind: str, verdict: Verdict) -> None:
        with self.lock:
            self.counts[verdict.kind] += 1
            self.counts[f"{kind} {verdict.kind}"] += 1
            self.counts["programs"] += verdict.programs
            self.counts["guests"] += kind == GUEST and verdict.programs > 0
            self.counts["instructions"] += verdict.executed
            self.counts["regions"] += verdict.installed
            self.counts["exits"] += verdict.taken
            self.counts["with regions"] += verdict.installed > 0
            if verdict.detail and verdict.kind == "discard":
                self.counts[f"discard: {verdict.detail[:40]}"] += 1
            judged = sum(self.counts[name] for name in ("ok", "fail", "discard"))
            if judged % 200 == 0:
                self.report()

    def _failed(self, worker: Worker, name: str, case: Case | GuestCase, verdict: Verdict) -> None:
        print(f"FAIL {name}: {verdict.detail}", flush=True)
        small: Case | GuestCase
        shrinker: Shrinker | GuestShrinker
        if isinstance(case, GuestCase):
            shrinker = GuestShrinker(worker.judge, verdict, self.shrink_seconds)
            small = shrinker.shrink(case)
        else:
            shrinker = Shrinker(worker.judge, verdict, self.shrink_seconds)
            small = shrinker.shrink(case)
        path = keep(self.folder, small)
        self.failures += 1
        detail = worker.judge(small).detail
        print(f"  {path} after {shrinker.tried} tries: {detail}\n{small.text()}")
        sys.stdout.flush()

    def report(self) -> None:
        """Print the counts so far."""
        kept = {n: c for n, c in sorted(self.counts.items()) if " ok" not in n}
        print(", ".join(f"{name} {count}" for name, count in kept.items()), flush=True)


def make(seed: int, kind: str) -> Case | GuestCase:
    """The case of a seed and a kind."""
    return generate_guest(seed) if kind == GUEST else generate(seed, kind)


def keep(folder: Path, case: Case | GuestCase) -> Path:
    """Write a case to a folder under a name of its content."""
    folder.mkdir(parents=True, exist_ok=True)
    text = case.text()
    ending = "json" if isinstance(case, GuestCase) else "tal"
    path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:12]}.{ending}"
    path.write_text(text)
    return path


def replay(paths: list[Path]) -> int:
    """Judge cases from files; returns how many fail."""
    worker, failed = Worker(), 0
    for path in paths:
        verdict = worker.judge(parse(path.read_text()))
        failed += verdict.kind == "fail"
        print(f"{verdict.kind:8}{path.name}  {verdict.detail}  {verdict.installed} regions")
    worker.close()
    return failed


def main() -> int:
    """Run a campaign, replay files, or print the case of a seed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="replay these cases instead")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=None, help="the first; default: from the clock")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--kind", choices=sorted(KINDS), action="append", default=[])
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="where failures are written")
    parser.add_argument("--shrink", type=float, default=60.0, help="seconds for each failure")
    parser.add_argument("--print", action="store_true", help="print the case of --seed")
    options = parser.parse_args()
    if options.files:
        return 1 if replay(options.files) else 0
    kinds = options.kind or list(KINDS)
    seed = options.seed if options.seed is not None else int(time.time()) % 1_000_000_000
    if options.print:
        print(make(seed, kinds[seed % len(kinds)]).text())
        return 0
    print(f"seed {seed}, kinds {' '.join(kinds)}, process {os.getpid()}", flush=True)
    end = time.monotonic() + 60 * options.minutes
    campaign = Campaign(kinds, end, seed, options.corpus, options.shrink)
    threads = [threading.Thread(target=campaign.work) for _ in range(options.jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    campaign.report()
    print(f"{campaign.failures} failures; next seed {campaign.next_seed}")
    return 1 if campaign.failures else 0


if __name__ == "__main__":
    sys.exit(main())
