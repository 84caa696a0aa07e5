"""Uxntal for editors, the formatter and the linter."""
