"""amd64: frame pointers as System V and Windows use them, leaf functions, scanning."""

from __future__ import annotations

from cairn.minidump.records import Arch, Os
from cairn.unwind.architecture import Architecture, Caller, Registers, Step
from cairn.unwind.frames import Frame, StackEnd, Trust
from cairn.unwind.leaf import by_leaf_return
from cairn.unwind.limits import LOWEST_CODE_ADDRESS
from cairn.unwind.process import StackView
from cairn.unwind.scan import by_scan
from cairn.unwind.x86_code import LONGEST_CALL, follows_call

WORD = 8
FRAME_POINTER_STEPS = 16
"""How many 16-byte steps above ``rbp`` the saved pair may lie on Windows, where compilers put it inside the frame."""

LONGEST_CHAIN = 256
"""Frame pointers followed through code in no module (made at run time) until they lead back into one."""

_APPLE = (Os.MACOS, Os.IOS)


def without_rules(view: StackView, frame: Frame) -> Step:
    """The caller by a leaf's return address, by the frame pointer, or by scanning."""
    return by_leaf_return(view, frame) or by_frame_pointer(view, frame) or by_scan(view, frame, fp="rbp")


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
    return Caller(caller, Trust.FRAME_POINTER) if caller and _leads_into_a_module(view, caller) else None


def _leads_into_a_module(view: StackView, caller: Registers) -> bool:
    """Whether the caller lies in a module, or the chain of frame pointers goes on from it to one that does.

    What lies on a stack above `main` looks like a pair often enough: `0x200000000` was taken for a return address
    (tests/unwind/test_amd64.py).
    """
    pc, rbp = caller["rip"], caller["rbp"]
    for _ in range(LONGEST_CHAIN):
        if view.process.modules.at(pc - 1) is not None:
            return True
        following, following_pc = view.word(rbp), view.word(rbp + WORD)
        if following is None or following_pc is None or following <= rbp:
            return following_pc is not None and view.process.modules.at(following_pc - 1) is not None
        pc, rbp = following_pc, following
    return False


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


AMD64 = Architecture(
    name=Arch.AMD64,
    pc="rip",
    sp="rsp",
    adjustment=1,
    callee_saved=("rbx", "rbp", "r12", "r13", "r14", "r15"),
    longest_call=LONGEST_CALL,
    follows_call=follows_call,
    address_bits=47,
)
