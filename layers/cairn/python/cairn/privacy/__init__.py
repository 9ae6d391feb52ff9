"""What is private in a crash: found, and taken out before it is kept."""
