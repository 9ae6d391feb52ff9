"""Text files of ``/proc`` and ``/etc`` that Linux writers copy into the dump."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cairn.minidump.records import Arch, LinuxInfo, MappedRange
from cairn.minidump.source import Source

CPU_INFO: Final = 0x47670003
STATUS: Final = 0x47670004
LSB_RELEASE: Final = 0x47670005
COMMAND_LINE: Final = 0x47670006
ENVIRONMENT: Final = 0x47670007
AUXV: Final = 0x47670008
MAPS: Final = 0x47670009
LIMITS: Final = 0x4D7A0003
STREAMS: Final = (CPU_INFO, STATUS, LSB_RELEASE, COMMAND_LINE, ENVIRONMENT, AUXV, MAPS, LIMITS)

MAX_FILE: Final = 4 << 20
"""Bytes of one file. Servers have cpuinfo of some 500 KB; the kernel gives no more than 2 MiB of arguments."""
MAX_MAPS: Final = 16 << 20
MAX_LINES: Final = 200_000
"""Linux allows 65,530 mappings unless somebody raises the limit."""
MAX_AUXV: Final = 256


def read_linux_info(source: Source, arch: Arch) -> LinuxInfo | None:
    """All text streams but the maps, or ``None`` for a dump that has not one of them."""
    if not any(kind in source.streams for kind in STREAMS):
        return None
    return LinuxInfo(
        _text(source, CPU_INFO),
        _text(source, STATUS),
        parse_release(_text(source, LSB_RELEASE)),
        tuple(_nul_separated(_text(source, COMMAND_LINE))),
        dict(item.split("=", 1) for item in _nul_separated(_text(source, ENVIRONMENT)) if "=" in item),
        read_auxv(source, arch),
        _text(source, LIMITS),
    )


def _text(source: Source, kind: int, limit: int = MAX_FILE) -> str:
    stream = source.stream(kind)
    if stream is None:
        return ""
    if len(stream) > limit:
        source.problem(f"{source.streams[kind].name}: {len(stream)} bytes, only {limit} read")
    raw = bytes(stream.data[:limit])
    source.charge(len(raw))
    return raw.decode(errors="replace")


def _nul_separated(text: str) -> Iterator[str]:
    items = text.split("\0", MAX_LINES)
    return iter(items[:-1] if items[-1] == "" else items)


def parse_release(text: str) -> dict[str, str]:
    """``KEY=value`` lines of ``/etc/lsb-release`` or ``/etc/os-release``, without their quotes."""
    pairs = (line.partition("=") for line in text.replace("\0", "").splitlines()[:MAX_LINES])
    return {key.strip(): value.strip().strip("\"'") for key, equals, value in pairs if equals}


def read_auxv(source: Source, arch: Arch) -> dict[int, int]:
    """The auxiliary vector: type to value, up to its end mark."""
    stream = source.stream(AUXV)
    if stream is None:
        return {}
    width = arch.pointer_size
    pairs = {}
    for kind, value in stream.rows("QQ" if width == 8 else "II", 0, MAX_AUXV, 2 * width):
        if kind == 0:
            break
        pairs[kind] = value
    return pairs


def read_maps(source: Source) -> tuple[MappedRange, ...]:
    """``/proc/<pid>/maps``; lines that are not of its form are left out."""
    lines = _text(source, MAPS, MAX_MAPS).split("\n", MAX_LINES)
    ranges = (_mapped_range(line) for line in lines[:MAX_LINES])
    return tuple(one for one in ranges if one is not None)


def _mapped_range(line: str) -> MappedRange | None:
    """``start-end rwxp offset device inode path``; a path may contain spaces."""
    fields = line.split(None, 5)
    if len(fields) < 5:
        return None
    start, _, end = fields[0].partition("-")
    try:
        first, last = int(start, 16), int(end, 16)
    except ValueError:
        return None
    path = fields[5].rstrip() if len(fields) == 6 else None
    return MappedRange(first, last, fields[1][:3], path or None)
