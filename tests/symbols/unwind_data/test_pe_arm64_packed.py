from __future__ import annotations

import struct
from pathlib import Path

from cairn.symbols.formats.pe import Pe
from cairn.symbols.unwind_data import pe_arm64
from tests.symbols.unwind_data.arm64_prologues import assembler, forms, packed
from tests.symbols.unwind_data.test_pe_every_instruction import check_arm64
from tests.targets.zig import run

STOPS = 12_000


def program(folder: Path) -> Path:
    """A library with a function of every form, and the unwind data that LLVM's assembler has made for it."""
    source, library = folder / "forms.s", folder / "forms.dll"
    source.write_text(assembler(forms()))
    run(folder, "cc", "-target", "aarch64-windows-gnu", "-nostdlib", "-shared", "-Wl,--no-entry", str(source), "-o",
        str(library))  # fmt: skip
    return library


def test_every_packed_form_at_every_instruction(tmp_path: Path) -> None:
    """LLVM packs what it can: no homes, and not the pair of x19 and lr. Its words and ours are the same there; for the
    other forms ours take the place of its full records."""
    library = program(tmp_path)
    seen, moved = check_arm64(library)
    assert (seen > STOPS, moved) == (True, [])
    data = library.read_bytes()
    pe = Pe(data)
    table = pe.exception_table()
    entries = list(struct.iter_unpack("<II", table))
    sizes = [function.end - function.start for function in pe_arm64.functions(pe)]
    words = [packed(form, size) for form, size in zip(forms(), sizes, strict=True)]
    theirs = [(data, word) for (_, data), word in zip(entries, words, strict=True) if data & 3]
    assert len(theirs) > 300
    assert [word for word, _ in theirs] == [word for _, word in theirs]
    ours = b"".join(struct.pack("<II", start, word) for (start, _), word in zip(entries, words, strict=True))
    assert data.count(table) == 1
    library.write_bytes(data.replace(table, ours))
    seen, moved = check_arm64(library)
    assert (seen > STOPS, moved) == (True, [])
