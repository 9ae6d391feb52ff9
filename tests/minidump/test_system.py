"""CPU and operating system."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from cairn.minidump.reader import read
from cairn.minidump.records import Arch, Os, SystemInfo
from tests.synth.minidump import ARCH_IDS, OS_IDS, MinidumpBuilder


def system(arch: Arch = Arch.AMD64, os: Os = Os.LINUX, **values: Any) -> SystemInfo:
    return read(MinidumpBuilder(arch, os, **values).build()).system


@pytest.mark.parametrize("arch", Arch)
def test_architectures(arch: Arch) -> None:
    assert system(arch).arch is arch


@pytest.mark.parametrize(
    ("number", "arch"), [(ARCH_IDS["arm64_old"], Arch.ARM64), (10, Arch.X86), (6, Arch.UNKNOWN), (999, Arch.UNKNOWN)]
)
def test_further_architecture_numbers(number: int, arch: Arch) -> None:
    assert read(MinidumpBuilder(system_info=False).system_info(number, 2).build()).system.arch is arch


@pytest.mark.parametrize(("os", "number"), OS_IDS.items())
def test_operating_systems(os: Os, number: int) -> None:
    assert (system(os=os).os, system(os=os).platform_id) == (os, number)


@pytest.mark.parametrize(
    ("os", "numbers", "csd", "version", "build"),
    [
        (Os.WINDOWS, (6, 1, 7601), "Service Pack 1", "6.1.7601", "Service Pack 1"),
        (Os.MACOS, (10, 12, 6), "16G29", "10.12.6", "16G29"),
        (
            Os.LINUX,
            (0, 0, 0),
            "Linux 3.13.0-53-generic #89-Ubuntu SMP Wed May 20 10:34:39 UTC 2015 x86_64 GNU/Linux",
            "3.13.0-53-generic",
            "#89-Ubuntu SMP Wed May 20 10:34:39 UTC 2015",
        ),
        (
            Os.ANDROID,
            (0, 0, 0),
            "Linux 3.0.101-g1bc3033 #1 SMP PREEMPT 2017 armv7l",
            "3.0.101-g1bc3033",
            "#1 SMP PREEMPT 2017",
        ),
        (Os.LINUX, (0, 0, 0), "Linux 3.13.0-91-generic", "3.13.0-91-generic", ""),
        (Os.LINUX, (0, 0, 0), "15E216", "0.0.0", "15E216"),
        (Os.LINUX, (0, 0, 0), "", "0.0.0", ""),
        (Os.LINUX, (5, 10, 28), "-1rodete2 #1 SMP x86_64", "5.10.28", "-1rodete2 #1 SMP x86_64"),
    ],
)
def test_os_versions(os: Os, numbers: tuple[int, int, int], csd: str, version: str, build: str) -> None:
    found = system(os=os, version=numbers, csd=csd)
    assert (found.os_version, found.os_build, found.csd_version) == (version, build, csd)


def test_x86_names_its_vendor_and_amd64_does_not() -> None:
    values: dict[str, Any] = {"level": 6, "revision": 0x3A09, "cpu": b"GenuineIntel"}
    assert system(Arch.X86, **values).cpu_info == "GenuineIntel family 6 model 58 stepping 9"
    assert system(Arch.AMD64, **values).cpu_info == "family 6 model 58 stepping 9"


@pytest.mark.parametrize(
    ("cpu", "text"),
    [
        (struct.pack("<II", 0x412FC091, 0b1110), "ARMv7 ARM Cortex-A9 features: half,thumb,26bit"),
        (struct.pack("<II", 0x51000000, 0), "ARMv7 implementer 0x51 part 0x0"),
        (bytes(8), "ARMv7"),
    ],
)
def test_arm_names_processor_and_features(cpu: bytes, text: str) -> None:
    assert system(Arch.ARM, level=7, cpu=cpu).cpu_info == text


def test_arm64_says_nothing_of_its_cpu() -> None:
    assert (system(Arch.ARM64, cpus=8).cpu_info, system(Arch.ARM64, cpus=8).cpu_count) == ("", 8)


@pytest.mark.parametrize("arch", [Arch.X86, Arch.ARM, Arch.AMD64])
def test_system_info_without_its_cpu_part_is_enough(arch: Arch) -> None:
    fixed = struct.pack("<HHHBBIIIIIHH", ARCH_IDS[arch], 7, 0, 1, 1, 10, 0, 1, 2, 0, 0, 0)
    found = read(MinidumpBuilder(system_info=False).stream(7, fixed).build()).system
    assert (found.arch, found.os_version) == (arch, "10.0.1")
