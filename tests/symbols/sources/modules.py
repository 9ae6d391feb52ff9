"""Modules to ask servers for, one of each format."""

from __future__ import annotations

from cairn.symbols.sources.records import ModuleFormat, SourceModule

GUID = "3249d99d-0c40-4931-8610-f4e4fb0b6936"
WINDOWS = SourceModule(ModuleFormat.PE, "C:\\Games\\Game.exe", "D:\\build\\Game.pdb", "5EDF2A1C12f000", f"{GUID}-1b")
LINUX = SourceModule(
    ModuleFormat.ELF,
    "/usr/lib/libgame.so.1",
    "/usr/lib/libgame.so.1",
    "b72467fd1af452eda50d2a528577107706ab1f8c",
    "fd6724b7-f41a-ed52-a50d-2a5285771077",
)
MAC = SourceModule(ModuleFormat.MACHO, "/Applications/Game.app/Game", "Game", GUID.replace("-", ""), GUID)
