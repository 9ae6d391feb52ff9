"""A C program made up for tests of unwinding and names: every call in it of ``probe`` says where it stands.

It needs no library, so a compiler alone makes it for any system, and an emulator runs it. Its functions differ in what
decides how a compiler writes prologues and epilogues: size of the frame, registers that are saved, alloca, variable
arguments, alignment, early returns, tail calls, leaves.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

FILE = "generated.c"
END = 0
"""The number of the probe that the program ends with."""

FUNCTIONS = 100
"""Functions that a program has, beside ``start`` and small helpers."""

_SIZES = (8, 40, 100, 250, 500, 900, 2000, 4080, 4096, 5000, 9000, 20_000, 70_000)
_HEAD = """\
#define APART __attribute__((noinline))
#define INSIDE static inline __attribute__((always_inline))
typedef struct { int words[12]; } Wide;
int _fltused;
APART void probe(int id) { __asm__ volatile("" : : "r"(id) : "memory"); }
APART int mix(int n) { __asm__ volatile("" : "+r"(n)); return n; }
APART double widen(int n) { return mix(n) * 0.5; }
APART void touch(volatile char* text, int size) { text[0] = (char)size; text[size - 1] = 1; }
APART __attribute__((noreturn)) void finish(void) { for (;;) probe(0); }
void* memset(void* at, int byte, __SIZE_TYPE__ size) {
    for (volatile char* c = at; size--; c++) *c = (char)byte;
    return at;
}
void* memcpy(void* to, const void* from, __SIZE_TYPE__ size) {
    for (volatile char* c = to; size--; c++) *c = *((const char*)from + (c - (volatile char*)to));
    return to;
}
#if defined(_WIN32) && defined(__aarch64__)
__asm__(".globl __chkstk; __chkstk: ret");
#elif defined(_WIN32) && defined(__x86_64__)
__asm__(".globl ___chkstk_ms; ___chkstk_ms: ret");
#elif defined(_WIN32)
__asm__(".globl __alloca; __alloca: popl %ecx; subl %eax, %esp; pushl %ecx; ret");
#endif
"""
"""What ends the program, what compilers call by themselves, and what they have Windows probe the stack with."""

_PADDING = 'void padding(void) { __asm__ volatile(".space 4096"); }'
"""The linker that zig has for Mach-O ends the table of compact unwind data before the last function ends."""


class Place(NamedTuple):
    """A call as the source has it."""

    function: str
    line: int


@dataclass
class Program:
    """``probes`` are the places of each probe's call, innermost first, where the last is the function that is not
    inlined; ``functions`` the lines on which functions begin."""

    source: str
    probes: dict[int, tuple[Place, ...]]
    functions: dict[str, int]


def generate(seed: int, functions: int = FUNCTIONS) -> Program:
    """The program of ``seed``: always the same."""
    return _Writer(random.Random(seed)).program(functions)


@dataclass
class _Signature:
    """How a function is declared after its name, and called."""

    result: str
    parameters: str
    call: Callable[[str], str]


_PLAIN = _Signature("int", "int a, double x", lambda name: f"{name}(3, 0.5)")
_SIGNATURES = (
    _PLAIN,
    _PLAIN,
    _Signature("int", "int a, double x, ...", lambda name: f"{name}(3, 0.5, 4, 5, 6, 7, 8, 9, 10, 11)"),
    _Signature(
        "int",
        "int a, double x, int b, int c, int d, int e, int f, int g, int h, int i, int j",
        lambda name: f"{name}(3, 0.5, 4, 5, 6, 7, 8, 9, 10, 11, 12)",
    ),
    _Signature("Wide", "int a, double x", lambda name: f"{name}(3, 0.5).words[1]"),
)


@dataclass
class _Writer:
    random: random.Random
    lines: list[str] = field(default_factory=_HEAD.splitlines)
    probes: dict[int, tuple[Place, ...]] = field(default_factory=dict)
    functions: dict[str, int] = field(default_factory=dict)
    signatures: list[_Signature] = field(default_factory=list)

    def program(self, count: int) -> Program:
        for number in range(count):
            self._leaf(number) if number % 10 == 3 else self._function(number)
        self._begin("start", "int start(void) {")
        self._add("    int sum = mix(3);")
        for number in reversed(range(count)):
            self._add(f"    sum += {self._call(number)};")
        self._probe("start", [])
        self._add("    if (mix(sum) != 0x7fffffff)")
        self.probes[END] = (Place("finish", 1 + next(i for i, line in enumerate(self.lines) if " finish(" in line)),)
        self._add("        finish();")
        self._add("    return sum;")
        self._add("}")
        self._add(_PADDING)
        return Program("\n".join(self.lines) + "\n", self.probes, self.functions)

    def _add(self, text: str) -> int:
        """Write a line and return its number."""
        self.lines.append(text)
        return len(self.lines)

    def _begin(self, name: str, text: str) -> None:
        self.functions[name] = self._add(text)

    def _chance(self, part: float) -> bool:
        return self.random.random() < part

    def _call(self, number: int) -> str:
        return self.signatures[number].call(f"f_{number}")

    def _probe(self, function: str, around: list[Place]) -> None:
        number = len(self.probes) + 1
        line = self._add(f"    probe({number});")
        self.probes[number] = (Place(function, line), *around)

    def _leaf(self, number: int) -> None:
        """A function that calls nothing and needs many registers, or few."""
        self.signatures.append(_PLAIN)
        self._begin(f"f_{number}", f"APART int f_{number}(int a, double x) {{")
        values = self.random.choice((1, 6, 14, 28))
        for value in range(values):
            self._add(f'    int v{value} = a + {value}; __asm__ volatile("" : "+r"(v{value}));')
        self._add("    for (int i = 0; i < 2; i++) {")
        for value in range(values):
            self._add(f"        v{value} += v{(value + 1) % values} * i;")
        self._add("    }")
        self._add(f"    return (int)x + {' + '.join(f'v{value}' for value in range(values))};")
        self._add("}")

    def _function(self, number: int) -> None:
        name, signature = f"f_{number}", self.random.choice(_SIGNATURES)
        self.signatures.append(signature)
        inlined = self._chance(0.4)
        mine = len(self.probes) + 1
        if inlined:
            self._inlined(number)
        self._begin(name, f"APART {signature.result} {name}({signature.parameters}) {{")
        self._add("    int sum = a;")
        if signature.result == "int" and self._chance(0.25):
            self._add("    if (a < 0) return 1;")
        self._frame()
        values = self._values()
        if inlined:
            line = self._add(f"    sum += outer_{number}(a);")
            for probe in range(mine, len(self.probes) + 1):
                self.probes[probe] += (Place(name, line),)
        self._probe(name, [])
        self._work(number, signature)
        self._end(number, signature, values)
        self._add("}")

    def _inlined(self, number: int) -> None:
        """Two functions, one inlined into the other, which is to be inlined into what is written next."""
        inner, outer = f"inner_{number}", f"outer_{number}"
        first = len(self.probes) + 1
        self._add(f"INSIDE int {inner}(int a) {{")
        self._probe(inner, [])
        self._add("    return mix(a) + 1;")
        self._add("}")
        self._add(f"INSIDE int {outer}(int a) {{")
        line = self._add(f"    int sum = {inner}(a);")
        self.probes[first] += (Place(outer, line),)
        self._probe(outer, [])
        self._add("    return sum * 2;")
        self._add("}")

    def _frame(self) -> None:
        """What takes room on the stack."""
        if self._chance(0.6):
            size = self.random.choice(_SIZES)
            aligned = "__attribute__((aligned(64))) " if self._chance(0.15) else ""
            self._add(f"    {aligned}volatile char text[{size}];")
            self._add(f"    touch(text, {size});")
        if self._chance(0.2):
            self._add(f"    volatile char* room = __builtin_alloca(mix(a) * {self.random.choice((5, 40, 3000))});")
            self._add("    touch(room, 9);")

    def _values(self) -> list[str]:
        """Values that live to the function's end, in registers that calls preserve."""
        whole = self.random.choice((0, 0, 1, 2, 3, 4, 5, 7, 9, 10, 12))
        wide = self.random.choice((0, 0, 0, 0, 1, 2, 3, 5, 8))
        for value in range(whole):
            self._add(f"    int v{value} = mix(a + {value});")
        for value in range(wide):
            self._add(f"    double d{value} = widen(a + {value});")
        return [f"v{value} * {value + 2}" for value in range(whole)] + [f"(int)d{value}" for value in range(wide)]

    def _work(self, number: int, signature: _Signature) -> None:
        if "..." in signature.parameters:
            self._add("    __builtin_va_list all;")
            self._add("    __builtin_va_start(all, x);")
            self._add("    for (int i = 0; i < a; i++) sum += __builtin_va_arg(all, int);")
            self._add("    __builtin_va_end(all);")
        if self._chance(0.3):
            self._add("    for (int i = 0; i < 2; i++) sum += mix(i) * sum;")
        if self._chance(0.2):
            cases = " ".join(f"case {case}: sum += mix({case * case}) * {case + 3}; break;" for case in range(6))
            self._add(f"    switch (mix(a)) {{ {cases} }}")
        if number and self._chance(0.7):
            self._add(f"    sum += {self._call(self.random.randrange(number // 2, number) // 2)};")
        if self._chance(0.2):
            self._add("    if (mix(sum) == 0x7fffffff) finish();")

    def _end(self, number: int, signature: _Signature, values: list[str]) -> None:
        self._add(f"    sum += {' + '.join(values) or '1'};")
        plain = [other for other in range(number // 2) if self.signatures[other] is _PLAIN]
        if signature.result == "Wide":
            self._add("    Wide wide = {{sum, mix(sum)}};")
            self._add("    return wide;")
        elif plain and self._chance(0.3):
            self._add(f"    return f_{self.random.choice(plain)}(sum & 7, x);")
        else:
            self._add("    return sum;")
