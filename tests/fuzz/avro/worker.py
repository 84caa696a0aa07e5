"""A child process that decodes the batches of one case."""

from __future__ import annotations

import sys

from tests.fuzz.avro.case import AvroCase
from tests.fuzz.records.work import main

if __name__ == "__main__":
    sys.exit(main("tests.fuzz.avro", AvroCase))
