"""Mutated records of layouts, held against a reader made of struct; see `tests.fuzz.records`.

python -m tests.fuzz.layout --minutes 10
"""
