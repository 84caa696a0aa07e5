"""Serialization formats as bytecode: a schema becomes a program, which decodes into columns."""
