"""Formats of debug files, as far as Cairn reads them itself."""
