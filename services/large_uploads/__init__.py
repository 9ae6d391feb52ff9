"""The server of the ``large_uploads`` stack: it takes what the ingest function takes, in larger requests."""
