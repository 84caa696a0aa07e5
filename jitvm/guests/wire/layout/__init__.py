"""Layouts that are known late: of struct, NumPy, ctypes, and declared ones."""
