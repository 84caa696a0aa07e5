"""Limits of the assembler.

They stop runaway sources, not honest ones: the guest's 64 KiB of memory bounds everything that is
emitted, so only what emits nothing (comments, labels, expansions) needs a bound of its own.
"""

from __future__ import annotations

TYPE_CHECKING = False  # known to type checkers; importing `typing` costs 4 ms at start
if TYPE_CHECKING:
    from typing import Final

MAX_NAME: Final = 255
"""Longest label or macro name, in characters."""

MAX_ERRORS: Final = 100
"""Errors collected before the assembler gives up on a source."""

MAX_WARNINGS: Final = 1000
"""Warnings kept; the rest is dropped."""

MAX_HINTS: Final = 10
"""Errors for which a similar name is looked for: it takes a while when there are many labels."""

MAX_SHOWN_LINE: Final = 10_000
"""Longest source line a diagnostic carries, in characters; a longer one is left out."""

MAX_MACRO_DEPTH: Final = 256
"""Macros being expanded inside each other."""

MAX_LAMBDA_DEPTH: Final = 1024
"""Lambdas open inside each other."""

MAX_INCLUDE_DEPTH: Final = 64
"""Files being included inside each other."""

MAX_WORDS: Final = 1_000_000
"""Words processed in one run, expansions included."""

MAX_SOURCE_BYTES: Final = 32 << 20
"""Bytes of source read in one run, repeated includes counted each time."""
