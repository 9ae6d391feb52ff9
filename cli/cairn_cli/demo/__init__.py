"""A crash that goes all the way, for somebody who sees Cairn for the first time."""
