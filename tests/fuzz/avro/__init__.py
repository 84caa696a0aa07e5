"""Mutated records of Avro, of schemas at random, decoded at every tier and held against fastavro.

    python -m tests.fuzz.avro --minutes 10       a run; a failure says the seed
    python -m tests.fuzz.avro --seed 7 --runs 1  that one again

| module  | what it knows                                                                     |
|---------|-----------------------------------------------------------------------------------|
| case    | from a seed to what is decoded how: schema, tier, batches of records              |
| worker  | a child process that decodes one case; it may crash or hang without harm          |

Records lie between pages that nobody may touch. What the decoder takes fastavro has to take, with
the same values; what it refuses fastavro has to refuse, but for what docs/avro.md names.
"""
