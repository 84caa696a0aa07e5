"""What a machine and its JIT do: profiles, exporters, reports. Knows no guest.

| module    | what it knows                                                         |
|-----------|-----------------------------------------------------------------------|
| profile   | `Profile`: start, stop                                                |
| measured  | `Measured`: numbers and tables, when they are asked for               |
| rows      | the rows of all tables                                                |
| collector | events, counters and samples of one machine                           |
| regions   | counts of each region, from its installation to its end               |
| spotter   | where the processor is, by a timer signal                             |
| hosttime  | calls of Python devices                                               |
| clock     | seconds by state                                                      |
| tables    | what was collected, as rows                                           |
| summary   | what a summary says                                                   |
| text, richtext | a summary for terminals                                          |
| report    | a page of HTML                                                        |
| export    | Chrome trace, speedscope, collapsed stacks, JSON lines, OpenMetrics   |
| functions | native code under names, for the next two                             |
| perf      | perf map and jitdump                                                  |
| gdb, elf  | the interface of GDB for JIT compilers                                |

How to read a profile: docs/profiling.md.
"""

from __future__ import annotations

from jitvm.profiling.collector import Mode
from jitvm.profiling.measured import ProfileError
from jitvm.profiling.profile import Profile

__all__ = ["Mode", "Profile", "ProfileError"]
