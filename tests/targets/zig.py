"""Programs for any system, compiled here by the clang and the linkers of the package ``ziglang``."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from cairn.minidump.records import Arch, Os
from tests.targets.apple import SEGMENT, set_debug_segment, write_dsym

_FREE = ("-ffreestanding", "-nostdlib", "-fno-sanitize=all", "-fno-stack-protector", "-w")


@dataclass(frozen=True)
class Target:
    """A system to compile for: ``name`` is what zig calls it."""

    name: str
    arch: Arch
    os: Os
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Built:
    """A program, and the file with its names and lines: the program itself on Linux."""

    target: Target
    program: Path
    names: Path


_ELF, _PE = ("-Wl,-e,start", "-Wl,--build-id"), ("-Wl,-e,start", "-gcodeview")
WINDOWS_AMD64 = Target("x86_64-windows-gnu", Arch.AMD64, Os.WINDOWS, _PE)
WINDOWS_ARM64 = Target("aarch64-windows-gnu", Arch.ARM64, Os.WINDOWS, _PE)
WINDOWS_X86 = Target("x86-windows-gnu", Arch.X86, Os.WINDOWS, _PE)
LINUX_AMD64 = Target("x86_64-linux-gnu", Arch.AMD64, Os.LINUX, _ELF)
LINUX_ARM64 = Target("aarch64-linux-gnu", Arch.ARM64, Os.LINUX, _ELF)
LINUX_ARM = Target("arm-linux-gnueabihf", Arch.ARM, Os.LINUX, _ELF)
MACOS_AMD64 = Target("x86_64-macos", Arch.AMD64, Os.MACOS)
MACOS_ARM64 = Target("aarch64-macos", Arch.ARM64, Os.MACOS)


def build(target: Target, source: Path, *flags: str) -> Built:
    """Compile a source that needs no library, and link it to a program that begins with its function ``start``."""
    if target.os is Os.MACOS:
        return _build_macho(target, source, flags)
    program = source.with_name("program.exe" if target.os is Os.WINDOWS else "program")
    _compile(target, source, program, *target.flags, *flags)
    return Built(target, program, program.with_suffix(".pdb") if target.os is Os.WINDOWS else program)


def _build_macho(target: Target, source: Path, flags: tuple[str, ...]) -> Built:
    """Apple's linker leaves debug information in the object files, for ``dsymutil`` to collect. Here the linker is made
    to take it along under another name: as what the dSYM is then made from."""
    compiled, program = source.with_suffix(".o"), source.with_name("program")
    _compile(target, source, compiled, "-c", *flags)
    compiled.write_bytes(set_debug_segment(compiled.read_bytes(), SEGMENT))
    run(source.parent, "cc", "-target", target.name, "-nostdlib", "-Wl,-e,_start", str(compiled), "-o", str(program))
    return Built(target, program, write_dsym(program))


def _compile(target: Target, source: Path, output: Path, *flags: str) -> None:
    run(source.parent, "cc", "-target", target.name, "-g", *_FREE, *flags, str(source), "-o", str(output))


def run(folder: Path, *arguments: str) -> None:
    """Run a command of zig's, which keeps its cache in ``folder``."""
    cache = {"ZIG_GLOBAL_CACHE_DIR": str(folder / "zig"), "ZIG_LOCAL_CACHE_DIR": str(folder / "zig")}
    command = [sys.executable, "-m", "ziglang", *arguments]
    done = subprocess.run(command, check=False, env=os.environ | cache, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
