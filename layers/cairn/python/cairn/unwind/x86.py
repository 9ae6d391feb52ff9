"""x86: frame pointers and scanning. ``STACK WIN`` of Windows is in ``win.py``."""

from __future__ import annotations

from cairn.minidump.records import Arch
from cairn.unwind.architecture import Architecture, Caller, Step
from cairn.unwind.frames import Frame, StackEnd, Trust
from cairn.unwind.leaf import by_leaf_return
from cairn.unwind.process import StackView
from cairn.unwind.scan import by_scan
from cairn.unwind.x86_code import LONGEST_CALL, follows_call

WORD = 4


def without_rules(view: StackView, frame: Frame) -> Step:
    """The caller after a call that went astray, by the frame pointer, or by scanning."""
    return by_leaf_return(view, frame) or by_frame_pointer(view, frame) or by_scan(view, frame, fp="ebp")


def by_frame_pointer(view: StackView, frame: Frame) -> Step:
    """The caller by the pair of saved ``ebp`` and return address that ``ebp`` points to.

    The return address must lie in a module, or the saved ``ebp`` lead on (code made at run time lies in no module).
    """
    ebp = frame.registers.get("ebp")
    if ebp is None or ebp + 2 * WORD <= frame.sp:
        return None
    saved, pc = view.word(ebp), view.word(ebp + WORD)
    if saved is None or pc is None:
        return None
    if pc == 0:
        return None if frame.trust is Trust.SCAN else StackEnd.OUTERMOST
    leads_on = saved > ebp and view.word(saved) is not None
    if not leads_on and view.process.modules.at(pc - 1) is None:
        return None
    return Caller({"eip": pc, "esp": ebp + 2 * WORD, "ebp": saved}, Trust.FRAME_POINTER)


X86 = Architecture(
    name=Arch.X86,
    pc="eip",
    sp="esp",
    adjustment=1,
    callee_saved=("ebp", "ebx", "edi", "esi"),
    longest_call=LONGEST_CALL,
    follows_call=follows_call,
    address_bits=32,
)
