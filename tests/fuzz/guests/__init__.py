"""Random guests with random programs, run at every tier and compared.

    python -m tests.fuzz --kind guest --minutes 10

| module    | what it knows                                                          |
|-----------|------------------------------------------------------------------------|
| case      | one guest with programs for it, as one .json file                      |
| semantics | semantic functions as lines of Python, within the rules of a `Core`    |
| describe  | from a random generator to a guest: sizes, and its rows                |
| program   | random structured programs in the guest's own assembly                 |
| assembler | from their text to bytes                                               |
| lab       | a machine of a tier with devices; outcomes                             |
| judge     | runs a case at all tiers and says where they differ                    |
| shrink    | takes out programs, lines and rows that a failure does not need        |
"""
