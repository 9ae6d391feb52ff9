"""Reading stored bytes by range."""
