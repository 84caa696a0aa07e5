"""Mutated messages of all types, decoded at every tier and compared with two oracles.

    python -m tests.fuzz.wire --minutes 10       a run; a failure says the seed
    python -m tests.fuzz.wire --seed 7 --runs 1  that one again

| module  | what it knows                                                                     |
|---------|-----------------------------------------------------------------------------------|
| case    | from a seed to what is decoded how: type, tier, options, batches of messages      |
| worker  | a child process that decodes one case; it may crash or hang without harm          |

The native decoder has to agree with the plain one on rows and mistakes, and both with Protobuf's
own package where columns show all of a message. A third of the cases are projections, whose
messages have to mean what is left of those that they were made of.
"""
