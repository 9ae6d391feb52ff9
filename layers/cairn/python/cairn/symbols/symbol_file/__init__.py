"""Cairn's symbol file: written once, read a piece at a time."""
