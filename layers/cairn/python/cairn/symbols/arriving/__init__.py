"""Debug files as they come in: what they are, alone and in archives."""
