"""`cairn symbols`: debug files that are missing, and those that are there."""
