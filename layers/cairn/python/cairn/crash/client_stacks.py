"""What the client itself found out of the crash: exceptions, threads and modules of its own event, in ours.

A client without a minidump walks the stack in the crashing process (sentry-native's ``inproc`` and ``native`` backends,
SDKs of other languages). Frames are taken as they were sent, oldest caller first; what makes no sense is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeVar

from cairn.crash.client_event import bounded
from cairn.crash.event import (
    ExceptionValue,
    Frame,
    FrameData,
    Image,
    Mechanism,
    Stacktrace,
    ThreadValue,
)
from cairn.crash.event_stacks import MAX_FRAMES
from cairn.crash.in_app import is_in_app

MAX_EXCEPTIONS = 50
MAX_THREADS = 1000
MAX_IMAGES = 2000
NAME = 256
PATH = 1024
VALUE = 8192
"""Characters of names, paths and an exception's value that are kept."""
LARGEST_ADDRESS = 2**64 - 1
LONGEST_ADDRESS = 20
"""Characters of an address in text: 16 hex digits or 20 decimal ones."""
TRUST = {"none", "scan", "cfiscan", "fp", "cfi", "prewalked", "context"}
TELLING = ("function", "instruction_addr", "module", "package", "filename", "abs_path")
"""Keys of a frame that tell where it is; one without any is left out."""
IMAGE_TYPES: Mapping[Any, Literal["pe", "macho", "elf"]] = {"pe": "pe", "macho": "macho", "elf": "elf"}

Record = TypeVar("Record")


def client_exceptions(raw: Mapping[str, Any]) -> tuple[ExceptionValue, ...]:
    """The exceptions that the client had recorded, in its order: the last one is what it reports."""
    return _records(raw.get("exception"), _exception, MAX_EXCEPTIONS)


def client_threads(raw: Mapping[str, Any]) -> tuple[ThreadValue, ...]:
    """The threads that the client saw."""
    return _records(raw.get("threads"), _thread, MAX_THREADS)


def client_images(raw: Mapping[str, Any]) -> tuple[Image, ...]:
    """The modules that the client saw, as far as they have an address. No symbols are looked up for them."""
    meta = raw.get("debug_meta")
    return _records(meta.get("images") if isinstance(meta, Mapping) else None, _image, MAX_IMAGES)


def _records(values: Any, convert: Callable[[Mapping[str, Any]], Record | None], most: int) -> tuple[Record, ...]:
    """Records from a list, or from an object that has it under ``values``."""
    listed = values.get("values") if isinstance(values, Mapping) else values
    objects = (value for value in listed if isinstance(value, Mapping)) if isinstance(listed, list) else ()
    return tuple(record for record in map(convert, list(objects)[-most:]) if record is not None)


def _exception(raw: Mapping[str, Any]) -> ExceptionValue | None:
    value = raw.get("value")
    if not (raw.get("type") or value or raw.get("stacktrace")):
        return None
    return ExceptionValue(
        type=_text(raw.get("type"), NAME) or "Error",
        value=None if value is None else str(value)[:VALUE],
        module=_text(raw.get("module"), NAME),
        mechanism=_mechanism(raw.get("mechanism")),
        thread_id=_number(raw.get("thread_id")),
        stacktrace=_stacktrace(raw.get("stacktrace")),
    )


def _mechanism(raw: Any) -> Mechanism:
    said = raw if isinstance(raw, Mapping) else {}
    kind, meta = _text(said.get("type"), NAME), said.get("meta")
    return Mechanism(
        # An event with a dump is told by this name of its first exception: a client may not take it.
        type=kind if kind and kind != "minidump" else "generic",
        handled=_flag(said.get("handled")),
        synthetic=_flag(said.get("synthetic")),
        description=_text(said.get("description"), NAME),
        meta=bounded(meta) if isinstance(meta, Mapping) else None,
    )


def _thread(raw: Mapping[str, Any]) -> ThreadValue | None:
    number = _number(raw.get("id"))
    if number is None:
        return None
    return ThreadValue(
        id=number,
        name=_text(raw.get("name"), NAME),
        crashed=_flag(raw.get("crashed")) or None,
        current=_flag(raw.get("current")) or None,
        stacktrace=_stacktrace(raw.get("stacktrace")),
    )


def _stacktrace(raw: Any) -> Stacktrace | None:
    frames = raw.get("frames") if isinstance(raw, Mapping) else None
    if not isinstance(frames, list):
        return None
    half = MAX_FRAMES // 2
    kept = frames if len(frames) <= MAX_FRAMES else frames[:half] + frames[-half:]
    registers = raw.get("registers")
    return Stacktrace(
        frames=tuple(
            _frame(frame) for frame in kept if isinstance(frame, Mapping) and not frame.keys().isdisjoint(TELLING)
        ),
        registers=_registers(registers) if isinstance(registers, Mapping) else None,
    )


def _frame(raw: Mapping[str, Any]) -> Frame:
    function, package = _text(raw.get("function"), NAME), _text(raw.get("package"), PATH)
    trust, in_app = raw.get("trust"), raw.get("in_app")
    return Frame(
        function=function,
        symbol_addr=_address(raw.get("symbol_addr")),
        instruction_addr=_address(raw.get("instruction_addr")),
        module=_text(raw.get("module"), NAME),
        package=package,
        filename=_text(raw.get("filename"), PATH),
        abs_path=_text(raw.get("abs_path"), PATH),
        lineno=_number(raw.get("lineno")),
        colno=_number(raw.get("colno")),
        in_app=in_app if isinstance(in_app, bool) else is_in_app(package, function),
        trust=trust if isinstance(trust, str) and trust in TRUST else "prewalked",
        data=FrameData(symbolicator_status=_status(function, package)),
    )


def _status(function: str | None, package: str | None) -> Literal["symbolicated", "missing", "unknown_image"]:
    if function:
        return "symbolicated"
    return "missing" if package else "unknown_image"


def _image(raw: Mapping[str, Any]) -> Image | None:
    address = _address(raw.get("image_addr"))
    if address is None:
        return None
    kind = raw.get("type")
    return Image(
        type=IMAGE_TYPES.get(kind, "unknown") if isinstance(kind, str) else "unknown",
        code_file=_text(raw.get("code_file"), PATH),
        code_id=_text(raw.get("code_id"), NAME),
        debug_file=_text(raw.get("debug_file"), PATH),
        debug_id=_text(raw.get("debug_id"), NAME),
        image_addr=address,
        image_size=_number(raw.get("image_size")),
        arch=_text(raw.get("arch"), NAME),
        debug_status="unused",
        unwind_status="unused",
    )


def _registers(raw: Mapping[str, Any]) -> dict[str, int] | None:
    values = ((str(name)[:16], _address(value)) for name, value in list(raw.items())[:100])
    return {name: value for name, value in values if value is not None} or None


def _address(value: Any) -> int | None:
    """An address from a number, or from text in hex (``0x…``) or decimal."""
    if isinstance(value, str):
        try:
            value = int(value if len(value) <= LONGEST_ADDRESS else "", 16 if value[:2].lower() == "0x" else 10)
        except ValueError:
            return None
    return value if type(value) is int and 0 <= value <= LARGEST_ADDRESS else None


def _number(value: Any) -> int | None:
    return _address(value)


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _text(value: Any, longest: int) -> str | None:
    return value[:longest] or None if isinstance(value, str) else None


def crashed_thread(threads: Iterable[ThreadValue]) -> ThreadValue | None:
    """The thread that the client says crashed, else the one that was running."""
    known = list(threads)
    crashed = next((thread for thread in known if thread.crashed), None)
    return crashed or next((thread for thread in known if thread.current), None)
