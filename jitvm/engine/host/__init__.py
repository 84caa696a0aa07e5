"""The process that machines run in: its forks, end, threads, signals, limits, files."""
