"""Unwind data of programs, read into rows of rules."""
