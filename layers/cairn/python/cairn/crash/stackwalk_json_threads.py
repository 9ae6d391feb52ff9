"""Threads and frames in the stackwalk JSON."""

from __future__ import annotations

from typing import Any

from cairn.crash.reason_windows import windows_error
from cairn.crash.records import NamedFrame, NamedStack
from cairn.crash.stackwalk_json_crash import hexadecimal
from cairn.minidump.records import Arch, Minidump
from cairn.symbols.records import Location
from cairn.unwind.frames import Trust

_TRUST = {Trust.LEAF_RETURN: Trust.CFI}
"""Words for trust that the schema does not know, and the nearest one that it does."""
_REGISTERS = {Arch.ARM: {"r11": "fp"}}
"""Registers that the schema calls otherwise."""


def thread(stack: NamedStack, dump: Minidump, width: int) -> dict[str, Any]:
    """A thread with its frames, innermost first."""
    error = stack.thread.last_error
    return {
        "thread_id": stack.thread.id,
        "thread_name": stack.thread.name,
        "last_error_value": None if error is None else windows_error(error),
        "frame_count": len(stack.frames),
        "frames": [_frame(number, named, dump, width) for number, named in enumerate(stack.frames)],
        "cairn": {"stack_end": stack.end.value},
    }


def crashing_thread(said: dict[str, Any], index: int, stack: NamedStack, arch: Arch) -> dict[str, Any]:
    """The thread ``said`` once more, with its place in the list and the registers of its innermost frame."""
    names, held = _REGISTERS.get(arch, {}), stack.frames[0].frame.registers
    width = 2 * arch.pointer_size
    registers = {names.get(name, name): hexadecimal(value, width) for name, value in held.items()}
    frames = [{**said["frames"][0], "registers": registers}, *said["frames"][1:]]
    return {**said, "frames": frames, "threads_index": index}


def _frame(number: int, named: NamedFrame, dump: Minidump, width: int) -> dict[str, Any]:
    frame, base = named.frame, named.frame.module.base if named.frame.module else None
    trust = _TRUST.get(frame.trust, frame.trust)
    said = {
        "frame": number,
        "trust": trust.value,
        "offset": hexadecimal(frame.lookup_address, width),
        "module": frame.module.name if frame.module else None,
        "module_offset": None if base is None else hexadecimal(frame.lookup_address - base, width),
        **_named(named, base, width),
        "unloaded_modules": None if frame.module else _unloaded(frame.lookup_address, dump, width),
    }
    own = {"trust": None if trust is frame.trust else frame.trust.value, "nearest_symbol": named.hint}
    own = {name: value for name, value in own.items() if value is not None}
    return {**said, "cairn": own} if own else said


def _named(named: NamedFrame, base: int | None, width: int) -> dict[str, Any]:
    """What symbols tell: the function that owns the address, and what was inlined into it."""
    if not named.calls or base is None:
        names = ("function", "function_offset", "file", "line")
        return {**dict.fromkeys(names), "missing_symbols": True, "inlines": None}
    *inlined, owner = named.calls
    offset = None if owner.entry is None else named.frame.lookup_address - base - owner.entry
    return {
        "function": owner.function,
        "function_offset": None if offset is None else hexadecimal(offset, width),
        "file": owner.file,
        "line": owner.line,
        "missing_symbols": False,
        "inlines": [_inlined(call) for call in inlined] or None,
    }


def _inlined(call: Location) -> dict[str, Any]:
    return {"function": call.function, "file": call.file, "line": call.line}


def _unloaded(address: int, dump: Minidump, width: int) -> list[dict[str, Any]] | None:
    """The modules that were at ``address`` once; one of a name that was at several places has an offset for each."""
    offsets: dict[str, list[str]] = {}
    for gone in dump.unloaded_modules:
        if gone.base <= address < gone.base + gone.size:
            offsets.setdefault(gone.code_file, []).append(hexadecimal(address - gone.base, width))
    return [{"module": name, "offsets": sorted(found)} for name, found in sorted(offsets.items())] or None
