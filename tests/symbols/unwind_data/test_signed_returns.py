from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairn.symbols.compiling.compiler import compile_here
from cairn.symbols.unwind_data.signed_returns import copy_without_signs, signs_in
from tests.targets.zig import LINUX_ARM64, build

SOURCE = """
__attribute__((noinline)) int work(int n) { __asm__ volatile("" : "+r"(n)); return n; }
__attribute__((noinline)) int one(int n) { return work(n) + n; }
__attribute__((noinline)) int two(int n) { return one(n) * work(n) + n; }
int start(void) { return two(3) + 1; }
"""
SIGNED = "-mbranch-protection=pac-ret"


def program(folder: Path, *flags: str) -> Path:
    source = folder / "signed.c"
    source.write_text(SOURCE)
    return build(LINUX_ARM64, source, "-O1", *flags).program


@pytest.mark.parametrize(
    ("flags", "operations"),
    (((), 6), (("-fno-asynchronous-unwind-tables", "-fno-unwind-tables"), 3)),
    ids=("eh", "debug"),
)
def test_operations_about_signatures_are_taken_out(flags: tuple[str, ...], operations: int, tmp_path: Path) -> None:
    """Three functions sign; ``.eh_frame`` also says where the signature is gone, ``.debug_frame`` does not."""
    path, copy = program(tmp_path, SIGNED, *flags), tmp_path / "copy"
    assert copy_without_signs(path, copy)
    before, after = path.read_bytes(), copy.read_bytes()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert changed == [(0x2D, 0)] * len(changed)
    assert len(changed) == operations
    assert not copy_without_signs(copy, tmp_path / "another")
    (compiled,) = compile_here(path, tmp_path)
    assert (compiled.name, compiled.problems) == (path.name, ())


def test_nothing_is_copied_without_signatures(tmp_path: Path) -> None:
    assert not copy_without_signs(program(tmp_path), tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize("content", (b"", b"MZ", b"\x7fELF\2\1" + bytes(40)))
def test_other_files_are_left_alone(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    assert not copy_without_signs(path, tmp_path / "copy")


@given(st.lists(st.binary(min_size=4, max_size=60) | st.just(b"\0\0\0\0\1zR\0\1\x78\x1e\1\x1b"), max_size=6),
       st.binary(max_size=40), st.sampled_from((0, 0xFFFF_FFFF)))  # fmt: skip
def test_any_section_ends_well(entries: list[bytes], rest: bytes, cie_id: int) -> None:
    data = b"".join(len(entry).to_bytes(4, "little") + entry for entry in entries) + rest
    assert all(data[place] in (0x2C, 0x2D) for place in signs_in(data, cie_id))
