"""Real dumps, against what rust-minidump 0.25.0 prints for them."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cairn.minidump.reader import read
from cairn.minidump.records import Arch, Minidump, Module, Os

CORPUS = Path(__file__).parents[2].parent / "shared/corpus"
MANIFEST = CORPUS / "MANIFEST.tsv"
ROWS: list[dict[str, str]] = (
    list(csv.DictReader(MANIFEST.read_text().splitlines(), delimiter="\t")) if MANIFEST.exists() else []
)
SECONDS = 2

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not ROWS, reason="there is no corpus beside the checkout"),
]

every_dump = pytest.mark.parametrize("row", ROWS, ids=lambda row: Path(row["file"]).name)


@cache
def dump_of(file: str) -> Minidump:
    return read((CORPUS / file).read_bytes())


def expected(row: dict[str, str]) -> dict[str, Any] | None:
    """rust-minidump's JSON. It is empty for dumps without a thread list, which that tool does not read."""
    text = (CORPUS / "ref/rust-minidump/json" / f"{row['file']}.json").read_text()
    return json.loads(text) if text else None


def compare(row: dict[str, str], check: Callable[[Minidump, dict[str, Any]], None]) -> None:
    reference = expected(row)
    if reference is None:
        assert "ThreadList" not in row["streams"].split(",")
        return
    check(dump_of(row["file"]), reference)


@every_dump
def test_counts_and_time(row: dict[str, str]) -> None:
    data = (CORPUS / row["file"]).read_bytes()
    start = time.process_time()
    dump = read(data)
    assert time.process_time() - start < SECONDS
    assert len(dump.threads) == int(row["nthreads"] or 0)
    assert len(dump.modules) == int(row["nmodules"] or 0)
    assert [stream.name for stream in dump.streams] == row["streams"].split(",")


def test_nothing_is_left_out_but_the_stubs_of_three_synthetic_dumps() -> None:
    """LLDB's YAML files have contexts of two or four bytes where no test looks at them."""
    complaining = {Path(row["file"]).name for row in ROWS if dump_of(row["file"]).problems}
    assert complaining == {
        "linux-x86_64.yaml.generated.dmp",
        "linux-x86_64_null_signal.yaml.generated.dmp",
        "stack-cfi-parsing.yaml.generated.dmp",
    }


@every_dump
def test_system(row: dict[str, str]) -> None:
    def check(dump: Minidump, reference: dict[str, Any]) -> None:
        system, info = dump.system, reference["system_info"]
        assert (system.arch, system.cpu_count) == (info["cpu_arch"], info["cpu_count"])
        assert system.cpu_info == (info["cpu_info"] or "")
        version = f"{system.os_version} {system.os_build}".strip()
        if system.os is Os.ANDROID:  # there, only Cairn takes the kernel's release out of uname's words
            assert info["os_ver"] == "0.0.0 Linux " + version + " armv7l"
        else:
            assert info["os_ver"].strip() == version
        assert dump.process_id == reference["pid"]

    compare(row, check)


def printed_debug_id(module: Module) -> str:
    """As Breakpad prints it: no hyphens, and an age always; zeros where there is no id."""
    guid, age = (module.debug_id or "")[:36], (module.debug_id or "")[37:]
    return (guid.replace("-", "") + (age or "0")).rjust(33, "0")


@every_dump
def test_modules(row: dict[str, str]) -> None:
    def check(dump: Minidump, reference: dict[str, Any]) -> None:
        modules = {module.base: module for module in dump.modules}
        for known in reference["modules"]:
            module = modules[int(known["base_addr"], 16)]
            debug_file = (module.debug_file or "").replace("\\", "/").rpartition("/")[2]
            assert (module.end, module.name) == (int(known["end_addr"], 16), known["filename"])
            assert (module.version, debug_file) == (known["version"], known["debug_file"] or "")
            assert printed_debug_id(module) == known["debug_id"].lower()
            # Old Breakpad for Linux wrote PDB70 records: time stamp zero and the size are no id of an ELF file.
            meaningless = dump.system.os is Os.LINUX and known["code_id"] == f"{0:08x}{module.size:x}"
            assert module.code_id == (None if meaningless else known["code_id"] or None)

    compare(row, check)


@every_dump
def test_threads_and_the_first_frame_of_each(row: dict[str, str]) -> None:
    def check(dump: Minidump, reference: dict[str, Any]) -> None:
        assert len(dump.threads) == len(reference["threads"])
        for thread, known in zip(dump.threads, reference["threads"], strict=True):
            assert thread.id == known["thread_id"]
            assert (thread.name or "") == (known["thread_name"] or "")
            context = thread.context
            if dump.exception and dump.exception.thread_id == thread.id and dump.exception.context:
                context = dump.exception.context
            if known["frames"]:
                assert context is not None
                assert context.pc == int(known["frames"][0]["offset"], 16)

    compare(row, check)


@every_dump
def test_the_crash(row: dict[str, str]) -> None:
    def check(dump: Minidump, reference: dict[str, Any]) -> None:
        crash, exception = reference["crash_info"], dump.exception
        if exception is None:
            assert crash["address"] is None
            assert row["exception"] == ""
            return
        assert row["exception"] == f"{exception.code:#x}@{exception.address:#x}"
        assert [thread.id for thread in dump.threads].index(exception.thread_id) == crash["crashing_thread"]
        violation = dump.system.os is Os.WINDOWS and exception.code in (0xC0000005, 0xC0000006)
        address = exception.parameters[1] if violation else exception.address
        assert address % (1 << 8 * dump.system.arch.pointer_size) == int(crash["address"], 16)

    compare(row, check)


@every_dump
def test_registers_of_the_crash(row: dict[str, str]) -> None:
    def check(dump: Minidump, reference: dict[str, Any]) -> None:
        frames = reference.get("crashing_thread", {}).get("frames") or [{}]
        known = frames[0].get("registers") or {}
        if not known:
            return
        assert dump.exception is not None
        (thread,) = (thread for thread in dump.threads if thread.id == dump.exception.thread_id)
        context = dump.exception.context or thread.context
        assert context is not None
        registers = context.registers
        if context.arch is Arch.ARM:  # rust-minidump calls r11 by what it is used for
            known["r11"] = known.pop("fp")
        assert {name: registers[name] for name in known} == {name: int(value, 16) for name, value in known.items()}

    compare(row, check)


@every_dump
def test_what_else_the_dump_holds(row: dict[str, str]) -> None:
    def check(dump: Minidump, reference: dict[str, Any]) -> None:
        assert len(dump.unloaded_modules) == len(reference["unloaded_modules"])
        assert [(one.handle, one.type_name, one.object_name) for one in dump.handles] == [
            (one["handle"], one["type_name"], one["object_name"]) for one in reference["handles"] or []
        ]
        if "linux_executable_stack.dmp" in row["file"]:  # its last line is cut off, so rust-minidump drops all
            assert (len(dump.mappings), reference["linux_memory_map_count"]) == (34, None)
        elif dump.system.os in (Os.LINUX, Os.ANDROID):
            assert len(dump.mappings) == (reference["linux_memory_map_count"] or 0)

    compare(row, check)


@every_dump
def test_last_errors(row: dict[str, str]) -> None:
    """rust-minidump also prints ``ERROR_SUCCESS`` where a dump of macOS happens to have memory at that address."""
    numbers = {
        None: None,
        "ERROR_SUCCESS": 0,
        "ERROR_ACCESS_DENIED": 5,
        "ERROR_INVALID_PARAMETER": 87,
        "ERROR_ALREADY_EXISTS": 183,
        "ERROR_PIPE_NOT_CONNECTED": 233,
        "STATUS_TIMEOUT": 258,
        "ERROR_IO_PENDING": 997,
    }

    def check(dump: Minidump, reference: dict[str, Any]) -> None:
        if dump.system.os is not Os.WINDOWS:
            assert {thread.last_error for thread in dump.threads} <= {None}
            return
        for thread, known in zip(dump.threads, reference["threads"], strict=True):
            assert thread.last_error == numbers[known["last_error_value"]]

    compare(row, check)


def test_stacks_of_a_firefox_dump_are_found_in_the_memory_list() -> None:
    """96 of its 103 stacks lie at RVA 0."""
    dump = dump_of("mozilla-minidump-stackwalk/pgo_data/minidumps/windows-x86_64.dmp")
    walkable = [
        thread
        for thread in dump.threads
        if thread.stack and thread.context and thread.stack.start <= thread.context.sp < thread.stack.end
    ]
    assert len(walkable) == 103


def test_crashpad_annotations_of_an_ios_dump() -> None:
    crashpad = dump_of("breakpad/src/processor/testdata/minidump_crashpad_annotation.dmp").crashpad
    assert crashpad is not None
    assert crashpad.annotations == {"crashpad": "yes", "plat": "iOS", "prod": "xcuitest", "ver": "1"}
    by_module = {module.module_index: module for module in crashpad.modules}
    assert by_module[1].objects["exceptionName"] == "NSRangeException"
    assert by_module[100].listed[0].startswith("CoreSimulator 857.14 - Device: iPhone 14 Pro Max")
