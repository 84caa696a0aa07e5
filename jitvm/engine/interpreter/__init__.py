"""Tier 1: opcodes as graphs, the interpreter as LLVM text, and its installed code."""
