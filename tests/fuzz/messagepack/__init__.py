"""Mutated values of MessagePack, held against the package msgpack; see `tests.fuzz.records`.

python -m tests.fuzz.messagepack --minutes 10
"""
