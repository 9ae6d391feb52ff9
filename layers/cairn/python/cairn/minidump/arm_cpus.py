"""32-bit ARM processors by the numbers that the kernel gives (main ID register, ELF hardware capabilities)."""

from __future__ import annotations

from typing import Final

FEATURES: Final = (
    "swp half thumb 26bit fastmult fpa vfpv2 edsp java iwmmxt crunch thumbee neon vfpv3 vfpv3d16 tls vfpv4 idiva idivt"
)
"""Bit 0 first. Source: Linux, ``arch/arm/include/uapi/asm/hwcap.h``, in Breakpad's spelling."""

PROCESSORS: Final = {
    (0x41, 0xB36): "ARM1136",
    (0x41, 0xB56): "ARM1156",
    (0x41, 0xB76): "ARM1176",
    (0x41, 0xB02): "ARM11-MPCore",
    (0x41, 0xC05): "ARM Cortex-A5",
    (0x41, 0xC07): "ARM Cortex-A7",
    (0x41, 0xC08): "ARM Cortex-A8",
    (0x41, 0xC09): "ARM Cortex-A9",
    (0x41, 0xC0D): "ARM Cortex-A12",
    (0x41, 0xC0E): "ARM Cortex-A17",
    (0x41, 0xC0F): "ARM Cortex-A15",
    (0x41, 0xC14): "ARM Cortex-R4",
    (0x41, 0xC15): "ARM Cortex-R5",
    (0x41, 0xC17): "ARM Cortex-R7",
    (0x51, 0x00F): "Qualcomm Scorpion",
    (0x51, 0x02D): "Qualcomm Scorpion",
    (0x51, 0x04D): "Qualcomm Krait",
    (0x51, 0x06F): "Qualcomm Krait",
}
"""(implementer, part) to name."""


def arm_cpu_info(level: int, cpu_id: int, features: int) -> str:
    """``ARMv7 ARM Cortex-A9 features: swp,half,thumb``."""
    words = [f"ARMv{level}"]
    if cpu_id:
        implementer, part = cpu_id >> 24, cpu_id >> 4 & 0xFFF
        words.append(PROCESSORS.get((implementer, part), f"implementer {implementer:#x} part {part:#x}"))
    present = [name for bit, name in enumerate(FEATURES.split()) if features >> bit & 1]
    return " ".join([*words, "features:", ",".join(present)] if present else words)
