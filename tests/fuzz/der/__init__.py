"""Mutated values of ASN.1 in DER, held against a strict reader in Python; see `tests.fuzz.records`.

python -m tests.fuzz.der --minutes 10
"""
