"""What a machine and its JIT do: profiles, exporters, reports. Independent of the guest.

| module    | contents                                                              |
|-----------|-----------------------------------------------------------------------|
| profile   | `Profile`: start, stop                                                |
| measured  | `Measured`: numbers and tables, computed on demand                    |
| rows      | the rows of all tables                                                |
| collector | events, counters and samples of one machine                           |
| regions   | counts of each region, from its installation to its end               |
| spotter   | what the processor executes, sampled by a timer signal                |
| hosttime  | calls of Python devices                                               |
| clock     | seconds by state                                                      |
| tables    | collected data as rows                                                |
| summary   | the content of a summary                                              |
| text, richtext | a summary for terminals                                          |
| report    | a page of HTML                                                        |
| export    | Chrome trace, speedscope, collapsed stacks, JSON lines, OpenMetrics   |
| functions | native code by name, for the next two                                 |
| perf      | perf map and jitdump                                                  |
| gdb, elf  | GDB's interface for JIT compilers                                     |

How to read a profile: docs/profiling.md.
"""

from __future__ import annotations

from jitvm.profiling.collector import Mode
from jitvm.profiling.measured import ProfileError
from jitvm.profiling.profile import Profile

__all__ = ["Mode", "Profile", "ProfileError"]
