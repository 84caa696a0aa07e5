"""Mutated records of a format, of types at random, decoded at every tier, and an oracle of each.

    python -m tests.fuzz.messagepack --minutes 10       a run; a failure says the seed
    python -m tests.fuzz.messagepack --seed 7 --runs 1  that one again

| package     | what it mutates                 | the oracle                                    |
|-------------|---------------------------------|-----------------------------------------------|
| avro        | bare records of Avro            | fastavro                                      |
| messagepack | values of MessagePack           | the package msgpack, and its values by a type |
| der         | values of ASN.1 in DER          | a strict reader in Python, `tests.wire.ders`  |
| layout      | records of declared layouts     | a reader made of struct, `tests.wire.layouts` |

| module  | what it knows                                                                     |
|---------|-----------------------------------------------------------------------------------|
| case    | from a seed to what is decoded how: type, tier, batches of records                |
| work    | decodes one case, in a child process that may crash or hang without harm          |

Records lie between pages that nobody may touch. What the decoder takes the oracle has to take, with
the same values, and what it refuses the oracle has to refuse, but for what the page of the format
names. Most cases are hasty: they do not ask what is wrong with a record, which takes a hundred
times as long as decoding one, and look at values in one of eight batches.
"""
