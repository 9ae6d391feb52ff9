"""Debug files and sources in folders of this machine."""
