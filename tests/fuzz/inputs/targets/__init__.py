"""Each parser: valid small inputs, how it is called, and the exceptions its documentation names.

| module   | what is read                                                        |
|----------|---------------------------------------------------------------------|
| programs | ROMs, sources in both dialects with includes, symbols; CHIP-8       |
| runs     | input scripts, recorded sessions, a terminal's keys and answers     |
| engine   | files of the code cache, kept regions, parameters, IR as text       |
| pages    | saved runs of the dashboard, requests and messages to it            |
| commands | arguments of commands                                               |
| protobuf | schemas, conditions, messages and streams of them                   |
"""

from __future__ import annotations

from tests.fuzz.inputs.targets.commands import COMMAND_LINES
from tests.fuzz.inputs.targets.engine import ENGINE
from tests.fuzz.inputs.targets.pages import PAGES
from tests.fuzz.inputs.targets.programs import PROGRAMS
from tests.fuzz.inputs.targets.protobuf import PROTOBUF
from tests.fuzz.inputs.targets.runs import RUNS
from tests.fuzz.inputs.targets.target import Target

TARGETS: dict[str, Target] = {**PROGRAMS, **RUNS, **ENGINE, **PAGES, **COMMAND_LINES, **PROTOBUF}
"""All of them, by name."""
