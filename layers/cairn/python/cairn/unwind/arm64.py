"""arm64: the chain of frame records that every ABI keeps, and the link register of leaf functions."""

from __future__ import annotations

from cairn.minidump.records import Arch
from cairn.unwind.architecture import Architecture, Caller, Step
from cairn.unwind.frames import Frame, FunctionStarts, StackEnd, Trust
from cairn.unwind.process import Process, StackView
from cairn.unwind.scan import by_scan

WORD = 8
NEARBY = 4096
"""Where functions are not known, a link register that points this close to the program counter counts as stale: it was
set by a call that the same function has made. Functions rarely are longer."""


def without_rules(view: StackView, frame: Frame) -> Step:
    """The caller of a leaf by the link register, of others by the frame record, or by scanning."""
    return by_link_register(view, frame) or by_frame_record(view, frame) or by_scan(view, frame, fp="fp")


def by_link_register(view: StackView, frame: Frame) -> Step:
    """The caller of the function in which the thread was stopped, if that has not pushed a frame record.

    Without rules nobody says whether it has. If it has, the link register either still is what the record holds, or it
    is stale: it points behind a call inside this very function. In both cases the record leads on. Otherwise the link
    register is the only trace of the immediate caller, since the record at ``fp`` is the caller's own.
    """
    process = view.process
    lr = frame.registers.get("lr")
    if frame.trust is not Trust.CONTEXT or lr is None or process.site(frame.lookup_address).rule is not None:
        return None
    lr &= process.address_mask
    recorded = view.word(frame.registers.get("fp", 0) + WORD)
    if recorded is not None and recorded & process.address_mask == lr:
        return None
    if not process.returns.accept(lr) or _same_function(process, frame.lookup_address, lr - 4):
        return None
    known = frame.registers
    kept = {name: known[name] for name in ARM64.callee_saved if name in known}
    return Caller({**kept, "pc": lr, "sp": frame.sp}, Trust.LEAF_RETURN)


def _same_function(process: Process, one: int, other: int) -> bool:
    """Whether both addresses lie in one function, by symbols or else by distance."""
    module = process.modules.at(one)
    if module is None or process.modules.at(other) is not module:
        return False
    if isinstance(process.rules, FunctionStarts):
        start = process.rules.function_start(module, one - module.base)
        if start is not None:
            return start == process.rules.function_start(module, other - module.base)
    return abs(one - other) < NEARBY


def by_frame_record(view: StackView, frame: Frame) -> Step:
    """The caller by the record of frame pointer and return address that ``fp`` points to; 0 ends the chain.

    The return address must lie in a module, or the saved frame pointer lead on (code made at run time).
    """
    fp = frame.registers.get("fp")
    if fp is None:
        return None
    fp &= view.process.address_mask
    guessed = frame.trust is Trust.SCAN
    if fp == 0:
        return None if guessed else StackEnd.OUTERMOST
    saved, pc = view.word(fp), view.word(fp + WORD)
    if saved is None or pc is None:
        return None
    mask = view.process.address_mask
    saved, pc = saved & mask, pc & mask
    if pc == 0:
        return None if guessed else StackEnd.OUTERMOST
    leads_on = saved > fp and view.word(saved) is not None
    if not leads_on and view.process.modules.at(pc - 4) is None:
        return None
    return Caller({"pc": pc, "sp": fp + 2 * WORD, "fp": saved}, Trust.FRAME_POINTER)


def follows_call(code: bytes) -> bool:
    """Whether the 4 bytes of ``code`` are ``BL`` or a form of ``BLR`` (pointer authentication has its own)."""
    instruction = int.from_bytes(code, "little")
    return instruction >> 26 == 0b100101 or instruction & 0xFEFF_F000 == 0xD63F_0000


ARM64 = Architecture(
    name=Arch.ARM64,
    pc="pc",
    sp="sp",
    adjustment=4,
    callee_saved=(*(f"x{number}" for number in range(19, 29)), "fp"),
    aliases={"x29": "fp", "x30": "lr", "x31": "sp"},
    link_register="lr",
    signed=("pc", "lr", "fp"),
    longest_call=4,
    follows_call=follows_call,
    address_bits=52,
)
