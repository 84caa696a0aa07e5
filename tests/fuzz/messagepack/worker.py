"""A child process that decodes the batches of one case."""

from __future__ import annotations

import sys

from tests.fuzz.messagepack.case import MessagePackCase
from tests.fuzz.records.work import main

if __name__ == "__main__":
    sys.exit(main("tests.fuzz.messagepack", MessagePackCase))
