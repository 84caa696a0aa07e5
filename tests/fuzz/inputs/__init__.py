"""Mutated inputs for everything that reads what others wrote.

    python -m tests.fuzz.inputs                          all parsers, 100,000 inputs in all
    python -m tests.fuzz.inputs --target session --minutes 5
    python -m tests.fuzz.inputs --processes 2000         whole commands instead

| module    | what it knows                                                            |
|-----------|--------------------------------------------------------------------------|
| targets   | each parser: its seeds, how it is called, what it may raise              |
| mutate    | from a seed to something nearly right                                    |
| worker    | a child process with limits, guided by coverage where atheris is there   |
| processes | whole commands with mutated files, input, arguments and environment       |

With the extra `fuzz` the worker lets atheris, which sees what code ran, choose the mutations.
"""
