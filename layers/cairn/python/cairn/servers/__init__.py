"""Symbol servers over HTTP: one file from one address, within limits and never from inside. No AWS."""
