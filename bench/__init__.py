"""The benchmark: programs of our own, timed on the tiers of jitvm and on what they compete with.

    python -m bench --help

| module    | what it knows                                                     |
|-----------|-------------------------------------------------------------------|
| cli       | options, exit statuses                                            |
| catalogue | which programs there are; assembling them                         |
| runners   | what a runner is; the folder its files are in                     |
| tiers     | runners in worker processes: the tiers of jitvm                   |
| worker    | the worker's side: one computer, runs and warm-ups on request     |
| processes | runners that are commands: node, whole processes, other emulators |
| ctwin     | the runner that compiles C                                        |
| measure   | rounds, medians, comparison of outputs                            |
| report    | the table, the JSON rows                                          |
"""
