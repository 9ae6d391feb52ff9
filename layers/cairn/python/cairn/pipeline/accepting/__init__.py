"""The first step: a crash comes in, is wanted, and is kept."""
