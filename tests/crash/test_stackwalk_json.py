"""The JSON of `cairn stackwalk --json`: its own rules here, rust-minidump's output in test_corpus_stackwalk_json.py."""

from __future__ import annotations

from typing import Any

import pytest

from cairn.crash.process import process
from cairn.crash.stackwalk_json import stackwalk_json
from cairn.minidump.records import Arch, Os
from tests.crash.symbol_files import SAMPLE, Files, compiled
from tests.synth.codeview import Pdb70
from tests.synth.minidump import MinidumpBuilder

LIMITS = """\
Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max open files            1024                 524288               files     
Max nice priority         0                    0                    
"""  # noqa: W291
OS_RELEASE = 'PRETTY_NAME="Debian GNU/Linux 12"\nNAME="Debian"\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nID=debian\n'


def said(builder: MinidumpBuilder) -> dict[str, Any]:
    return stackwalk_json(process(builder.build(), Files()))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    files = compiled(tmp_path_factory.mktemp("symbols"), SAMPLE / "lighthouse")
    return stackwalk_json(process((SAMPLE / "lighthouse.dmp").read_bytes(), Files(*files)), ["a file was bad"])


def test_the_crash(sample: dict[str, Any]) -> None:
    info = sample["crash_info"]
    assert (info["type"], info["address"]) == ("SIGSEGV / SEGV_MAPERR", "0x0000000000000010")
    assert sample["threads"][info["crashing_thread"]]["thread_id"] == sample["cairn"]["thread_id"]
    assert "0x10: a null pointer plus 16 bytes" in sample["cairn"]["explanation"]
    assert sample["cairn"]["problems"] == ["a file was bad"]


def test_a_frame_belongs_to_the_function_that_has_the_address_and_lists_what_was_inlined(
    sample: dict[str, Any],
) -> None:
    frames = sample["crashing_thread"]["frames"]
    top = frames[0]
    assert (top["frame"], top["trust"], top["module"]) == (0, "context", "lighthouse")
    assert top["inlines"][0]["function"].startswith("Lamp::dim_to")
    assert top["function"] != top["inlines"][0]["function"]
    base = int(sample["modules"][0]["base_addr"], 16)
    assert int(top["module_offset"], 16) == int(top["offset"], 16) - base
    assert int(top["function_offset"], 16) < 0x1000
    assert [frame["missing_symbols"] for frame in frames] == [frame["function"] is None for frame in frames]


def test_the_crashing_thread_is_the_one_of_the_list_with_its_registers(sample: dict[str, Any]) -> None:
    crashing = sample["crashing_thread"]
    listed = sample["threads"][crashing["threads_index"]]
    registers = crashing["frames"][0].pop("registers")
    assert registers["rip"] == crashing["frames"][0]["offset"]
    assert {key: crashing[key] for key in listed} == listed
    assert crashing.keys() - listed.keys() == {"threads_index"}
    assert listed["frame_count"] == len(listed["frames"])


def test_modules_say_what_became_of_their_symbols(sample: dict[str, Any]) -> None:
    modules = {module["filename"]: module for module in sample["modules"]}
    assert modules["lighthouse"]["loaded_symbols"] is True
    assert modules["lighthouse"]["cairn"]["debug_status"] == "found"
    untouched = [module for module in modules.values() if module["cairn"]["debug_status"] == "unused"]
    missing = [module for module in modules.values() if module["cairn"]["debug_status"] == "missing"]
    assert missing and all(module["missing_symbols"] for module in missing)
    assert not any(module["missing_symbols"] for module in untouched)
    assert all(len(module["debug_id"]) >= 33 for module in modules.values())


def test_addresses_are_as_wide_as_a_pointer() -> None:
    builder = MinidumpBuilder(Arch.X86, Os.WINDOWS, version=(10, 0, 19041))
    builder.thread(1, {"eip": 0x5010, "esp": 0x100}).thread(2).unloaded_module(0x5000, 0x100, "gone.dll", timestamp=5)
    builder.module(
        0x400000,
        0x1000,
        "c:\\app\\a.exe",
        Pdb70("3249d99d-0c40-4931-8610-f4e4fb0b6936", 0x1C, "c:\\build\\a.pdb"),
        timestamp=0x4CA3B56E,
    )
    found = said(builder.breakpad_info(9, 1))
    (frame,) = found["threads"][0]["frames"]
    assert frame["offset"] == "0x00005010"
    assert frame["unloaded_modules"] == [{"module": "gone.dll", "offsets": ["0x00000010"]}]
    assert (frame["module"], frame["module_offset"]) == (None, None)
    assert found["modules"][0] | {"cairn": None} == {
        "base_addr": "0x00400000",
        "end_addr": "0x00401000",
        "filename": "a.exe",
        "code_id": "4ca3b56e1000",
        "debug_file": "a.pdb",
        "debug_id": "3249D99D0C4049318610F4E4FB0B69361c",
        "version": None,
        "cert_subject": None,
        "loaded_symbols": False,
        "missing_symbols": False,
        "corrupt_symbols": False,
        "symbol_url": None,
        "cairn": None,
    }
    assert found["modules"][0]["cairn"]["path"] == "c:\\app\\a.exe"
    assert found["unloaded_modules"][0]["end_addr"] == "0x00005100"
    assert found["system_info"]["os"] == "Windows NT"
    assert found["system_info"]["os_ver"] == "10.0.19041"


def test_without_an_exception_all_that_is_known_is_which_thread_asked() -> None:
    found = said(MinidumpBuilder().thread(1).thread(2, {"rip": 0x5000, "rsp": 0x100}).breakpad_info(9, 2))
    info = found["crash_info"]
    assert info.pop("crashing_thread") == 1
    assert set(info.values()) == {None}
    assert found["crashing_thread"]["threads_index"] == 1
    assert found["cairn"]["is_crash"] is False


def test_a_crashing_thread_without_frames_is_not_repeated() -> None:
    found = said(MinidumpBuilder().thread(1).exception(1, 11, 1, 0x10))
    assert found["crash_info"]["crashing_thread"] == 0
    assert "crashing_thread" not in found
    assert found["threads"][0]["cairn"]["stack_end"] == "no_context"


def test_what_linux_tells() -> None:
    maps = "1000-2000 r-xp 00000000 08:01 1 /bin/a\n3000-4000 rw-p 00000000 00:00 0 \n"
    files = {"limits": LIMITS, "lsb_release": OS_RELEASE, "maps": maps, "cpuinfo": "microcode\t: 0x0036\n"}
    found = said(MinidumpBuilder().thread(1).linux(**files).soft_errors('[{"InitErrors": []}]'))
    assert found["proc_limits"]["limits"] == [
        {"name": "Max cpu time", "soft": "unlimited", "hard": "unlimited", "unit": "seconds"},
        {"name": "Max open files", "soft": 1024, "hard": 524288, "unit": "files"},
        {"name": "Max nice priority", "soft": 0, "hard": 0, "unit": "n/a"},
    ]
    release = {"id": "debian", "release": "12", "codename": "bookworm", "description": "Debian GNU/Linux 12"}
    assert found["lsb_release"] == release
    assert found["linux_memory_map_count"] == 2
    assert found["system_info"]["cpu_microcode_version"] == "0x36"
    assert found["soft_errors"] == [{"InitErrors": []}]


@pytest.mark.parametrize("text", ["no json", "[" * 100_000])
def test_soft_errors_that_are_no_json_stay_text(text: str) -> None:
    assert said(MinidumpBuilder().thread(1).soft_errors(text))["soft_errors"] == text


def test_what_macos_tells() -> None:
    texts = ("/usr/lib/libc", "abort() called", "", "0 main", "more")
    builder = MinidumpBuilder(Arch.ARM64, Os.MACOS).thread(1).mac_crash_info(((7, 8), texts)).mac_boot_args("-v")
    found = said(builder)
    assert found["mac_crash_info"] == {
        "num_records": 1,
        "records": [
            {
                "thread": "0x0000000000000007",
                "dialog_mode": "0x0000000000000008",
                "abort_cause": None,
                "module": "/usr/lib/libc",
                "message": "abort() called",
                "signature_string": None,
                "backtrace": "0 main",
                "message2": "more",
            }
        ],
    }
    assert found["mac_boot_args"] == "-v"
    assert found["system_info"]["os"] == "Mac OS X"


def test_the_times_and_handles_of_the_process() -> None:
    builder = MinidumpBuilder(os=Os.WINDOWS, timestamp=1_000).thread(1).misc_info(7, (900, 1, 1)).handle(4, "File")
    found = said(builder)
    assert (found["pid"], found["process_uptime"]) == (7, 100)
    assert found["handles"] == [{"handle": 4, "type_name": "File", "object_name": None}]


def test_an_unknown_system_is_its_number() -> None:
    assert said(MinidumpBuilder(os=Os.UNKNOWN).thread(1))["system_info"]["os"] == "0xffffffff"


def test_modules_without_ids_have_empty_ones() -> None:
    found = said(MinidumpBuilder().thread(1).module(0x400000, 0x1000, "/bin/a"))
    module = found["modules"][0]
    assert (module["code_id"], module["debug_id"], module["debug_file"]) == ("", "0" * 33, "")


def test_arm_registers_have_the_schemas_names() -> None:
    builder = MinidumpBuilder(Arch.ARM).thread(1, {"pc": 0x5010, "sp": 0x100, "r11": 0x77}).breakpad_info(9, 1)
    registers = said(builder)["crashing_thread"]["frames"][0]["registers"]
    assert registers["fp"] == "0x00000077"
    assert "r11" not in registers
