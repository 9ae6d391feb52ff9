"""Programs that the tests compile, and symbol text that they write."""

from __future__ import annotations

import subprocess
from base64 import b64encode
from pathlib import Path
from random import Random
from uuid import UUID

CPP = r"""
#include <cstdio>
#include <string>
#include <vector>
namespace shop {
template <typename T> struct Basket {
    std::vector<T> items;
    __attribute__((noinline)) int total(T tax) const {
        int sum = 0;
        for (const T& item : items) sum += twice(item) + tax;
        return sum;
    }
    static inline __attribute__((always_inline)) int twice(T item) { return deep(item) * 2; }
    static inline __attribute__((always_inline)) int deep(T item) { volatile int x = item; return x + 1; }
};
static __attribute__((noinline)) std::string label(int n) { return std::string(n % 7, 'x') + std::to_string(n); }
}
int main(int argc, char** argv) {
    shop::Basket<int> basket;
    for (int i = 0; i < argc + 5; i++) basket.items.push_back(i);
    printf("%d %s\n", basket.total(argc), shop::label(argc).c_str());
    return 0;
}
"""

SYM = b"""\
MODULE Linux x86_64 4D9D8F6C1DF4EF9C2E9D7D3C2D6E5B3A0 my app
INFO CODE_ID 6C8F9D4DF41D9CEF2E9D7D3C2D6E5B3A
FILE 0 /src/alpha.cc
FILE 1 /src/beta.h
INLINE_ORIGIN 0 beta(char)
FUNC 1000 40 0 alpha(int)
INLINE 0 4 0 0 1010 10
1000 10 3 0
1010 10 7 1
1020 20 5 0
FUNC 1100 20 0 no_lines
PUBLIC 1800 0 far_away
STACK CFI INIT 1000 40 .cfa: $rsp 8 + .ra: .cfa -8 + ^
STACK CFI 1001 .cfa: $rsp 16 + $rbp: .cfa -16 + ^
PUBLIC 1900 0 last
"""


def large_symbols() -> bytes:
    """``SYM`` with so many long names that its symbol file is not read whole."""
    chance = Random(1)
    names = (b64encode(chance.randbytes(6000)) for _ in range(600))
    return SYM + b"".join(b"PUBLIC %x 0 %s\n" % (0x10000 + 64 * number, name) for number, name in enumerate(names))


SYM_DEBUG_ID = "4d9d8f6c-1df4-ef9c-2e9d-7d3c2d6e5b3a"
SYM_CODE_ID = "6c8f9d4df41d9cef2e9d7d3c2d6e5b3a"


PORTABLE_PDB = Path(__file__).parent / "managed/lamp.pdb"
"""Symbols of .NET, which ``managed/make.sh`` has made."""

PORTABLE_PDB_ID = "6c11366f-161e-45eb-826a-3367e1aa62ab"


def portable_pdb(debug_id: UUID) -> bytes:
    """The same under another id."""
    return PORTABLE_PDB.read_bytes().replace(UUID(PORTABLE_PDB_ID).bytes_le, debug_id.bytes_le)


def build(folder: Path, *flags: str, source: str = CPP, name: str = "program") -> Path:
    """Compile C++ with ``g++`` and return the program."""
    path = folder / f"{name}.cc"
    path.write_text(source)
    program = folder / name
    subprocess.run(["g++", *flags, "-o", program, path], check=True, capture_output=True)
    return program
