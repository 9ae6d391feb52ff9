"""The contexts of an event: operating system, device, and what Crashpad noted in the dump."""

from __future__ import annotations

from typing import Any

from cairn.crash.event_images import arch_name
from cairn.minidump.records import Arch, CrashpadInfo, CrashpadModule, Minidump, SystemInfo


def contexts(dump: Minidump, client: dict[str, Any]) -> dict[str, Any]:
    """The client's contexts, with what the dump says filled in where the client left it empty."""
    merged = {name: dict(value) if isinstance(value, dict) else value for name, value in client.items()}
    for name, found in {"os": _os(dump.system), "device": _device(dump.system), **_crashpad(dump)}.items():
        present = merged.get(name)
        known = present if isinstance(present, dict) else {}
        merged[name] = {**found, **{key: value for key, value in known.items() if value not in (None, "")}}
    return {name: value for name, value in merged.items() if value}


def _os(system: SystemInfo) -> dict[str, Any]:
    name, version, build = system.os.value, system.os_version, system.os_build
    if name and not version and not build:
        return {"type": "os", "raw_description": name}
    return _given({"type": "os", "name": name, "version": version, "build": build})


def _device(system: SystemInfo) -> dict[str, Any]:
    return _given(
        {
            "type": "device",
            "arch": arch_name(system.arch) if system.arch is not Arch.UNKNOWN else None,
            "processor_count": system.cpu_count or None,
            "cpu_description": system.cpu_info,
        }
    )


def _crashpad(dump: Minidump) -> dict[str, Any]:
    """``crashpad`` with the process's annotations, and a context per annotated module, as Relay names them."""
    if (info := dump.crashpad) is None:
        return {}
    found: dict[str, Any] = {"crashpad": dict(info.annotations)} if info.annotations else {}
    return found | _annotated_modules(info, dump)


def _annotated_modules(info: CrashpadInfo, dump: Minidump) -> dict[str, Any]:
    modules = [module for module in info.modules if 0 <= module.module_index < len(dump.modules)]
    named = {dump.modules[module.module_index].name: _annotations(module) for module in modules}
    return {name: {"type": "crashpad", **noted} for name, noted in named.items() if name and noted}


def _annotations(module: CrashpadModule) -> dict[str, Any]:
    listed = {"annotations": list(module.listed)} if module.listed else {}
    return {**module.simple, **module.objects, **listed}


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value not in (None, "")}
