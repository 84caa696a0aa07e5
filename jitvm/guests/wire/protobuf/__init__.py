"""Protobuf: schemas from whatever describes its messages."""
