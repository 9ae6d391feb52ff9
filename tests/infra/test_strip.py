from __future__ import annotations

import ctypes
import struct
from pathlib import Path

import pytest
import zstandard

from infra.strip import HEADER, SEGMENT, strip, strip_file

BEHIND = b"section headers and debug information"


def image(segments: list[tuple[int, int]], body: bytes = b"\xaa" * 64) -> bytes:
    """A tiny ELF: header, program headers for (offset, size) pairs, ``body``, and something behind."""
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    end = HEADER.size + SEGMENT.size * len(segments) + len(body)
    header = HEADER.pack(ident, 3, 0xB7, 1, 0, HEADER.size, end, 0, HEADER.size, SEGMENT.size, len(segments), 64, 9, 8)
    table = b"".join(SEGMENT.pack(1, 5, offset, offset, offset, size, size, 0x1000) for offset, size in segments)
    return header + table + body + BEHIND


def test_what_lies_behind_the_last_segment_goes() -> None:
    data = image([(0, 120), (120, 60), (200, 40)])
    stripped = strip(data)
    assert len(stripped) == 240 < len(data)
    assert stripped[HEADER.size :] == data[HEADER.size : 240]


def test_the_header_no_longer_points_at_sections() -> None:
    fields = HEADER.unpack_from(strip(image([(0, 120)])))
    assert (fields[6], fields[12], fields[13]) == (0, 0, 0)
    assert fields[5] == HEADER.size and fields[10] == 1


def test_stripping_twice_changes_nothing() -> None:
    once = strip(image([(0, 150)]))
    assert strip(once) == once


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"\xcf\xfa\xed\xfe" + bytes(100), b"\x7fELF\x01\x01" + bytes(100)])
def test_other_files_are_left_alone(data: bytes) -> None:
    assert strip(data) is data


def test_a_segment_outside_the_file_is_refused() -> None:
    with pytest.raises(ValueError, match="a segment ends at 0x100000064"):
        strip(image([(100, 1 << 32)]))


def test_a_table_outside_the_file_is_refused() -> None:
    data = bytearray(image([(0, 100)]))
    struct.pack_into("<H", data, 56, 0xFFFF)
    with pytest.raises(ValueError, match="program header table at 0x40 with 65535 entries"):
        strip(bytes(data))


def test_a_stripped_library_loads(tmp_path: Path) -> None:
    """The loader is the judge: a real extension module, stripped, is opened and its entry point found."""
    original = next(Path(zstandard.__file__).parent.glob("backend_c*.so"))
    library = tmp_path / "stripped.so"
    library.write_bytes(original.read_bytes())
    if original.read_bytes().startswith(b"\x7fELF"):
        assert strip_file(library) > 0
    else:
        assert strip_file(library) == 0
    assert ctypes.cast(ctypes.PyDLL(str(library)).PyInit_backend_c, ctypes.c_void_p).value
