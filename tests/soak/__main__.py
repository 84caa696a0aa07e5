"""``python -m tests.soak``: forks for minutes; ends of processes and machines by the thousand.

python -m tests.soak forks --minutes 10
python -m tests.soak exits --runs 1000
python -m tests.soak machines --runs 10000
"""

from __future__ import annotations

import argparse
import sys

from tests.soak import exits, forks, machines


def main() -> int:
    """Run one; 1 where something was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("what", choices=["forks", "exits", "machines"])
    parser.add_argument("--minutes", type=float, default=1.0, help="for forks (%(default)s)")
    parser.add_argument("--runs", type=int, default=1000, help="for the others (%(default)s)")
    given = parser.parse_args()
    if given.what == "forks":
        return forks.soak(60 * given.minutes) != {0}
    if given.what == "exits":
        return bool(exits.soak(given.runs))
    kept = [machines.soak(given.runs, guests=guests) for guests in (False, True)]
    return not all(kept)


sys.exit(main())
