"""The language server, driven over its protocol."""
