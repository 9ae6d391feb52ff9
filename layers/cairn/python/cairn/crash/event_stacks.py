"""Stacks of a crash in the event's form: inlined calls as frames of their own, oldest caller first."""

from __future__ import annotations

from typing import Literal

from cairn.crash.event import Frame, FrameData, Stacktrace
from cairn.crash.function_name import trim
from cairn.crash.in_app import is_in_app
from cairn.crash.records import NamedFrame, NamedStack
from cairn.symbols.records import Location, ModuleSymbols, SymbolStatus
from cairn.unwind.frames import Trust

SENTRY_TRUST = {
    Trust.NONE: "none",
    Trust.SCAN: "scan",
    Trust.CFI_SCAN: "cfiscan",
    Trust.FRAME_POINTER: "fp",
    Trust.LEAF_RETURN: "cfi",
    Trust.CFI: "cfi",
    Trust.CONTEXT: "context",
}
"""The walker's words for trust to those of Sentry's frames."""

MAX_FRAMES = 250
"""Frames an event keeps of a stack: both ends, as Sentry does. A runaway recursion has thousands."""

SymbolsByBase = dict[int, ModuleSymbols]
Status = Literal["symbolicated", "missing_symbol", "unknown_image", "missing", "malformed"]


def stacktrace(stack: NamedStack, symbols: SymbolsByBase) -> Stacktrace:
    """The stack with the registers of its innermost frame. ``symbols`` is what was found, by module base."""
    frames = [frame for named in shortened(stack.frames) for frame in _frames(named, symbols)]
    registers = stack.frames[0].frame.registers if stack.frames else {}
    return Stacktrace(frames=tuple(reversed(frames)), registers=dict(registers) or None)


def shortened(frames: tuple[NamedFrame, ...]) -> tuple[NamedFrame, ...]:
    """At most ``MAX_FRAMES`` frames, the innermost and the outermost ones."""
    half = MAX_FRAMES // 2
    return frames if len(frames) <= MAX_FRAMES else frames[:half] + frames[-half:]


def _frames(named: NamedFrame, symbols: SymbolsByBase) -> list[Frame]:
    """The calls at one address, innermost first."""
    if not named.calls:
        return [_nameless(named, symbols)]
    outermost = len(named.calls) - 1
    return [_call(named, call, inlined=depth < outermost) for depth, call in enumerate(named.calls)]


def _nameless(named: NamedFrame, symbols: SymbolsByBase) -> Frame:
    module = named.frame.module
    package = module.code_file if module else None
    return Frame(
        instruction_addr=named.frame.pc,
        package=package,
        in_app=is_in_app(package, None),
        trust=SENTRY_TRUST[named.frame.trust],
        data=FrameData(
            symbolicator_status=_why_nameless(symbols.get(module.base) if module else None), nearest_symbol=named.hint
        ),
    )


def _why_nameless(found: ModuleSymbols | None) -> Status:
    if found is None:
        return "unknown_image"
    match found.debug_status:
        case SymbolStatus.FOUND:
            return "missing_symbol"
        case SymbolStatus.MALFORMED | SymbolStatus.UNSUPPORTED:
            return "malformed"
        case _:
            return "missing"


def _call(named: NamedFrame, call: Location, inlined: bool) -> Frame:
    module = named.frame.module
    package = module.code_file if module else None
    function = trim(call.function)
    return Frame(
        function=function,
        raw_function=call.function if call.function != function else None,
        symbol=call.symbol if call.symbol != call.function else None,
        symbol_addr=module.base + call.entry if module and call.entry is not None else None,
        instruction_addr=named.frame.pc,
        package=package,
        filename=call.file.replace("\\", "/").rpartition("/")[2] if call.file else None,
        abs_path=call.file,
        lineno=call.line,
        in_app=is_in_app(package, call.function),
        trust=SENTRY_TRUST[named.frame.trust],
        data=FrameData(symbolicator_status="symbolicated", inlined=inlined or None),
    )
