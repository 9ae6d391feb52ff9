"""Real programs of every system: names, lines, inlined calls and unwinding, against the machine that runs them.

``python -m tests.targets`` does the same with many more programs.
"""

from __future__ import annotations

import platform
import struct
import subprocess
from pathlib import Path

import pytest

from cairn.symbols.formats.pe import Pe
from tests.targets.check import STACKS, Findings, check
from tests.targets.generated import Program, generate
from tests.targets.zig import (
    LINUX_AMD64,
    LINUX_ARM,
    LINUX_ARM64,
    MACOS_AMD64,
    MACOS_ARM64,
    WINDOWS_AMD64,
    WINDOWS_ARM64,
    WINDOWS_X86,
    Built,
    Target,
    build,
)

SIGNED, FRAMELESS = "-mbranch-protection=standard", "-O1 -fomit-frame-pointer"
LIKE_APPLE = "-fno-asynchronous-unwind-tables -funwind-tables -mno-omit-leaf-frame-pointer"
"""Clang as Apple sets it up: it leaves compact unwind data, where zig's has DWARF."""

EVERYWHERE = (
    (WINDOWS_AMD64, 100, "-O2"),
    (WINDOWS_AMD64, 30, "-O0"),
    (WINDOWS_AMD64, 30, "-Os -Xclang -fwinx64-eh-unwindv2=best-effort"),
    (WINDOWS_ARM64, 100, "-O2"),
    (WINDOWS_ARM64, 30, "-O0"),
    (WINDOWS_ARM64, 30, f"-Os {SIGNED}"),
    (WINDOWS_ARM64, 30, FRAMELESS),
    (LINUX_ARM64, 100, "-O2"),
    (LINUX_ARM64, 30, f"-Os {SIGNED}"),
    (LINUX_AMD64, 30, "-O2"),
    (MACOS_AMD64, 100, "-O2"),
    (MACOS_AMD64, 100, FRAMELESS),
    (MACOS_AMD64, 30, "-Os"),
    (MACOS_AMD64, 30, "-O0"),
    (MACOS_ARM64, 100, f"-O2 {LIKE_APPLE}"),
    (MACOS_ARM64, 30, f"-O0 {LIKE_APPLE}"),
    (MACOS_ARM64, 30, "-O2"),
)
"""Systems whose unwind data holds at every instruction; how many functions the program has; how it is compiled."""

IN_CALLS = (
    (WINDOWS_X86, "-O2"),
    (LINUX_ARM, "-O2 -mthumb"),
    (LINUX_ARM, "-O1 -marm"),
    (LINUX_ARM64, f"-O2 -fno-asynchronous-unwind-tables -fno-unwind-tables {SIGNED}"),
)
"""Systems whose unwind data need not hold in prologues and epilogues."""


def run(folder: Path, target: Target, functions: int, flags: str, everywhere: bool) -> tuple[Program, Built, Findings]:
    program = generate(seed=1, functions=functions)
    built = _built(folder, target, program, flags)
    return program, built, check(program, built, everywhere)


def _built(folder: Path, target: Target, program: Program, flags: str) -> Built:
    source = folder / "generated.c"
    source.write_text(program.source)
    return build(target, source, *flags.split())


@pytest.mark.parametrize(("target", "functions", "flags"), EVERYWHERE, ids=lambda value: getattr(value, "name", value))
def test_every_instruction(target: Target, functions: int, flags: str, tmp_path: Path) -> None:
    program, _, findings = run(tmp_path, target, functions, flags, everywhere=True)
    assert findings.wrong == []
    assert findings.places > 90 * functions
    assert findings.calls == len(program.probes)
    assert findings.stacks == findings.calls // STACKS > 5


@pytest.mark.parametrize(("target", "flags"), IN_CALLS, ids=lambda value: getattr(value, "name", value))
def test_every_call(target: Target, flags: str, tmp_path: Path) -> None:
    program, _, findings = run(tmp_path, target, 30, flags, everywhere=False)
    assert findings.wrong == []
    assert findings.calls == len(program.probes)
    assert findings.stacks == findings.calls // STACKS > 5


@pytest.mark.parametrize("flags", ("-O0", "-O1"))
def test_every_call_of_gcc(flags: str, tmp_path: Path) -> None:
    """It aligns stacks as no other compiler does, and needs expressions to say so."""
    program = generate(seed=1, functions=40)
    source = tmp_path / "generated.c"
    source.write_text(program.source)
    path = tmp_path / "program"
    options = ("-g", "-w", "-ffreestanding", "-nostdlib", "-static", "-fno-stack-protector", flags)
    linked = ("-Wl,-e,start", "-Wl,--build-id", str(source), "-o", str(path))
    subprocess.run(["gcc", *options, *linked], check=True)
    target = LINUX_ARM64 if platform.machine() == "aarch64" else LINUX_AMD64
    findings = check(program, Built(target, path, path), everywhere=False)
    assert findings.wrong == []
    assert findings.calls == len(program.probes)


@pytest.mark.parametrize("flags", ("-O2 -mthumb", "-O1 -marm -fno-omit-frame-pointer"))
def test_every_call_without_dwarf(flags: str, tmp_path: Path) -> None:
    """As in a stripped library of Android, which has ``.ARM.exidx`` alone."""
    program = generate(seed=1, functions=30)
    built = _built(tmp_path, LINUX_ARM, program, f"{flags} -funwind-tables")
    data = built.program.read_bytes()
    assert (b"\0.debug_frame\0" in data, b"\0.eh_frame\0" in data) == (True, False)
    built.program.write_bytes(data.replace(b"\0.debug_frame\0", b"\0.without_fde\0"))
    findings = check(program, built, everywhere=False)
    assert findings.wrong == []
    assert findings.places > findings.calls == len(program.probes)


def test_arm64_programs_have_both_kinds_of_unwind_data(tmp_path: Path) -> None:
    pe = Pe(_built(tmp_path, WINDOWS_ARM64, generate(seed=1), FRAMELESS).program.read_bytes())
    kinds = [data & 3 for _, data in struct.iter_unpack("<II", pe.exception_table())]
    assert (kinds.count(0) > 10, kinds.count(1) > 10) == (True, True)
