"""Columns to messages: the other way round."""
