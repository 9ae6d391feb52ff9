"""Which files would give a module what it lacks, and how to send them."""

from __future__ import annotations

import shlex
from collections.abc import Collection


def helpful_files(
    name: str, debug_file: str | None, kind: str | None, lacks: Collection[str] | None
) -> tuple[str, ...]:
    """Names of the files that would help, as a build makes them; of an ELF program either does, if it has not been
    stripped. ``kind`` is ``pe``, ``macho`` or ``elf``, ``lacks`` some of ``names``, ``lines``, ``unwinding``; ``None``
    where it is not known."""
    lacks_names = lacks is None or bool({"names", "lines"} & set(lacks))
    lacks_unwinding = lacks is None or "unwinding" in lacks
    companion = companion_name(name, debug_file, kind)
    return tuple(dict.fromkeys([companion] * lacks_names + [name] * (lacks_unwinding or kind == "elf")))


def companion_name(name: str, debug_file: str | None, kind: str | None) -> str:
    """The name of the file with names and lines."""
    match kind:
        case "pe":
            return debug_file or f"{name.rpartition('.')[0] or name}.pdb"
        case "macho":
            return f"{name}.dSYM"
        case "elf":
            return f"{name}.debug"
    return debug_file or name


def upload_command(files: Collection[str]) -> str | None:
    """What to type to send files; ``None`` where there are none. Names come from dumps: they are quoted."""
    if not files:
        return None
    return " ".join(["cairn upload-debug-files", *(shlex.quote(f"PATH/TO/{file}") for file in files)])


def how_to_get_an_id(kind: str | None) -> str:
    """What to do about a program that has no id, from the next build on: no file can be told to be of this one."""
    match kind:
        case "pe":
            return "link with /DEBUG"
        case "macho":
            return "link without -no_uuid"
    return "link with -Wl,--build-id"
