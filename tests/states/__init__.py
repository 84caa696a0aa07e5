"""Saved states: whole, as files, on the command line, while playing."""
