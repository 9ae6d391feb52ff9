"""Symbol servers: which files they may have for a module, where, and how these are packed. Asks nobody."""
