"""The three steps of a crash's path, each one call for a function or the command line: accept, symbolicate, compile."""
