"""What can go wrong with debug files and symbol files.

::

    DebugFileError                   code
    ├── UnsupportedFormatError       unsupported_format   not a kind of file that holds native symbols
    ├── MalformedDebugFileError      malformed            recognised, but its bytes make no sense
    ├── DebugFileTooLargeError       too_large            needs more memory or time than it may have
    └── NoDebugIdError               no_debug_id          nothing a crash could be matched with
    SymbolFileError                  broken_symbol_file   a stored symbol file is damaged
    └── SymbolFileVersionError       other_version        another version wrote it: compile again
"""

from __future__ import annotations


class DebugFileError(Exception):
    """A debug file gave no symbols. The text is for a person: what is wrong and what to do."""

    code = "debug_file"


class UnsupportedFormatError(DebugFileError):
    """The file is none that Cairn reads symbols from."""

    code = "unsupported_format"


class MalformedDebugFileError(DebugFileError):
    """The file is damaged, or cut short."""

    code = "malformed"


class DebugFileTooLargeError(DebugFileError):
    """Reading the file took more memory or time than allowed."""

    code = "too_large"


class NoDebugIdError(DebugFileError):
    """The file has neither a debug id nor a code id."""

    code = "no_debug_id"


class SymbolFileError(Exception):
    """A symbol file cannot be used: its bytes are damaged."""

    code = "broken_symbol_file"


class SymbolFileVersionError(SymbolFileError):
    """A symbol file was written by another version of Cairn. Compile the debug file again."""

    code = "other_version"


DEBUG_FILE_ERRORS: dict[str, type[DebugFileError]] = {
    error.code: error
    for error in (
        DebugFileError,
        UnsupportedFormatError,
        MalformedDebugFileError,
        DebugFileTooLargeError,
        NoDebugIdError,
    )
}
"""By code: how an error crosses from one process to another."""
