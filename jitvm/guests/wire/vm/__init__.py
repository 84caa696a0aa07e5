"""The instructions of the wire VM, by what they are for; `instructions.py` has the table of all."""
