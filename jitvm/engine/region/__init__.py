"""Tier 2, one region: from a recorded window to a graph, its exits, and LLVM text."""
