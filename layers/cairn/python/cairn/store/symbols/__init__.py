"""Debug files and symbol files, what is known of them, and who waits for them."""
