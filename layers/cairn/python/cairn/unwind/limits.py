"""How far a walk goes. Real dumps stay well below; hostile ones stop here. A whole dump takes under two seconds."""

from __future__ import annotations

MAX_FRAMES = 1024
"""Frames of one thread. Sentry keeps 256 of a stack, a person reads fewer; the deepest thread of the Firefox dumps has
83. Only endless recursion passes 1,024, and there the missing frames repeat those that are shown."""

MAX_DUMP_FRAMES = 50_000
"""Frames of all threads. Firefox dumps have up to 9,502. Threads are walked side by side, so each has its share."""

MAX_SCANNED_WORDS = 16_384
"""Stack words that are tried as return addresses in one thread: 128 KiB of a 64-bit stack."""

MAX_DUMP_SCANNED_WORDS = 500_000
"""The same for all threads of a dump."""

MAX_RETURN_ADDRESS_CHECKS = 50_000
"""Different values of a dump that get the full test for a return address, which may ask for symbols."""

MAX_EXPRESSION_TOKENS = 256
"""Tokens in a postfix expression of a symbol file. Compilers write fewer than ten."""

LOWEST_CODE_ADDRESS = 4096
"""No code lies in the first page, on any system."""
