"""Unwind rules by decision: sense and nonsense for every address."""

from __future__ import annotations

from collections.abc import Collection

from cairn.minidump.records import Arch, Module
from cairn.symbols.rules import CfiRule, Expression, WinRule
from tests.fuzz.decisions import Decisions
from tests.synth.contexts import LAYOUTS

OPERATORS = ["+", "-", "^", "*", "/", "%", "@"]
NUMBERS = [0, 8, 16, -8, -16, 4, 1, 0xFFFF_FFFF, 2**63, -(2**63), 10**19]
PROGRAMS = [
    ("$T0", "$ebp", "=", "$eip", "$T0", "4", "+", "^", "=", "$ebp", "$T0", "^", "=", "$esp", "$T0", "8", "+", "="),
    ("$T0", ".raSearch", "=", "$eip", "$T0", "^", "=", "$esp", "$T0", "4", "+", "="),
    ("$T1", "$ebp", "16", "@", "=", "$eip", "$T1", "^", "=$esp", "$T1", "4", "+", "="),
]
WORDS = ["$eip", "$esp", "$ebp", "$T0", ".raSearch", ".cbParams", ".undef", "=", "=$eip", "4", "-4", "^", "+", "@", "x"]
WIN_SIZES = [0, 4, 8, 64, 0x1000, 0xFFFF_FFFF]


class FuzzedRules:
    """An ``UnwindRules``: a few rules, dealt out to addresses in turn."""

    def __init__(self, decide: Decisions, arch: Arch) -> None:
        self._decide = decide
        self._names = [".cfa", ".ra", *LAYOUTS[str(arch)][2]]
        self._sp = next((name for name in ("rsp", "esp") if name in self._names), "sp")
        self._rules: list[CfiRule | WinRule | None] = [None]
        self._rules += decide.some(8, self._win) if arch is Arch.X86 and decide.flag() else decide.some(8, self._cfi)
        self._stride = decide.choice([1, 8, 64, 4096])
        self._functions = decide.choice([None, True, False])

    def rule_at(self, module: Module, offset: int) -> CfiRule | WinRule | None:
        assert 0 <= offset < module.size
        return self._rules[offset // self._stride % len(self._rules)]

    def has_unwind_info(self, module: Module) -> bool:
        return len(self._rules) > 1

    def has_function(self, module: Module, offset: int) -> bool | None:
        assert 0 <= offset < module.size
        return self._functions

    @classmethod
    def make(cls, decide: Decisions, arch: Arch) -> FuzzedRules:
        """Rules that are near, or far away."""
        return (FarRules if decide.flag() else FuzzedRules)(decide, arch)

    def _cfi(self) -> CfiRule:
        ra = self._expression() if self._decide.below(8) else None
        return CfiRule(
            cfa=self._expression(cfa=True),
            ra=ra,
            registers=tuple(self._decide.some(4, self._register)),
            at_function_start=self._decide.flag(),
        )

    def _register(self) -> tuple[str, Expression | None]:
        return self._decide.choice(self._names), self._expression() if self._decide.below(8) else None

    def _expression(self, *, cfa: bool = False) -> Expression:
        number = self._decide.choice(NUMBERS)
        base = self._sp if cfa else ".cfa"
        usual: list[Expression] = [(base, number, "+"), (".cfa", number, "+", "^"), (base, number, "-", "^"), (base,)]
        usual += [(self._decide.choice(self._names), number, "+", "^")]
        if self._decide.below(4) < 3:
            return usual[0] if cfa and self._decide.flag() else self._decide.choice(usual)
        tokens = [self._token() for _ in range(self._decide.below(12))]
        return tuple(tokens * self._decide.choice([1, 1, 1, 40]))

    def _token(self) -> str | int:
        tokens: list[str | int] = [*NUMBERS, *OPERATORS, *self._names, self._decide.number(2)]
        return self._decide.choice(tokens)

    def _win(self) -> WinRule:
        program = None
        if self._decide.flag():
            fixed = self._decide.choice(PROGRAMS)
            program = tuple(self._decide.some(30, lambda: self._decide.choice(WORDS))) or fixed
        rva, code, prolog, epilog, parameters, saved, local, stack = (self._decide.choice(WIN_SIZES) for _ in range(8))
        return WinRule(
            kind=4 if program else 0,
            rva=rva,
            code_size=code,
            prolog_size=prolog,
            epilog_size=epilog,
            parameter_size=parameters,
            saved_register_size=saved,
            local_size=local,
            max_stack_size=stack,
            program=program,
            allocates_base_pointer=self._decide.flag(),
        )


class FarRules(FuzzedRules):
    """Rules that want to be told what will be asked, and know where functions begin."""

    def prefetch(self, places: Collection[tuple[Module, int]]) -> None:
        assert all(0 <= offset < module.size for module, offset in places)

    def function_start(self, module: Module, offset: int) -> int | None:
        assert 0 <= offset < module.size
        return None if offset % 5 == 0 else offset // 256 * 256
