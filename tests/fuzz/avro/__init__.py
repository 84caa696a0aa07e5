"""Mutated records of Avro, held against fastavro; see `tests.fuzz.records`.

python -m tests.fuzz.avro --minutes 10
"""
