"""The command: kills, and says what came of it."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.kills.killer import Forker, Killer
from tests.kills.kinds import KINDS


def main() -> int:
    """Kill; 1 where something was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="of each kind")
    parser.add_argument("--kind", choices=KINDS, action="append", help="these kinds alone")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    failed = False
    for name in arguments.kind or KINDS:
        begin = time.monotonic()
        with TemporaryDirectory() as folder, Forker() as forker:
            tally = Killer(forker, KINDS[name], Path(folder), arguments.seed).kill(arguments.kills)
        print(f"{name}: {tally}; {time.monotonic() - begin:.0f} s", flush=True)
        for fault in tally.faults[:20]:
            print(f"  {fault}", flush=True)
        failed |= bool(tally.faults)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
