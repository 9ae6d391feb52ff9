"""The second step: from a stored upload to its event, at once or again."""
