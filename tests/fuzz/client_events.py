"""Events by decision, as a client may send them: the right shape, with anything in its places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.fuzz.decisions import Decisions

KEYS = [
    "level", "release", "environment", "dist", "server_name", "transaction", "logger", "user", "sdk", "extra",
    "contexts", "tags", "fingerprint", "breadcrumbs", "message", "logentry", "values", "os", "device", "name", "type",
    "formatted", "timestamp", "event_id", "crashpad", "platform",
]  # fmt: skip
FRAME = [
    "function", "package", "module", "filename", "abs_path", "lineno", "colno", "in_app", "trust", "instruction_addr",
    "symbol_addr",
]  # fmt: skip
IMAGE = ["image_addr", "image_size", "type", "code_file", "code_id", "debug_file", "debug_id", "arch"]
EXCEPTION = ["type", "value", "module", "thread_id"]
THREAD = ["id", "name", "crashed", "current"]
MECHANISM = ["type", "handled", "synthetic", "description", "meta"]
LEAVES = ["0x10", "0xffffffffffffffff", "0x1_0", "12", "main", "/usr/lib/libc.so.6", "minidump", "prewalked", "elf", ""]
Fields = dict[str, Any]


def client_said(decide: Decisions) -> Fields:
    """An event."""
    said = _record(decide, KEYS)
    if decide.flag():
        said["exception"] = _values(decide, lambda: _exception(decide))
    if decide.flag():
        said["threads"] = _values(decide, lambda: _with_stack(decide, THREAD))
    if decide.flag():
        said["debug_meta"] = {"images": _values(decide, lambda: _record(decide, IMAGE))}
    return said


def _values(decide: Decisions, make: Callable[[], Fields]) -> Any:
    """A list, bare or under ``values``, and now and then something else."""
    listed = decide.some(4, make) * decide.choice([1, 1, 1, 1, 1, 1, 1, 5])
    return decide.choice([listed, {"values": listed}, decide.json(KEYS)])


def _record(decide: Decisions, keys: list[str]) -> Fields:
    return dict(decide.some(len(keys), lambda: (decide.choice(keys), _value(decide))))


def _value(decide: Decisions) -> Any:
    return decide.choice(LEAVES) if decide.flag() else decide.json(KEYS)


def _exception(decide: Decisions) -> Fields:
    mechanism = {"mechanism": _record(decide, MECHANISM)} if decide.flag() else {}
    return _with_stack(decide, EXCEPTION) | mechanism


def _with_stack(decide: Decisions, keys: list[str]) -> Fields:
    said = _record(decide, keys)
    if decide.flag():
        frames = decide.some(4, lambda: _record(decide, FRAME)) * decide.choice([1, 1, 1, 10])
        said["stacktrace"] = {"frames": frames, "registers": _record(decide, ["rip", "rsp", "x"])}
    return said
