"""Symbol servers that are open to all, as data. None is asked unless a project turns it on.

The addresses are those that the makers publish and that Sentry has in ``SENTRY_BUILTIN_SOURCES``
(sentry: ``src/sentry/conf/server.py``); the debuginfod servers are those that https://debuginfod.elfutils.org lists.
"""

from __future__ import annotations

from cairn.symbols.sources.records import FileType, Layout, Source

_WINDOWS = (FileType.PE, FileType.PDB)
_LINUX = (FileType.ELF_CODE, FileType.ELF_DEBUG)


def _windows(name: str, url: str) -> Source:
    return Source(name, url, Layout.SYMSTORE, _WINDOWS, built_in=True)


def _breakpad(name: str, url: str) -> Source:
    return Source(name, url, Layout.BREAKPAD, (FileType.BREAKPAD,), built_in=True)


def _debuginfod(name: str, url: str) -> Source:
    return Source(name, url, Layout.DEBUGINFOD, _LINUX, built_in=True)


BUILT_IN: dict[str, Source] = {
    source.name: source
    for source in (
        _windows("microsoft", "https://msdl.microsoft.com/download/symbols"),
        _breakpad("mozilla", "https://symbols.mozilla.org"),
        _windows("mozilla-windows", "https://symbols.mozilla.org"),
        _windows("chromium", "https://chromium-browser-symsrv.commondatastorage.googleapis.com"),
        _breakpad("electron", "https://symbols.electronjs.org"),
        _windows("electron-windows", "https://symbols.electronjs.org"),
        _windows("unity", "https://symbolserver.unity3d.com"),
        _windows("nvidia", "https://driver-symbols.nvidia.com"),
        _windows("amd", "https://download.amd.com/dir/bin"),
        _windows("intel", "https://software.intel.com/sites/downloads/symbols"),
        _windows("citrix", "http://ctxsym.citrix.com/symbols"),
        _windows("autodesk", "http://symbols.autodesk.com"),
        _debuginfod("debian", "https://debuginfod.debian.net"),
        _debuginfod("ubuntu", "https://debuginfod.ubuntu.com"),
        _debuginfod("fedora", "https://debuginfod.fedoraproject.org"),
        _debuginfod("opensuse", "https://debuginfod.opensuse.org"),
        _debuginfod("archlinux", "https://debuginfod.archlinux.org"),
        _debuginfod("elfutils", "https://debuginfod.elfutils.org"),
    )
}
"""By name. ``elfutils`` asks the servers of all distributions."""
