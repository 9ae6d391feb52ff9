"""amd64: frame pointers as System V and Windows use them, leaf functions, scanning."""

from __future__ import annotations

from cairn.minidump.records import Arch, Os
from cairn.unwind.architecture import Architecture, Caller, Registers, Step
from cairn.unwind.frames import Frame, StackEnd, Trust
from cairn.unwind.limits import LOWEST_CODE_ADDRESS
from cairn.unwind.process import StackView
from cairn.unwind.scan import scan
from cairn.unwind.x86_code import LONGEST_CALL, follows_call

WORD = 8
FRAME_POINTER_STEPS = 16
"""How many 16-byte steps above ``rbp`` the saved pair may lie on Windows, where compilers put it inside the frame."""

FARTHEST_FRAME_POINTER = 128 * 1024
"""How far above its own slot a saved frame pointer may point to be believed while scanning."""

_APPLE = (Os.MACOS, Os.IOS)


def without_rules(view: StackView, frame: Frame) -> Step:
    """The caller by a leaf's return address, by the frame pointer, or by scanning."""
    return by_leaf_return(view, frame) or by_frame_pointer(view, frame) or by_scan(view, frame)


def by_leaf_return(view: StackView, frame: Frame) -> Step:
    """The caller of a function that has pushed nothing: its return address is the top word of the stack.

    Only the frame in which the thread was stopped can be that. It is one when it lies in no module (a call went
    astray), and on Windows when there is no unwind data for its address: leaf functions have none.
    """
    astray = frame.module is None
    without_data = view.process.os is Os.WINDOWS and view.process.site(frame.lookup_address).rule is None
    if frame.trust is not Trust.CONTEXT or not (astray or without_data):
        return None
    pc = view.word(frame.sp)
    if pc is None or not view.process.returns.accept(pc):
        return None
    return Caller({**_kept(frame), "rip": pc, "rsp": frame.sp + WORD}, Trust.LEAF_RETURN)


def by_frame_pointer(view: StackView, frame: Frame) -> Step:
    """The caller by the pair of saved ``rbp`` and return address that ``rbp`` points to."""
    rbp = frame.registers.get("rbp")
    if rbp is None:
        return None
    if view.process.os is not Os.WINDOWS:
        return _frame_pointer_chain(view, frame, rbp)
    for step in range(FRAME_POINTER_STEPS):
        caller = _saved_pair(view, frame, rbp + 16 * step)
        if caller and view.process.returns.accept(caller["rip"]):
            return Caller(caller, Trust.FRAME_POINTER)
    return None


def _frame_pointer_chain(view: StackView, frame: Frame, rbp: int) -> Step:
    """System V: the chain ends at 0. On Apple's systems every function keeps it, so its end is the stack's."""
    apple = view.process.os in _APPLE
    if rbp == 0 and apple and frame.trust is Trust.FRAME_POINTER:
        return StackEnd.OUTERMOST
    caller = _saved_pair(view, frame, rbp, may_end=apple)
    return Caller(caller, Trust.FRAME_POINTER) if caller else None


def _saved_pair(view: StackView, frame: Frame, address: int, may_end: bool = False) -> Registers | None:
    """The caller's registers if a saved ``rbp`` and a return address lie at ``address``."""
    rbp, pc = view.word(address), view.word(address + WORD)
    sp = address + 2 * WORD
    if rbp is None or pc is None or sp <= frame.sp or not AMD64.is_address(pc) or pc < LOWEST_CODE_ADDRESS:
        return None
    if rbp < sp or view.word(rbp) is None:
        ends = rbp == 0 and may_end
        if not ends:
            return None
    return {"rip": pc, "rsp": sp, "rbp": rbp}


def by_scan(view: StackView, frame: Frame) -> Step:
    """The caller by the next return address on the stack."""
    found = scan(view, frame)
    if found is None:
        return None
    slot, pc = found
    caller = {"rip": pc, "rsp": slot + WORD}
    rbp = scanned_frame_pointer(view, frame.registers.get("rbp"), slot)
    if rbp is not None:
        caller["rbp"] = rbp
    return Caller(caller, Trust.SCAN)


def scanned_frame_pointer(view: StackView, fp: int | None, slot: int) -> int | None:
    """The caller's frame pointer when its return address lies at ``slot`` and the callee's frame pointer is ``fp``.

    Right below the return address lies the saved one, if the callee's points there; one that points above both was
    never touched.
    """
    size = view.process.arch.pointer_size
    if fp is None:
        return None
    if fp == slot - size:
        saved = view.word(fp)
        return saved if saved is not None and 0 < saved - fp <= FARTHEST_FRAME_POINTER else None
    return fp if fp > slot and view.word(fp) is not None else None


def _kept(frame: Frame) -> Registers:
    registers = frame.registers
    return {name: registers[name] for name in AMD64.callee_saved if name in registers}


AMD64 = Architecture(
    name=Arch.AMD64,
    pc="rip",
    sp="rsp",
    adjustment=1,
    callee_saved=("rbx", "rbp", "r12", "r13", "r14", "r15"),
    without_rules=without_rules,
    longest_call=LONGEST_CALL,
    follows_call=follows_call,
    address_bits=47,
)
