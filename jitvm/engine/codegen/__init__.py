"""From graphs to LLVM text, and from LLVM text to machine code."""
