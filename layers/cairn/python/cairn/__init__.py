"""Cairn: minidumps in, readable and grouped crashes out.

The rooms, and which way they may look (``tests/test_imports.py`` holds it)::

    minidump <- unwind -> symbols      crash -> minidump, unwind, symbols
    intake (the wire)                  store (S3, DynamoDB, SQS)
"""
