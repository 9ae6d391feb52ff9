"""Which frames are the user's own code.

A client may say so itself; a minidump does not. Sentry's default calls nothing in-app on Windows and Linux, so that a
team must write rules first. Here a frame is the user's own unless its module or its function belongs to the system.
"""

from __future__ import annotations

import re
from functools import lru_cache

_SYSTEM_PATHS = re.compile(
    r"^[a-z]:[\\/]windows[\\/]"
    r"|^(/usr)?/lib(32|64|x32)?/|^/usr/local/(lib|cellar)/|^linux-gate\.so|^linux-vdso\.so|^\[vdso\]"
    r"|^/system/|^/apex/|^/vendor/"
    r"|^/usr/libexec/|^/library/apple/"
    # Crashpad's Linux dumps give a shared library's own name without a folder (tests/crash/test_in_app.py).
    r"|^lib(c|m|dl|rt|util|pthread|resolv|nsl|anl|gcc_s|stdc\+\+|c\+\+|c\+\+abi|unwind)\.so|^ld(-linux[-\w]*|-musl[-\w]*)?\.so",
    re.IGNORECASE,
)
_SYSTEM_FUNCTIONS = re.compile(
    r"^(std|core|alloc|__gnu_cxx|__cxxabiv1|boost)::|^(__rust_|__libc_|_CxxThrowException|__cxa_|google_breakpad::)"
    r"|^_?start$|^(mainCRTStartup|invoke_main|__scrt_common_main)"
)


@lru_cache(maxsize=4096)
def is_in_app(code_file: str | None, function: str | None) -> bool:
    """Whether a frame in ``code_file`` (the module's path) and ``function`` is the user's own code.

    A frame in no module is not."""
    if not code_file or _SYSTEM_PATHS.match(code_file):
        return False
    return not (function and _SYSTEM_FUNCTIONS.match(function))
