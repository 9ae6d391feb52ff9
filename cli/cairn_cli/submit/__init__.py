"""`cairn submit`: crashes of any size, sent with nothing but a DSN."""
