"""Debug file to symbol file, in a child process. Sole importer of ``symbolic``."""
