"""A compiled program is run on an emulator, and what Cairn makes of it at every stop is compared with what the machine
and the source say."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cairn.crash.process import process
from cairn.minidump.records import Os
from cairn.symbols.compiling.compile import Compiled, compile_debug_file
from cairn.symbols.ranges.blob import FileBlob
from cairn.symbols.rules import CfiRule, WinRule
from cairn.symbols.symbol_file.reader import SymbolFile
from cairn.unwind.architecture import Registers
from cairn.unwind.cfi import CfiProgram, compile_rule, unwind
from cairn.unwind.frames import StackEnd, Trust
from cairn_cli.local_symbols import FolderFinder
from tests.synth.codeview import BuildId, CodeView, Pdb70
from tests.synth.minidump import MinidumpBuilder
from tests.targets.generated import END, Place, Program
from tests.targets.image import load
from tests.targets.machine import STACK, STACK_SIZE, Machine, Stop
from tests.targets.zig import Built

SURE = (Trust.CONTEXT, Trust.CFI, Trust.LEAF_RETURN)
STACKS = 5
"""Of so many probes that are reached, one has its whole stack walked, from a minidump that is made there."""


@dataclass
class Findings:
    """How many instructions were unwound from, calls looked up by name and line, and stacks walked; and what was
    ``wrong``."""

    places: int = 0
    calls: int = 0
    stacks: int = 0
    wrong: list[str] = field(default_factory=list)


def check(program: Program, built: Built, everywhere: bool) -> Findings:
    """Run ``built`` and compare. Where ``everywhere`` is not set, only frames that have called are unwound."""
    run = _Run(program, built, everywhere)
    run.machine.run(run.visit)
    return run.findings


class _Run:
    def __init__(self, program: Program, built: Built, everywhere: bool) -> None:
        self.findings = Findings()
        self._program, self._built, self._everywhere = program, built, everywhere
        self.machine = Machine(load(built.target, built.program))
        self._base = self.machine.image.base
        self._names = _compiled(built.names)
        self._rules = self._names if built.names == built.program else _compiled(built.program)
        if not self._rules.has_unwind_info:
            self._rules = self._names
        self._programs: dict[int, tuple[CfiRule, CfiProgram]] = {}
        self._finder = FolderFinder([built.program, built.names], built.program.parent / "cache")

    def visit(self, stop: Stop) -> bool:
        """Compare at one instruction; False at the program's end."""
        if self._everywhere:
            self._compare(stop.registers, stop.pc, stop.calls[-1].caller, is_top=True)
        if stop.called:
            called = stop.calls[-1].caller
            lookup = self.machine.arch.lookup_address(called[self.machine.arch.pc])
            self._compare(called, lookup, stop.calls[-2].caller, is_top=False)
            if self._function(stop.pc) == "probe":
                return self._probe(stop, lookup)
        return True

    def _compare(self, registers: Registers, lookup: int, expected: Registers, is_top: bool) -> None:
        """Whether the rule at ``lookup`` leads from ``registers`` to those that are ``expected``."""
        rule = self._rules.rule_at(lookup - self._base)
        if isinstance(rule, WinRule):
            return
        self.findings.places += 1
        found: Registers | StackEnd | None
        if rule is None:
            found = self._leaf(registers) if is_top and self._built.target.os is Os.WINDOWS else None
        else:
            found = unwind(self._compiled(rule), self.machine.arch, registers, self.machine.word)
        if not isinstance(found, dict) or any(found.get(name) != value for name, value in expected.items()):
            self._wrong(f"unwinding from {lookup:#x}", found, expected)

    def _compiled(self, rule: CfiRule) -> CfiProgram:
        known = self._programs.get(id(rule))
        if known is None:
            known = self._programs[id(rule)] = (rule, compile_rule(rule, self.machine.arch))
        return known[1]

    def _leaf(self, registers: Registers) -> Registers:
        """The caller of a function without unwind data: on Windows, one that uses no stack."""
        arch = self.machine.arch
        if arch.link_register:
            return registers | {arch.pc: registers[arch.link_register]}
        sp = registers[arch.sp]
        return registers | {arch.pc: self.machine.word(sp) or 0, arch.sp: sp + arch.pointer_size}

    def _function(self, address: int) -> str:
        calls = self._places(address)
        return calls[-1].function if calls else ""

    def _places(self, address: int) -> tuple[Place, ...]:
        """What Cairn says of an address. A PDB gives functions of C their arguments, Mach-O symbols an underscore."""
        offset = address - self._base
        calls = self._names.locate([offset])[offset]
        return tuple(Place(call.function.partition("(")[0], call.line or 0) for call in calls)

    def _probe(self, stop: Stop, lookup: int) -> bool:
        number = self.machine.argument(stop)
        found, expected = self._places(lookup), self._program.probes[number]
        self.findings.calls += 1
        if found != expected:
            self._wrong(f"names of probe {number} at {lookup:#x}", found, expected)
        if self.findings.calls % STACKS == 0:
            self._walk(stop)
        return number != END

    def _walk(self, stop: Stop) -> None:
        """Compare the whole stack, walked from a minidump; of the caller, where a function's first instruction has no
        rule of its own."""
        self.findings.stacks += 1
        if not self._everywhere:
            arch, caller = self.machine.arch, stop.calls[-1].caller
            inside = arch.lookup_address(caller[arch.pc])
            stop = Stop(inside, caller | {arch.pc: inside}, stop.calls[:-1], called=False)
        crash = process(self._minidump(stop), self._finder)
        (stack,) = crash.stacks
        frames = [frame.frame for frame in stack.frames]
        pc = self.machine.arch.pc
        expected = [stop.pc, *(call.caller[pc] for call in reversed(stop.calls))]
        # The last caller is no code: the program was begun by nobody.
        if [frame.pc for frame in frames] != expected[: len(frames)] or len(frames) < len(expected) - 1:
            self._wrong(f"stack at {stop.pc:#x}", [hex(frame.pc) for frame in frames], list(map(hex, expected)))
        for frame in frames[: len(expected) - 1]:
            if frame.trust not in SURE:
                self._wrong(f"stack at {stop.pc:#x}: {frame.pc:#x}", frame.trust, "sure")
        if stack.end is StackEnd.LIMIT or crash.dump.problems:
            self._wrong(f"stack at {stop.pc:#x}", crash.dump.problems, stack.end)

    def _minidump(self, stop: Stop) -> bytes:
        target, image, rules = self._built.target, self.machine.image, self._rules.description
        sp = stop.registers[self.machine.arch.sp] & -16
        timestamp = int(rules.code_id[:8], 16) if target.os is Os.WINDOWS and rules.code_id else 0
        return (
            MinidumpBuilder(target.arch, target.os)
            .thread(1, stop.registers, (sp, self.machine.read(sp, STACK + STACK_SIZE - sp)))
            .module(image.base, image.end - image.base, str(self._built.program), _code_view(self._rules, target.os),
                    timestamp=timestamp)
            .build()
        )  # fmt: skip

    def _wrong(self, what: str, found: object, expected: object) -> None:
        if isinstance(found, dict) and isinstance(expected, dict):
            differ = [name for name, value in expected.items() if found.get(name) != value]
            found, expected = ({name: hex(side.get(name) or 0) for name in differ} for side in (found, expected))
        self.findings.wrong.append(f"{what}: {found}, not {expected}")


def _compiled(path: Path) -> SymbolFile:
    folder = path.parent / f"compiled-{path.suffix[1:] or 'program'}"
    folder.mkdir()
    compiled: list[Compiled] = list(compile_debug_file(path, folder))
    assert [one.problems for one in compiled] == [()]
    return SymbolFile.open(FileBlob(compiled[0].path))


def _code_view(file: SymbolFile, os: Os) -> CodeView:
    if os is Os.LINUX:
        assert file.code_id
        return BuildId(file.code_id)
    assert file.debug_id
    guid, age = file.debug_id[:36], file.debug_id[37:]
    return Pdb70(guid, int(age or "0", 16))
