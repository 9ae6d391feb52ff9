"""The third step: debug files come in, are compiled, and go."""
