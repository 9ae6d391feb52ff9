"""The machine and what only one operating system tells, in the stackwalk JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from cairn.crash.stackwalk_json_crash import hexadecimal
from cairn.minidump.linux import LSB_RELEASE, MAPS
from cairn.minidump.records import MacCrashInfo, Minidump, Os

_OS_NAMES = {Os.WINDOWS: "Windows NT", Os.MACOS: "Mac OS X"}
"""Systems that rust-minidump calls otherwise than Sentry."""

_RELEASE_KEYS = {
    "id": ("DISTRIB_ID", "ID"),
    "release": ("DISTRIB_RELEASE", "VERSION_ID"),
    "codename": ("DISTRIB_CODENAME", "VERSION_CODENAME"),
    "description": ("DISTRIB_DESCRIPTION", "PRETTY_NAME"),
}
"""Field to the keys of ``/etc/lsb-release`` and ``/etc/os-release`` that have it."""

_MICROCODE = re.compile(r"^microcode[ \t]*:[ \t]*(0x[0-9a-fA-F]{1,16})", re.MULTILINE)
_LIMIT_NAME = 25
"""Columns that the kernel gives the name of a limit (linux: fs/proc/base.c)."""


def system_info(dump: Minidump) -> dict[str, Any]:
    """Operating system and CPU."""
    system = dump.system
    microcode = _MICROCODE.search(dump.linux.cpuinfo) if dump.linux else None
    return {
        "os": _OS_NAMES.get(system.os) or system.os.value or f"0x{system.platform_id:08x}",
        "os_ver": f"{system.os_version} {system.os_build}".strip(),
        "cpu_arch": system.arch.value,
        "cpu_info": system.cpu_info or None,
        "cpu_count": system.cpu_count,
        "cpu_microcode_version": f"0x{int(microcode[1], 16):x}" if microcode else None,
    }


def linux_parts(dump: Minidump) -> dict[str, Any]:
    """The distribution, the limits of the process, and how many mappings it has."""
    streams = {stream.type for stream in dump.streams}
    release = dump.linux.lsb_release if dump.linux and LSB_RELEASE in streams else None
    return {
        "lsb_release": _release(release) if release is not None else None,
        "proc_limits": _limits(dump.linux.limits) if dump.linux and dump.linux.limits else None,
        "linux_memory_map_count": len(dump.mappings) if MAPS in streams else None,
    }


def mac_parts(dump: Minidump, width: int) -> dict[str, Any]:
    """Apple's last words, and how the machine was started."""
    records = [_mac_record(record, width) for record in dump.mac_crash_info]
    return {
        "mac_crash_info": {"num_records": len(records), "records": records} if records else None,
        "mac_boot_args": dump.mac_boot_args,
    }


def soft_errors(text: str | None) -> Any:
    """What the dump's writer could not do, in its own JSON; as text where it is no JSON."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _release(release: Mapping[str, str]) -> dict[str, str]:
    return {name: next((release[key] for key in keys if key in release), "") for name, keys in _RELEASE_KEYS.items()}


def _limits(text: str) -> dict[str, Any]:
    """The rows of ``/proc/<pid>/limits``."""
    rows = ((line[:_LIMIT_NAME].strip(), line[_LIMIT_NAME:].split()) for line in text.splitlines())
    return {"limits": [_limit(name, *values) for name, values in rows if name != "Limit" and len(values) in (2, 3)]}


def _limit(name: str, soft: str, hard: str, unit: str = "n/a") -> dict[str, Any]:
    return {"name": name, "soft": _number(soft), "hard": _number(hard), "unit": unit}


def _number(text: str) -> int | str:
    return int(text) if text.isdecimal() and len(text) <= 20 else text


def _mac_record(record: MacCrashInfo, width: int) -> dict[str, Any]:
    numbers = {"thread": record.thread, "dialog_mode": record.dialog_mode, "abort_cause": record.abort_cause}
    texts = {
        "module": record.module,
        "message": record.message,
        "signature_string": record.signature,
        "backtrace": record.backtrace,
        "message2": record.message2,
    }
    return {
        **{name: None if value is None else hexadecimal(value, width) for name, value in numbers.items()},
        **{name: text or None for name, text in texts.items()},
    }
