"""The walk: from the registers of a thread to its frames."""

from __future__ import annotations

from cairn.minidump.memory import MemoryRegion
from cairn.minidump.records import Context, Minidump, Thread
from cairn.symbols.rules import WinRule
from cairn.unwind import cfi, win
from cairn.unwind.architecture import Caller, Step
from cairn.unwind.architectures import architecture_of, without_rules
from cairn.unwind.frames import BatchedRules, Frame, Stack, StackEnd, Trust, UnwindRules
from cairn.unwind.limits import MAX_DUMP_FRAMES, MAX_FRAMES
from cairn.unwind.process import Process, StackView
from cairn.unwind.signals import interrupted, saved_context


def walk_threads(dump: Minidump, rules: UnwindRules) -> tuple[Stack, ...]:
    """The stacks of ``dump.threads``, in their order.

    The thread of the exception starts from the exception's context, every other one from its own; the thread that
    wrote the dump has no frames. Threads are walked side by side, a frame each in turn, so that rules can be fetched
    for all of them together and none can use up what the others need. Nothing that a dump holds makes this raise;
    what ``rules`` raises passes through.
    """
    process = Process(dump, architecture_of(dump.system.arch), rules)
    walks = [Walk(process, _context_of(thread, dump), thread.stack) for thread in dump.threads]
    for walk, thread in zip(walks, dump.threads, strict=True):
        if _wrote_dump(thread, dump):
            walk.skip()
    going = [walk for walk in walks if walk.end is None]
    prefetch = rules.prefetch if isinstance(rules, BatchedRules) else None
    left = MAX_DUMP_FRAMES
    while going:
        if prefetch:
            prefetch(process.unknown(walk.top for walk in going))
        for walk in going[:left]:
            walk.step()
        for walk in going[left:]:
            walk.end = StackEnd.LIMIT
        left -= min(left, len(going))
        going = [walk for walk in going if walk.end is None]
    return tuple(walk.stack for walk in walks)


def walk(process: Process, context: Context | None, stack: MemoryRegion | None) -> Stack:
    """The stack of one thread, from the registers in ``context``.

    ``stack`` is the memory of the thread's stack. Where it does not hold the stack pointer, whatever region of the
    process's memory does is walked instead.
    """
    thread = Walk(process, context, stack)
    while thread.end is None:
        thread.step()
    return thread.stack


class Walk:
    """One thread's walk, a frame at a time. ``end`` is ``None`` as long as there may be another frame."""

    def __init__(self, process: Process, context: Context | None, stack: MemoryRegion | None) -> None:
        self._process = process
        self._own_stack = stack
        self._view: StackView | None = None
        self._saved_context = saved_context(process)
        self._without_rules = without_rules(process.arch.name)
        self._interrupted: Caller | None = None
        self._frames: list[Frame] = []
        self.end: StackEnd | None = None
        if context is None:
            self.end = StackEnd.NO_CONTEXT
        else:
            self._start(context)

    def _start(self, context: Context) -> None:
        lookup = context.pc & self._process.address_mask
        module = self._process.modules.at(lookup)
        self._frames.append(Frame(context.pc, lookup, context.sp, Trust.CONTEXT, module, context.registers))

    @property
    def stack(self) -> Stack:
        """What was found so far."""
        return Stack(tuple(self._frames), self.end or StackEnd.LIMIT)

    @property
    def top(self) -> Frame:
        """The frame that was found last: the next step looks for its caller."""
        return self._frames[-1]

    def skip(self) -> None:
        """End the walk without frames: this thread wrote the dump."""
        self._frames, self.end = [], StackEnd.DUMP_WRITER

    def step(self) -> None:
        """Find one more frame, or set ``end``."""
        view = self._view_at(self.top.sp)
        if len(self._frames) >= MAX_FRAMES:
            self.end = StackEnd.LIMIT
        elif view is None:
            self.end = StackEnd.NO_STACK
        else:
            found = self._interrupted or self._caller(view)
            if isinstance(found, Caller):
                self._add(found)
            else:
                self.end = found or StackEnd.NO_CALLER

    def _view_at(self, sp: int) -> StackView | None:
        """The stack that holds ``sp``: the one walked so far, the thread's own, or any memory of the process."""
        if self._view and self._view.holds(sp):
            return self._view
        own = self._own_stack
        region = own if own and own.start <= sp < own.end else self._process.memory.region_at(sp)
        if region is None:
            return None
        self._view = StackView(self._process, region)
        return self._view

    def _caller(self, view: StackView) -> Step:
        """The caller by its unwind rule; where there is none, or it gives nonsense, by the architecture's own means."""
        found = self._by_rule(view)
        if isinstance(found, StackEnd) or (found and self._plausible(view, found)):
            return found
        found = self._without_rules(view, self.top)
        if isinstance(found, Caller) and not self._plausible(view, found):
            return None
        return found

    def _by_rule(self, view: StackView) -> Step:
        rule = self._process.site(self.top.lookup_address).rule
        if isinstance(rule, WinRule):
            return win.unwind(view, self.top, rule, self._callee_parameter_size())
        if rule is None:
            return None
        found = cfi.unwind(rule, self._process.arch, self.top.registers, view.read)
        if not isinstance(found, dict):
            return found
        guessed = self.top.trust in (Trust.SCAN, Trust.CFI_SCAN)
        return Caller(found, Trust.CFI) if found[self._process.arch.pc] or guessed else StackEnd.OUTERMOST

    def _callee_parameter_size(self) -> int:
        """Bytes of parameters that the frame below took, by its ``STACK WIN``; they still lie on the caller's stack."""
        if len(self._frames) < 2:
            return 0
        rule = self._process.site(self._frames[-2].lookup_address).rule
        return rule.parameter_size if isinstance(rule, WinRule) else 0

    def _plausible(self, view: StackView, caller: Caller) -> bool:
        """Whether ``caller`` can be: its code is where code may be, not on this stack, and the stack shrinks.

        Where calls leave the return address in a register, the frame that was stopped may not have used the stack;
        neither may one with rules that call it a leaf. A region of a broken dump may reach past the last address that
        there is, a stack pointer may not.
        """
        arch, top = self._process.arch, self.top
        pc, sp = caller.registers[arch.pc] & self._process.address_mask, caller.registers[arch.sp]
        if not self._process.returns.may_be_code(pc) or view.holds(pc):
            return False
        if sp != top.sp or arch.link_register is None:
            return top.sp < sp < 1 << 8 * arch.pointer_size
        return top.trust is Trust.CONTEXT or (caller.trust is Trust.CFI and pc != top.pc)

    def _add(self, caller: Caller) -> None:
        process, registers = self._process, caller.registers
        if not caller.interrupted:
            for name in process.arch.signed:
                if name in registers:
                    registers[name] &= process.address_mask
        pc, sp = registers[process.arch.pc], registers[process.arch.sp]
        self._interrupted = self._interrupted_by(pc, sp)
        exact = caller.interrupted or self._interrupted
        lookup = pc & process.address_mask if exact else process.arch.lookup_address(pc)
        self._frames.append(Frame(pc, lookup, sp, caller.trust, process.modules.at(lookup), registers))

    def _interrupted_by(self, pc: int, sp: int) -> Caller | None:
        """What a signal interrupted, if ``pc`` is its trampoline. On the same stack that must lie above."""
        view = self._view_at(sp)
        saved = interrupted(self._saved_context, view, pc, sp) if view and self._saved_context else None
        if view is None or saved is None:
            return None
        saved_sp = saved[self._process.arch.sp]
        rises = saved_sp > sp or not view.holds(saved_sp)
        return Caller(saved, Trust.CONTEXT, interrupted=True) if rises else None


def _context_of(thread: Thread, dump: Minidump) -> Context | None:
    exception = dump.exception
    crashed = exception is not None and exception.thread_id == thread.id
    return exception.context if exception and crashed and exception.context else thread.context


def _wrote_dump(thread: Thread, dump: Minidump) -> bool:
    return dump.breakpad is not None and dump.breakpad.dump_thread_id == thread.id
