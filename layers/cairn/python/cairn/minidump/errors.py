"""What makes a whole dump unreadable.

    Exception
    ├── MinidumpError
    │   ├── NotAMinidumpError           not_a_minidump
    │   ├── UnknownVersionError         unknown_version
    │   ├── TruncatedHeaderError        truncated_header
    │   ├── TruncatedDirectoryError     truncated_directory
    │   ├── NoSystemInfoError           no_system_info
    │   └── TruncatedSystemInfoError    truncated_system_info
    └── OutOfBoundsError                never leaves this package

Everything less is left out of the records and said in ``Minidump.problems``.
"""

from __future__ import annotations

from typing import ClassVar


class MinidumpError(Exception):
    """The file cannot be read as a minidump. The message says what is wrong and what to do."""

    code: ClassVar[str] = "minidump_unreadable"


class NotAMinidumpError(MinidumpError):
    """The file begins with something else."""

    code = "not_a_minidump"


class UnknownVersionError(MinidumpError):
    """The header names a version of the format that nobody writes."""

    code = "unknown_version"


class TruncatedHeaderError(MinidumpError):
    """The file ends before its header does."""

    code = "truncated_header"


class TruncatedDirectoryError(MinidumpError):
    """Not one entry of the directory lies in the file."""

    code = "truncated_directory"


class NoSystemInfoError(MinidumpError):
    """There is no SystemInfo stream, so neither CPU nor operating system is known."""

    code = "no_system_info"


class TruncatedSystemInfoError(MinidumpError):
    """The SystemInfo stream is not all there."""

    code = "truncated_system_info"


class OutOfBoundsError(Exception):
    """A structure is not where the dump says it is, or reading it would take more work than a dump may cost."""
