"""The machine: CPU, operating system, versions."""

from __future__ import annotations

from typing import Final

from cairn.minidump.arm_cpus import arm_cpu_info
from cairn.minidump.errors import NoSystemInfoError, OutOfBoundsError, TruncatedSystemInfoError
from cairn.minidump.records import Arch, Os, SystemInfo
from cairn.minidump.source import Source
from cairn.minidump.window import Window

SYSTEM_INFO: Final = 7

ARCHITECTURES: Final = {
    0: Arch.X86,
    1: Arch.MIPS,
    3: Arch.PPC,
    5: Arch.ARM,
    9: Arch.AMD64,
    10: Arch.X86,  # x86 on 64-bit Windows
    12: Arch.ARM64,
    0x8001: Arch.SPARC,
    0x8002: Arch.PPC64,
    0x8003: Arch.ARM64,  # Breakpad, before Windows had a number
    0x8004: Arch.MIPS64,
    0x8005: Arch.RISCV,
    0x8006: Arch.RISCV64,
}
PLATFORMS: Final = {
    1: Os.WINDOWS,
    2: Os.WINDOWS,
    0x8101: Os.MACOS,
    0x8102: Os.IOS,
    0x8201: Os.LINUX,
    0x8202: Os.SOLARIS,
    0x8203: Os.ANDROID,
    0x8204: Os.PS3,
    0x8205: Os.NACL,
    0x8206: Os.FUCHSIA,
}
MACHINE_NAMES: Final = ("x86_64", "i386", "i486", "i586", "i686", "arm", "aarch64", "mips", "ppc", "riscv", "sparc")


def read_system_info(source: Source) -> SystemInfo:
    """The SystemInfo stream.

    Raises:
        NoSystemInfoError, TruncatedSystemInfoError: without it nothing else can be understood.
    """
    stream = source.stream(SYSTEM_INFO)
    if stream is None:
        raise NoSystemInfoError(
            "The dump has no SystemInfo stream: CPU and OS are unknown; check the program that wrote it."
        )
    try:
        fields = stream.unpack("HHHBBIIIII")
    except OutOfBoundsError as error:
        raise TruncatedSystemInfoError(f"SystemInfo: {error}; check that the upload was complete.") from None
    arch_id, level, revision, cpus, _, major, minor, build, platform, csd_rva = fields
    arch = ARCHITECTURES.get(arch_id, Arch.UNKNOWN)
    os = PLATFORMS.get(platform, Os.UNKNOWN)
    csd = source.utf16(csd_rva) or ""
    version, build_text = os_version(os, (major, minor, build), csd)
    info = cpu_info(arch, level, revision, stream.rest(32))
    return SystemInfo(arch, os, version, build_text, csd, cpus, info, platform)


def os_version(os: Os, numbers: tuple[int, int, int], csd: str) -> tuple[str, str]:
    """Version and build of the operating system.

    Breakpad's Linux and Android writers leave the numbers zero and put ``uname -srvmo`` into the service-pack string:
    then the kernel's release is the version, and what follows, without machine and system name, the build.
    """
    words = csd.split()
    if os in (Os.LINUX, Os.ANDROID) and not any(numbers) and len(words) > 1 and words[0] == "Linux":
        return words[1], " ".join(_without_machine(words[2:]))
    return ".".join(map(str, numbers)), csd.strip()


def _without_machine(words: list[str]) -> list[str]:
    if words and words[-1] in ("GNU/Linux", "Linux/GNU", "Android", "Toybox"):
        words = words[:-1]
    if words and words[-1].startswith(MACHINE_NAMES):
        words = words[:-1]
    return words


def cpu_info(arch: Arch, level: int, revision: int, union: Window) -> str:
    """The CPU in words, as Breakpad and rust-minidump print it. ``union`` is the CPU part of SystemInfo."""
    if arch in (Arch.X86, Arch.AMD64):
        family = f"family {level} model {revision >> 8} stepping {revision & 0xFF}"
        vendor = _vendor(union) if arch is Arch.X86 else ""
        return f"{vendor} {family}".strip()
    if arch is Arch.ARM:
        cpu_id, features = union.unpack("II") if len(union) >= 8 else (0, 0)
        return arm_cpu_info(level, cpu_id, features)
    return ""


def _vendor(union: Window) -> str:
    """``GenuineIntel`` and the like: three numbers of four letters, so the dump's byte order does not matter."""
    if len(union) < 12:
        return ""
    letters = b"".join(number.to_bytes(4, "little") for number in union.unpack("III"))
    return letters.decode("ascii", errors="replace").strip("\0 ")
