"""Which threads are walked, from where, and how far."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from random import Random
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cairn.minidump.memory import Memory, MemoryRegion
from cairn.minidump.records import (
    Arch,
    BreakpadInfo,
    Context,
    ExceptionRecord,
    MappedRange,
    Minidump,
    Module,
    Os,
    Thread,
)  # fmt: skip
from cairn.symbols.rules import CfiRule, WinRule
from cairn.unwind.architectures import architecture_of
from cairn.unwind.frames import Stack, StackEnd, Trust
from cairn.unwind.limits import MAX_DUMP_FRAMES, MAX_FRAMES
from cairn.unwind.process import Process
from cairn.unwind.walker import walk, walk_threads
from tests.unwind.crashed import APP, LIBC, LINUX, STACK, Machine, Rule, Rules, cfi, pack, pcs, trusts

SLOW_MACHINE = 3
"""How much slower than the machine the times are meant for a test may run."""

MAIN, HELPER = APP.base + 0x1000, APP.base + 0x2000
FRAME_OF_8 = cfi("rsp 8 +", ".cfa 8 - ^")
ALL_OF_APP = Rules({range(APP.base, APP.end): FRAME_OF_8})


def context(pc: int, sp: int = STACK) -> Context:
    return Context(Arch.AMD64, {"rip": pc, "rsp": sp}, pc, sp)


def test_the_crashed_thread_starts_from_the_exception() -> None:
    dump = LINUX.dump([MAIN, 0], {"rip": LIBC.base})
    crash = ExceptionRecord(thread_id=1, code=11, flags=1, address=0, context=context(HELPER))
    (stack,) = walk_threads(dump._replace(exception=crash), ALL_OF_APP)
    assert pcs(stack) == [HELPER, MAIN]
    (other,) = walk_threads(dump._replace(exception=crash._replace(thread_id=2)), ALL_OF_APP)
    assert other.frames[0].pc == LIBC.base
    (own,) = walk_threads(dump._replace(exception=crash._replace(context=None)), ALL_OF_APP)
    assert own.frames[0].pc == LIBC.base


def test_threads_come_in_order_and_the_writer_is_empty() -> None:
    dump = LINUX.dump([MAIN, 0], {"rip": HELPER})
    (thread,) = dump.threads
    threads = (thread._replace(id=7), thread._replace(id=8, context=context(MAIN)), thread._replace(id=9, context=None))
    dump = dump._replace(threads=threads, breakpad=BreakpadInfo(dump_thread_id=7, requesting_thread_id=8))
    writer, asker, without = walk_threads(dump, ALL_OF_APP)
    assert writer == Stack((), StackEnd.DUMP_WRITER)
    assert asker.frames[0].pc == MAIN
    assert without == Stack((), StackEnd.NO_CONTEXT)


def test_a_stack_pointer_in_no_memory_is_one_frame() -> None:
    stack = LINUX.walk([MAIN, 0], {"rip": HELPER, "rsp": STACK - 64}, ALL_OF_APP)
    assert pcs(stack) == [HELPER]
    assert stack.end is StackEnd.NO_STACK


def test_another_region_is_walked_if_the_stack_pointer_is_there() -> None:
    elsewhere = 0x1000_0000
    registers = {"rip": HELPER, "rsp": elsewhere}
    stack = LINUX.walk([0], registers, ALL_OF_APP, code={elsewhere: pack([MAIN, 0], 8)})
    assert pcs(stack) == [HELPER, MAIN]


def test_rules_may_read_all_memory_of_the_dump() -> None:
    rules = Rules({range(HELPER, HELPER + 8): cfi("rsp 8 +", "rbx ^")})
    stack = LINUX.walk([0, 0], {"rip": HELPER, "rbx": 0x900}, rules, code={0x900: pack([MAIN], 8)})
    assert pcs(stack) == [HELPER, MAIN]


def test_big_endian() -> None:
    region = MemoryRegion(STACK, memoryview(MAIN.to_bytes(4, "big")), big_endian=True)
    dump = Machine(Arch.MIPS, Os.LINUX, "pc", "sp").dump([], {"pc": LIBC.base})
    process = Process(dump, architecture_of(Arch.MIPS), Rules())
    assert pcs(walk(process, dump.threads[0].context, region)) == [LIBC.base, MAIN]


def test_a_caller_is_neither_on_the_stack_nor_in_data() -> None:
    data = MappedRange(0x9000_0000, 0x9000_1000, "rw-")
    for pc in (STACK + 8, data.start + 8):
        stack = LINUX.walk([pc, MAIN, 0], {"rip": HELPER}, ALL_OF_APP, mappings=[data])
        assert pcs(stack) == [HELPER, MAIN]
        assert trusts(stack) == ["context", "scan"]


def test_no_stack_pointer_lies_behind_the_last_address() -> None:
    machine = Machine(Arch.X86, Os.LINUX, "eip", "esp")
    top = (1 << 32) - 16
    stack = machine.walk([0], {"eip": HELPER, "esp": top}, code={top: pack([MAIN] * 16, 4)})
    assert [frame.sp for frame in stack.frames] == [top, top + 4, top + 8, top + 12]


def test_architectures_without_means_of_their_own_follow_rules() -> None:
    machine = Machine(Arch.RISCV64, Os.LINUX, "pc", "sp")
    rules = Rules({range(HELPER, HELPER + 8): cfi("sp 16 +", ".cfa 8 - ^")})
    assert pcs(machine.walk([0, MAIN, HELPER], {"pc": HELPER}, rules)) == [HELPER, MAIN]
    assert pcs(machine.walk([0, MAIN], {"pc": MAIN}, rules)) == [MAIN]


def test_endless_recursion_ends_at_the_limit() -> None:
    stack = LINUX.walk([MAIN + 1] * (MAX_FRAMES * 2), {"rip": MAIN + 1}, ALL_OF_APP)
    assert len(stack.frames) == MAX_FRAMES
    assert stack.end is StackEnd.LIMIT


@dataclass
class Far(Rules):
    """Rules that note what they are told to get ready for."""

    batches: list[set[int]] = field(default_factory=list)

    def prefetch(self, places: Collection[tuple[Module, int]]) -> None:
        self.batches.append({module.base + offset for module, offset in places})

    def rule_at(self, module: Module, offset: int) -> CfiRule | WinRule | None:
        assert any(module.base + offset in batch for batch in self.batches)
        return super().rule_at(module, offset)


def test_far_rules_are_asked_for_all_threads_at_once() -> None:
    dump = LINUX.dump([MAIN + 5, MAIN + 5, 0], {"rip": HELPER})
    threads = (*dump.threads, dump.threads[0]._replace(context=context(HELPER + 1)))
    rules = Far({range(APP.base, APP.end): FRAME_OF_8})
    stacks = walk_threads(dump._replace(threads=threads), rules)
    assert [len(stack.frames) for stack in stacks] == [3, 3]
    assert rules.batches[:2] == [{HELPER, HELPER + 1}, {MAIN + 4}]
    assert not any(rules.batches[2:])


MACHINES = [
    Machine(arch, os, *names)
    for arch, names in {
        Arch.X86: ("eip", "esp"), Arch.AMD64: ("rip", "rsp"), Arch.ARM: ("pc", "sp"), Arch.ARM64: ("pc", "sp"),
        Arch.MIPS: ("pc", "sp"), Arch.MIPS64: ("pc", "sp"), Arch.PPC: ("pc", "r1"), Arch.UNKNOWN: ("pc", "sp"),
    }.items()
    for os in (Os.LINUX, Os.WINDOWS, Os.MACOS, Os.IOS)
]  # fmt: skip
REGISTERS = [
    *("eip", "esp", "ebp", "ebx", "esi", "edi", "rip", "rsp", "rbp", "rbx", "r12"),
    *("r7", "r11", "pc", "sp", "fp", "lr", "ra", "x19", "gp", "s0"),
    *(".cfa", "^", "+", "-", "=", "$eip", "$esp", "$ebp", ".undef"),
]
tokens = st.one_of(st.sampled_from([*REGISTERS, "*", "/", "%", "@", ".raSearch"]), st.integers(-64, 1 << 70))
expressions = st.lists(tokens, max_size=6).map(tuple)
cfi_rules = st.builds(
    CfiRule,
    cfa=expressions,
    ra=st.none() | expressions,
    registers=st.lists(st.tuples(st.sampled_from(REGISTERS), st.none() | expressions), max_size=4).map(tuple),
)
sizes = st.integers(0, 1 << 32)
win_rules = st.builds(
    WinRule, kind=st.just(4), rva=sizes, code_size=sizes, prolog_size=sizes, epilog_size=sizes, parameter_size=sizes,
    saved_register_size=sizes, local_size=sizes, max_stack_size=sizes,
    program=st.none() | st.lists(tokens.map(str), max_size=12).map(tuple), allocates_base_pointer=st.booleans(),
)  # fmt: skip
INTERESTING = [0, 1, (1 << 64) - 1, 1 << 63, 0x33, 0x2B0000000000033]


def interesting(random: Random) -> int:
    """A number that may be an address on the stack or in a module."""
    first = random.choice([STACK - 16, STACK, STACK + 300, APP.base - 4, APP.base + 300, *INTERESTING])
    return random.choice([random.getrandbits(64), first, first + random.randrange(300)]) & (1 << 64) - 1


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(MACHINES), st.lists(cfi_rules | win_rules, max_size=4), st.randoms(use_true_random=False))
def test_no_memory_makes_it_raise_or_run_on(machine: Machine, rules: list[Rule], random: Random) -> None:
    mask = (1 << 8 * machine.arch.pointer_size) - 1
    words = [interesting(random) & mask for _ in range(random.randrange(60))]
    registers = {name: interesting(random) for name in random.sample(REGISTERS[:21], 12)}
    known = {machine.pc: interesting(random), machine.sp: STACK} | registers
    starts = [APP.base + random.randrange(500) for _ in rules]
    ranges = {range(start, start + 99): rule for start, rule in zip(starts, rules, strict=True)}
    stack = machine.walk([*words, bytes(random.randrange(8))], known, Rules(ranges))
    assert 1 <= len(stack.frames) <= MAX_FRAMES
    assert stack.frames[0].trust is Trust.CONTEXT
    sps = [frame.sp for frame in stack.frames]
    for above, below, frame in zip(sps[1:], sps, stack.frames[1:], strict=False):
        assert above >= below or frame.trust is Trust.CONTEXT


def hostile(module_size: int) -> Minidump:
    """As many threads as Breakpad would read, all on one stack where every word looks like a return address."""
    modules = tuple(Module(base, module_size, f"m{base}") for base in range(0x40_0000, 0x50_0000, 0x40))
    words = [0x40_0000 + index * 37 % 0x10_0000 for index in range(20_000)]
    region = MemoryRegion(STACK, memoryview(pack(words, 8)))
    every = tuple(Thread(number, context=context(MAIN, STACK + 8 * number), stack=region) for number in range(4096))
    return LINUX.dump([], {"rip": 0})._replace(threads=every, modules=modules, memory=Memory.of([region]))


@dataclass
class NoNames(Rules):
    """Knows every module and no function, so that every value on the stack is tried and refused."""

    def has_function(self, module: Module, offset: int) -> bool | None:
        return False


@pytest.mark.parametrize("rules", [Rules(), NoNames(), ALL_OF_APP], ids=["scan", "refuse", "cfi"])
def test_a_hostile_dump_takes_two_seconds_at_most(rules: Rules) -> None:
    dump = hostile(module_size=0x40)
    start = process_time()
    stacks = walk_threads(dump, rules)
    assert process_time() - start < 2 * SLOW_MACHINE
    assert sum(len(stack.frames) for stack in stacks) <= MAX_DUMP_FRAMES + len(stacks)


def test_four_hundred_frames_take_ten_milliseconds_at_most() -> None:
    frame_of_32 = cfi("rsp 32 +", ".cfa 8 - ^", rbp=".cfa 16 - ^", rbx=".cfa 24 - ^", r12=".cfa 32 - ^")
    words = [word for index in range(400) for word in (1, 2, 3, MAIN + 16 * index)]
    dump = LINUX.dump([*words, 0, 0, 0, 0], {"rip": HELPER, "rbp": 1, "rbx": 2, "r12": 3, "r13": 4})
    rules = Rules({range(APP.base, APP.end): frame_of_32})
    times = []
    for _ in range(5):
        start = process_time()
        (stack,) = walk_threads(dump, rules)
        times.append(process_time() - start)
    assert len(stack.frames) == 401
    assert stack.end is StackEnd.OUTERMOST
    assert min(times) < 0.010 * SLOW_MACHINE
