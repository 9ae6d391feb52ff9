"""The wire: authentication, multipart, form fields, limits. Bytes in, an ``Upload`` out; no I/O."""
