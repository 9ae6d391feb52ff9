"""A crash in the JSON that rust-minidump's ``minidump-stackwalk --json`` prints, for the tools that read it.

The schema is rust-minidump's ``json-schema.md``, as version 0.25 of the tool prints it; ``docs/stackwalk-json.md`` has
it for users, with what is different. All that Cairn adds stands under keys named ``cairn``. No pydantic here: this is
what ``cairn stackwalk --json`` prints, and that has to start fast.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cairn.crash.event_facts import facts_json
from cairn.crash.records import Crash
from cairn.crash.stackwalk_json_crash import crash_info
from cairn.crash.stackwalk_json_modules import module, unloaded_module
from cairn.crash.stackwalk_json_system import linux_parts, mac_parts, soft_errors, system_info
from cairn.crash.stackwalk_json_threads import crashing_thread, thread
from cairn.minidump.records import Handle


def stackwalk_json(crash: Crash, problems: Iterable[str] = ()) -> dict[str, Any]:
    """``crash`` as plain JSON values; addresses are ``"0x…"``, padded to the width of a pointer.

    ``problems`` says, for a person, what else went wrong beside what the dump's own ``problems`` say (a symbol file
    that could not be read).
    """
    dump = crash.dump
    width = 2 * dump.system.arch.pointer_size
    index = _crashing_index(crash)
    said = {
        "status": "OK",
        "pid": dump.process_id,
        "process_uptime": _uptime(crash),
        "crash_info": crash_info(crash, index, width),
        "system_info": system_info(dump),
        "thread_count": len(crash.stacks),
        "threads": [thread(stack, dump, width) for stack in crash.stacks],
        "main_module": 0,
        "modules_contains_cert_info": False,
        "modules": [module(loaded, width) for loaded in crash.modules],
        "unloaded_modules": [unloaded_module(gone, width) for gone in dump.unloaded_modules],
        "handles": [_handle(one) for one in dump.handles] or None,
        "soft_errors": soft_errors(dump.soft_errors),
        **linux_parts(dump),
        **mac_parts(dump, width),
        "cairn": _cairn(crash, problems),
    }
    if index is not None and crash.stacks[index].frames:
        said["crashing_thread"] = crashing_thread(said["threads"][index], index, crash.stacks[index], dump.system.arch)
    return said


def _crashing_index(crash: Crash) -> int | None:
    """The place of the thread that the dump is about; rust-minidump numbers threads so, whatever its schema says."""
    stack = crash.crashed_stack
    return None if stack is None else next(index for index, one in enumerate(crash.stacks) if one is stack)


def _uptime(crash: Crash) -> int | None:
    """Seconds from the start of the process to the dump."""
    created = crash.dump.misc.created if crash.dump.misc else None
    return crash.dump.timestamp - created if created and created <= crash.dump.timestamp else None


def _handle(handle: Handle) -> dict[str, Any]:
    return {"handle": handle.handle, "type_name": handle.type_name, "object_name": handle.object_name}


def _cairn(crash: Crash, problems: Iterable[str]) -> dict[str, Any]:
    """What Cairn has to say beyond the schema."""
    dump, reason = crash.dump, crash.reason
    return {
        "explanation": crash.explanation,
        "address_is_meaningful": reason.address_is_meaningful if reason else None,
        "is_crash": reason.is_crash if reason else False,
        "timestamp": dump.timestamp,
        "thread_id": dump.requesting_thread_id,
        "facts": facts_json(crash.facts),
        "annotations": dict(dump.crashpad.annotations) if dump.crashpad else {},
        "problems": [*dump.problems, *problems],
    }
