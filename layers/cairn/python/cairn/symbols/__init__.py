"""Debug files to symbol files, and look-ups in them. Sole importer of ``symbolic``."""
