"""Minidumps as they are found in the wild: bytes in, frozen records out. No I/O, no symbols."""
