"""The second decoding half of the wire VM: for formats without tags, as Avro."""
