"""All that a dump tells about its crash beside the reason and the stacks."""

from __future__ import annotations

from typing import NamedTuple

from cairn.crash.analysis.bit_flips import bit_flips
from cairn.crash.analysis.cpp_exception import cpp_exception
from cairn.crash.analysis.fault import Fault, access_at, bad_address, bad_pointer, fault_of, is_misaligned
from cairn.crash.analysis.fill_patterns import fill_pattern
from cairn.crash.analysis.inconsistencies import inconsistencies
from cairn.crash.analysis.instruction import CodeBytes
from cairn.crash.analysis.messages import abort_message, assertion_text
from cairn.crash.analysis.records import (
    Access,
    BitFlip,
    CppException,
    Inconsistency,
    Instruction,
    Pointer,
    PointerKind,
    StackOverflow,
)
from cairn.crash.analysis.stack_overflow import reported_overflow, stack_overflow
from cairn.crash.fault_address import is_general_protection, reported_access
from cairn.minidump.records import Context, Minidump


class Facts(NamedTuple):
    """What was found; ``None``, ``False`` and empty mean "not found", not "not so".

    ``access`` is what was done to the crash address, as the OS or the instruction has it. ``general_protection``: the
    CPU refused an address without naming it. ``misaligned``: because a wide access was not aligned. ``guard_page``: the
    crash address lies in one. ``fill_pattern``: what the bad pointer's bytes tell of the memory it came from.
    """

    access: Access | None = None
    instruction: Instruction | None = None
    pointer: Pointer | None = None
    general_protection: bool = False
    misaligned: bool = False
    guard_page: bool = False
    fill_pattern: str | None = None
    stack_overflow: StackOverflow | None = None
    cpp_exception: CppException | None = None
    assertion: str | None = None
    abort_message: str | None = None
    bit_flips: tuple[BitFlip, ...] = ()
    inconsistencies: tuple[Inconsistency, ...] = ()


def analyse(dump: Minidump, code_bytes: CodeBytes | None = None) -> Facts:
    """Find out what there is to find; never raises for any content of ``dump``.

    ``code_bytes(address, size)`` gives bytes of the program's files, for instructions and throw information that the
    dump does not hold. It is asked for at most a few hundred short pieces.
    """
    words = Facts(
        assertion=assertion_text(dump.assertion), abort_message=abort_message(dump.crashpad, dump.mac_crash_info)
    )
    if dump.exception is None:
        return words
    thrown = cpp_exception(dump.exception, dump.system, dump.memory, code_bytes)
    context = dump.exception.context or _thread_context(dump, dump.exception.thread_id)
    if context is None:
        return words._replace(
            cpp_exception=thrown,
            access=reported_access(dump.exception, dump.system),
            general_protection=is_general_protection(dump.exception, dump.system),
            stack_overflow=reported_overflow(dump.exception.code, dump.system.os, None),
        )
    fault = fault_of(dump, dump.exception, context, code_bytes)
    return _fault_facts(fault)._replace(
        cpp_exception=thrown, assertion=words.assertion, abort_message=words.abort_message
    )


def _thread_context(dump: Minidump, thread_id: int) -> Context | None:
    return next((thread.context for thread in dump.threads if thread.id == thread_id), None)


def _fault_facts(fault: Fault) -> Facts:
    pointer = bad_pointer(fault)
    address = bad_address(fault, pointer)
    return Facts(
        access=access_at(fault, address),
        instruction=fault.crashing.instruction if fault.crashing else None,
        pointer=pointer,
        general_protection=fault.is_general_protection,
        misaligned=is_misaligned(fault),
        guard_page=address is not None and fault.mapped.is_guard_page(address),
        fill_pattern=None if address is None else fill_pattern(address, fault.system.arch.pointer_size),
        stack_overflow=_overflow(fault, address),
        bit_flips=_bit_flips(fault, pointer, address),
        inconsistencies=inconsistencies(fault),
    )


def _overflow(fault: Fault, address: int | None) -> StackOverflow | None:
    reported = reported_overflow(fault.exception.code, fault.system.os, fault.context)
    if reported is not None or address is None:
        return reported
    return stack_overflow(address, fault.context, fault.memory, fault.mapped)


def _bit_flips(fault: Fault, pointer: Pointer | None, address: int | None) -> tuple[BitFlip, ...]:
    if address is None or (pointer is not None and pointer.kind is PointerKind.NULL):
        return ()
    registers = fault.crashing.decoded.registers if fault.crashing else ()
    reported = None if fault.is_general_protection else fault.reported_access
    return bit_flips(address, fault.context, fault.mapped, access=reported, registers=registers)
