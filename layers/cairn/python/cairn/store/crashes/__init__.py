"""Crashes as they were sent, and what was made of them."""
