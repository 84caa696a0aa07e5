"""The command: decodes mutated records of types at random, each case in a child process."""

from __future__ import annotations

import sys

from tests.fuzz.layout.case import LayoutCase
from tests.fuzz.wire.__main__ import main

if __name__ == "__main__":
    sys.exit(main("tests.fuzz.layout", LayoutCase))
