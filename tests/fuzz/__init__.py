"""Random structured programs, for Uxn and for random guests, run at every tier and compared.

    python -m tests.fuzz --minutes 10            a run; failures are shrunk and written down
    python -m tests.fuzz --kind guest --seed 7   random guests only, from a seed on

| module   | what it knows                                                     |
|----------|-------------------------------------------------------------------|
| case     | one program with all that decides its run, as one .tal file       |
| expressions, grammar | what programs compute, the statements they are made of |
| generate | from a seed to a case: what surrounds the statements, parameters  |
| lab      | a machine with devices that log, answer and interfere; outcomes   |
| judge    | runs a case at several tiers and says where they differ           |
| worker   | a child process that judges; it may crash or hang without harm    |
| shrink   | makes a failing case small                                        |
| guarded  | memory between pages that nobody may touch                         |
| guests   | all of this for guests that are made at random, too               |
| wire     | messages for the wire VM                                          |

`corpus/` keeps cases as files, .tal and .json; `tests/jit/test_corpus.py` replays them.
"""
