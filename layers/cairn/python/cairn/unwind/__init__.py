"""Stack memory and unwind rules to frames, one module an architecture."""
