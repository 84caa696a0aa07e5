"""ASN.1's DER to columns: types declared in Python, certificates and the like in bulk."""
