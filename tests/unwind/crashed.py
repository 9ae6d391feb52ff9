"""Crashed processes made by hand: a stack, a few modules, and rules from a dictionary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cairn.minidump.memory import Memory, MemoryRegion
from cairn.minidump.records import Arch, Context, MappedRange, Minidump, Module, Os, SystemInfo, Thread
from cairn.symbols.rules import CfiRule, Expression, WinRule
from cairn.unwind.frames import Stack
from cairn.unwind.walker import walk_threads

APP = Module(base=0x40_0000, size=0x1_0000, code_file="/opt/app")
LIBC = Module(base=0x5000_0000, size=0x10_0000, code_file="/lib/libc.so.6")
STACK = 0x7000_0000

Rule = CfiRule | WinRule


def cfi(cfa: str, ra: str | None = None, start: bool = False, **registers: str | None) -> CfiRule:
    """A rule from the text of its expressions; a register named ``cfa_`` cannot be written."""
    others = tuple((name, None if text is None else expression(text)) for name, text in registers.items())
    return CfiRule(expression(cfa), None if ra is None else expression(ra), others, start)


def expression(text: str) -> Expression:
    return tuple(int(token) if token.lstrip("-").isdigit() else token for token in text.split())


@dataclass
class Rules:
    """Unwind rules by range of addresses; functions by range, for the modules whose symbols are known."""

    ranges: Mapping[range, Rule] = field(default_factory=dict)
    functions: Mapping[range, str] = field(default_factory=dict)
    known: tuple[Module, ...] = ()
    asked: list[int] = field(default_factory=list)

    def rule_at(self, module: Module, offset: int) -> Rule | None:
        address = module.base + offset
        return next((rule for addresses, rule in self.ranges.items() if address in addresses), None)

    def has_unwind_info(self, module: Module) -> bool:
        return any(module.base <= addresses.start < module.end for addresses in self.ranges)

    def has_function(self, module: Module, offset: int) -> bool | None:
        address = module.base + offset
        self.asked.append(address)
        return any(address in addresses for addresses in self.functions) if module in self.known else None


@dataclass(frozen=True)
class Machine:
    """What a test dump is made of besides its stack."""

    arch: Arch
    os: Os
    pc: str
    sp: str

    def dump(
        self,
        words: Sequence[int | bytes],
        registers: Mapping[str, int],
        modules: Sequence[Module] = (APP, LIBC),
        code: Mapping[int, bytes] | None = None,
        mappings: Sequence[MappedRange] = (),
    ) -> Minidump:
        """A dump of one thread whose stack holds ``words`` from ``STACK`` on; ``sp`` is there unless given."""
        stack = MemoryRegion(STACK, memoryview(pack(words, self.arch.pointer_size)))
        known = {self.sp: STACK, **registers}
        context = Context(self.arch, known, pc=known[self.pc], sp=known[self.sp])
        others = [MemoryRegion(start, memoryview(data)) for start, data in (code or {}).items()]
        return Minidump(
            timestamp=0,
            flags=0,
            big_endian=False,
            system=SystemInfo(self.arch, self.os),
            threads=(Thread(1, context=context, stack=stack),),
            modules=tuple(modules),
            memory=Memory.of([stack, *others]),
            mappings=tuple(mappings),
        )

    def walk(
        self,
        words: Sequence[int | bytes],
        registers: Mapping[str, int],
        rules: Rules | None = None,
        modules: Sequence[Module] = (APP, LIBC),
        code: Mapping[int, bytes] | None = None,
        mappings: Sequence[MappedRange] = (),
    ) -> Stack:
        """The stack of the one thread of such a dump."""
        (stack,) = walk_threads(self.dump(words, registers, modules, code, mappings), rules or Rules())
        return stack


def pack(words: Sequence[int | bytes], size: int) -> bytes:
    """Numbers as machine words, bytes as they are."""
    return b"".join(word if isinstance(word, bytes) else word.to_bytes(size, "little") for word in words)


def pcs(stack: Stack) -> list[int]:
    return [frame.pc for frame in stack.frames]


def trusts(stack: Stack) -> list[str]:
    return [frame.trust.value for frame in stack.frames]


LINUX = Machine(Arch.AMD64, Os.LINUX, "rip", "rsp")
MACOS = Machine(Arch.AMD64, Os.MACOS, "rip", "rsp")
WINDOWS = Machine(Arch.AMD64, Os.WINDOWS, "rip", "rsp")
