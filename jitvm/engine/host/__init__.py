"""The host process of the machines: fork, exit, threads, signals, limits, files."""
