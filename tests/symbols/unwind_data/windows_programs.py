"""Real Windows programs for tests of unwind rules: of LLVM, of GCC, and those that pip carries, which Microsoft's
compiler made."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path

from tests.targets.zig import run as run_zig

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
__attribute__((cold, noreturn, noinline)) void fail(int n) { for (;;) work(&n, n); }
__attribute__((noinline)) int risky(int n) {
    char text[300];
    if (work(text, n) < -100) {
        work(text, large(n));
        fail(n);
    }
    return medium(n) + n;
}
int _fltused;
int start(void) {
    return crowded(1, 2, 3, 4, 5, 6, 7) + variadic(2, 3, 7) + tail(2) + (int)floating(4, 2, 3, 5, 6) + medium(3) +
           three(1, 2) + five(1, 2, 3, 4) + two(3) + risky(5);
}
"""


CPP = r"""
extern "C" __attribute__((noinline)) int work(void* p, int n) {
    volatile char* c = (char*)p;
    for (int i = 0; i < n; i++) c[i] = i;
    return c[n / 2];
}
struct Guard {
    int n;
    char room[40];
    Guard(int);
    ~Guard();
};
__attribute__((noinline)) Guard::Guard(int n) : n(n) { work(room, n); }
__attribute__((noinline)) Guard::~Guard() { work(room, n + 1); }
__attribute__((noinline)) int thrower(int n) {
    if (n > 100) throw n;
    return work(&n, 2);
}
__attribute__((noinline)) int guarded(int n, double x) {
    Guard a(n);
    char text[600];
    int r = work(text, n);
    try {
        Guard b(n + 1);
        r += thrower(n) * (int)x;
    } catch (int e) {
        Guard c(e);
        r += work(text, e) + thrower(e);
    } catch (...) {
        char big[9000];
        r += work(big, 3) * n;
    }
    return r + a.n + (int)x;
}
__attribute__((noinline)) int again(int n) {
    Guard a(n);
    int r = 0;
    try {
        r = thrower(n);
    } catch (int e) {
        r += e * n + work(&r, 3);
        throw;
    }
    return r;
}
extern "C" int start(int n) { return guarded(n, 0.5) + again(n); }
"""
"""Exceptions: for Microsoft's runtime, handlers and clean-up are functions of their own (*funclets*)."""

_RUNTIME = ("__chkstk", "__CxxFrameHandler3", "_CxxThrowException", "__std_terminate")
"""What compilers refer to; none of it is executed."""

GCC = Path(__file__).parent / "gcc"
"""What GCC 12 (mingw-w64) made of ``FREESTANDING``, by level: ``write_assembler`` writes it."""


def build_with_gcc(folder: Path, level: str) -> Path:
    """An amd64 library whose code and unwind data are GCC's."""
    return _link(folder, "x86_64", str(GCC / f"{level}.s"))


def build_with_llvm(folder: Path, arch: str, *flags: str) -> Path:
    """A library for ``aarch64`` or ``x86_64``."""
    source = folder / "free.c"
    source.write_text(FREESTANDING)
    return _link(
        folder, arch, "-ffreestanding", "-fno-builtin", "-fno-sanitize=all", "-fno-stack-protector", *flags, str(source)
    )


def build_with_exceptions(folder: Path, arch: str, *flags: str) -> Path:
    """A library of C++ as for Microsoft's runtime."""
    source, runtime, library = folder / "exceptions.cc", folder / "runtime.s", folder / "exceptions.dll"
    source.write_text(CPP)
    runtime.write_text("".join(f".globl {name}\n{name}:\n    ret\n" for name in _RUNTIME))
    for path in (source, runtime):
        target = ("-target", f"{arch}-windows-msvc", "-nostdlib", "-nostdinc++")
        run_zig(folder, "c++", *target, "-fexceptions", "-fcxx-exceptions", "-fno-sanitize=all", "-fno-stack-protector",
                "-w", *flags, "-c", str(path), "-o", str(path.with_suffix(".obj")))  # fmt: skip
    objects = [str(path.with_suffix(".obj")) for path in (source, runtime)]
    link = ("/nodefaultlib", "/dll", "/noentry", "/export:start", "/force:unresolved", f"/out:{library}")
    run_zig(folder, "lld-link", *link, *objects)
    return library


def _link(folder: Path, arch: str, *arguments: str) -> Path:
    """Compile and link with what probes the stack, which takes nothing from it by itself."""
    probe, library = folder / "probe.s", folder / "free.dll"
    name = "__chkstk" if arch == "aarch64" else "___chkstk_ms"
    probe.write_text(f".globl {name}\n{name}:\n    ret\n")
    target = ("-target", f"{arch}-windows-gnu", "-nostdlib", "-shared", "-Wl,--no-entry")
    run_zig(folder, "cc", *target, *arguments, str(probe), "-o", str(library))
    return library


def write_assembler() -> None:
    """Write the files in ``gcc/`` anew; needs Debian's ``gcc-mingw-w64-x86-64``."""
    for level in ("O0", "O2", "Os"):
        command = ["x86_64-w64-mingw32-gcc", f"-{level}", "-S", "-ffreestanding", "-fno-builtin", "-fno-ident"]
        command += ["-x", "c", "-", "-o", str(GCC / f"{level}.s")]
        subprocess.run(command, input=FREESTANDING, text=True, check=True)


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
