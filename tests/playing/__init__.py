"""The loop that windows and terminals share."""
