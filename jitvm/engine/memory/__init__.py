"""Memory: the layout of a machine, memory for data and for code, and the code cache on disk."""
