"""Real Windows programs for tests of unwind rules: built here by mingw-w64 and LLVM, and those that pip carries, which
Microsoft's compiler made."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path

C = r"""
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
__attribute__((noinline)) int large(int n) { char text[9000]; snprintf(text, 9000, "%d", n); return text[0]; }
__attribute__((noinline)) int dynamic(int n) { char* text = alloca(n); snprintf(text, n, "%d", n); return text[n / 2]; }
__attribute__((noinline)) int variadic(int n, ...) {
    va_list all;
    va_start(all, n);
    int sum = 0;
    for (int i = 0; i < n; i++) sum += va_arg(all, int) + large(i);
    va_end(all);
    return sum;
}
__attribute__((noinline)) double floating(double a, double b, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += dynamic(i + 5) * a + b;
    return sum;
}
__attribute__((noinline)) int crowded(int a, int b, int c, int d, int e, int f, int g) {
    int sum = 0;
    for (int i = 0; i < a; i++) sum += large(b) * c + large(d) * e + large(f) * g + i * a * b * c * d * e * f * g;
    return sum;
}
int early(int n) { if (n < 0) return 1; return large(n) + large(n + 1); }
int tail(int n) { return n > 3 ? dynamic(large(n)) : early(n); }
int main(int argc, char** argv) {
    (void)argv;
    return crowded(1, 2, 3, 4, 5, 6, argc) + variadic(2, argc, 7) + tail(argc) + (int)floating(argc, 2, 3);
}
"""

FREESTANDING = r"""
__attribute__((noinline)) int work(void* p, int n) {
    volatile char* c = p;
    for (int i = 0; i < n; i++) c[i] = i;
    return c[n / 2];
}
__attribute__((noinline)) int large(int n) { char text[9000]; return work(text, n); }
__attribute__((noinline)) int medium(int n) { char text[900]; return work(text, n) + large(n); }
__attribute__((noinline)) int dynamic(int n) { char* text = __builtin_alloca(n); return work(text, n); }
__attribute__((noinline)) int variadic(int n, ...) {
    __builtin_va_list all;
    __builtin_va_start(all, n);
    int sum = 0;
    for (int i = 0; i < n; i++) sum += __builtin_va_arg(all, int) + large(i);
    __builtin_va_end(all);
    return sum;
}
__attribute__((noinline)) double floating(double a, double b, double c, double d, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += dynamic(i + 5) * a + b * c - d;
    return sum + a;
}
__attribute__((noinline)) int crowded(int a, int b, int c, int d, int e, int f, int g) {
    int sum = 0;
    for (int i = 0; i < a; i++) sum += large(b) * c + large(d) * e + large(f) * g + i * a * b * c * d * e * f * g;
    return sum;
}
int two(int a) { return work(&a, a) + a; }
int three(int a, int b) { return work(&a, a) + work(&b, b) * a + b; }
int five(int a, int b, int c, int d) { return large(a) + large(b) * a + large(c) * b + large(d) * c + d; }
int early(int n) { if (n < 0) return 1; return large(n) + large(n + 1); }
int tail(int n) { return n > 3 ? dynamic(large(n)) : early(n); }
void __chkstk(void) {}
int _fltused;
int start(void) {
    return crowded(1, 2, 3, 4, 5, 6, 7) + variadic(2, 3, 7) + tail(2) + (int)floating(4, 2, 3, 5, 6) + medium(3) +
           three(1, 2) + five(1, 2, 3, 4) + two(3);
}
"""


def build_with_mingw(folder: Path, *flags: str) -> Path:
    """A statically linked amd64 program, with all of the C library that it needs."""
    source, program = folder / "program.c", folder / "program.exe"
    source.write_text(C)
    command = ["x86_64-w64-mingw32-gcc", *flags, "-static", "-o", str(program), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    return program


def build_with_llvm(folder: Path, arch: str, *flags: str) -> Path:
    """A library for ``aarch64`` or ``x86_64`` that needs no other code."""
    source, compiled, library = folder / "free.c", folder / "free.obj", folder / "free.dll"
    source.write_text(FREESTANDING)
    target = (f"--target={arch}-pc-windows-msvc", "-ffreestanding", "-fno-builtin", "-funwind-tables")
    subprocess.run(["clang", *target, *flags, "-c", str(source), "-o", str(compiled)], check=True, capture_output=True)
    link = ("lld-link", "/nodefaultlib", "/dll", "/noentry", "/export:start", f"/out:{library}", str(compiled))
    subprocess.run(link, check=True, capture_output=True)
    return library


def carried_programs(machine: str) -> list[Path]:
    """Programs for ``machine`` (``64``, ``arm64``) by Microsoft's compiler, in packages that most environments have."""
    found: list[Path] = []
    for package, names in (
        ("setuptools", (f"cli-{machine}.exe", f"gui-{machine}.exe")),
        ("pip", (f"_vendor/distlib/t{_distlib(machine)}.exe", f"_vendor/distlib/w{_distlib(machine)}.exe")),
    ):
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            found += [path for name in names if (path := Path(spec.origin).parent / name).exists()]
    return found


def _distlib(machine: str) -> str:
    return "64-arm" if machine == "arm64" else machine
