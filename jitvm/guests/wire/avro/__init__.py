"""Avro: schemas, container files, and records in both directions."""
