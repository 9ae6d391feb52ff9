"""Functions that have pushed nothing, on machines whose calls push the return address (x86, amd64)."""

from __future__ import annotations

from cairn.minidump.records import Arch, Os
from cairn.unwind.architecture import Caller, Step
from cairn.unwind.frames import Frame, Trust
from cairn.unwind.process import StackView


def by_leaf_return(view: StackView, frame: Frame) -> Step:
    """The caller of a leaf: its return address is the top word of the stack.

    Only the frame in which the thread was stopped can be that. It is one when it is no code (a call went astray), and
    on 64-bit Windows when there is no unwind data for its address: leaf functions have none.
    """
    arch = view.process.arch
    if frame.trust is not Trust.CONTEXT or not (_is_no_code(view, frame) or _has_no_unwind_data(view, frame)):
        return None
    pc = view.word(frame.sp)
    if pc is None or not view.process.returns.accept(pc):
        return None
    known = frame.registers
    kept = {name: known[name] for name in arch.callee_saved if name in known}
    return Caller({**kept, arch.pc: pc, arch.sp: frame.sp + view.word_size}, Trust.LEAF_RETURN)


def _is_no_code(view: StackView, frame: Frame) -> bool:
    """Whether the frame lies in no module, or in a place of one that is known not to be a function."""
    if frame.module is None:
        return True
    return view.process.rules.has_function(frame.module, frame.lookup_address - frame.module.base) is False


def _has_no_unwind_data(view: StackView, frame: Frame) -> bool:
    process = view.process
    wide_windows = process.os is Os.WINDOWS and process.arch.name is Arch.AMD64
    return wide_windows and process.site(frame.lookup_address).rule is None
