"""Where everything of a machine lies, memory for data and code, and code kept on disk."""
