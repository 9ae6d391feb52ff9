"""A crash for a person to read, from its event: what happened, where, the other threads, the modules, what is missing.

Everything can be copied as text. Names from the dump are printed as they are: nothing in them is taken for markup.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.text import Text

from cairn.crash.event import Event, Frame, Image, ProcessingError, Stacktrace, ThreadValue
from cairn_cli.output import console, moment
from cairn_cli.report_modules import base_name, modules, upload_of

GUESSED = {"scan": "scan", "cfiscan": "scan", "fp": "frame pointer"}
"""Trust worth a mark beside a frame: the others are as good as a walk gets."""
NAME_WIDTH = 64
"""Columns up to which function names are padded, so that the files behind them stand in a column."""


def print_report(event: Event, all_threads: bool = True) -> None:
    """Print the whole crash."""
    out = console()
    for line in report(event, all_threads):
        _print(out, line)


def report(event: Event, all_threads: bool = True) -> Iterator[Text]:
    """The report, line by line."""
    yield from _headline(event)
    yield Text()
    yield from _facts(event)
    yield from _feedback(event)
    yield from _crashed_thread(event)
    if all_threads:
        for thread in event.threads.values:
            yield from _other_thread(thread, event)
    yield from modules(event)
    yield from _problems(event)


def _print(out: Console, line: Text) -> None:
    out.print(line, soft_wrap=True)


def _headline(event: Event) -> Iterator[Text]:
    crash = event.crash
    from_dump = crash is not None and crash.mechanism.type == "minidump"
    yield Text.assemble(("● ", "bold red"), (crash.type if crash and from_dump else event.title, "bold"))
    if event.cairn.explanation:
        yield Text(f"  {event.cairn.explanation}", style="red")
    if where := event.title if from_dump and event.debug_meta.images else event.culprit if not from_dump else None:
        yield Text.assemble("  in ", (where, "bold cyan"))


def _facts(event: Event) -> Iterator[Text]:
    system, device, crashpad = (_context(event, name) for name in ("os", "device", "crashpad"))
    rows = {
        "event": event.event_id if event.event_id.strip("0") else None,  # a dump that was never sent has none
        "time": f"{moment(event.timestamp)} UTC",
        "issue": event.cairn.grouping.hash if event.cairn.grouping else None,
        "release": event.release,
        "system": " ".join(str(system[key]) for key in ("name", "version") if key in system),
        "cpu": ", ".join(str(device[key]) for key in ("arch", "cpu_description") if key in device),
        "process": str(event.cairn.process_id) if event.cairn.process_id else None,
        "annotations": ", ".join(f"{k}={v}" for k, v in crashpad.items() if k != "type"),
        "tags": ", ".join(f"{key}={value}" for key, value in event.tags.items()),
        "files": ", ".join(f"{file.name} ({file.size} bytes)" for file in event.cairn.attachments),
        "dump": f"{kept.state}, {moment(kept.at)} UTC" if (kept := event.cairn.dump) else None,
        "symbols": _again(event),
        "instruction": event.cairn.facts.get("instruction", {}).get("text"),
    }
    for name, value in rows.items():
        if value:
            yield Text.assemble((f"  {name:<12}", "dim"), str(value))


def _again(event: Event) -> str | None:
    """When an event was made again, be it with symbols that came late, and when it was made first."""
    again, first = event.cairn.symbolicated, event.cairn.first_symbolicated
    if again is None or first is None or again == first:
        return None
    return f"symbolicated again {moment(again)} UTC, first {moment(first)} UTC"


def _context(event: Event, name: str) -> dict[str, Any]:
    """A context of the event; a client may have sent anything in its place."""
    context = event.contexts.get(name)
    return context if isinstance(context, dict) else {}


def _feedback(event: Event) -> Iterator[Text]:
    for said in event.cairn.feedback or ():
        who = " ".join(filter(None, (said.name, f"<{said.email}>" if said.email else None))) or "Somebody"
        yield Text()
        yield Text.assemble((who, "bold"), (f" wrote on {moment(said.received)} UTC", "dim"))
        for line in said.message.splitlines():
            yield Text(f"  {line}")


def _crashed_thread(event: Event) -> Iterator[Text]:
    crash = event.crash
    if crash is None or crash.stacktrace is None:
        return
    thread = next((t for t in event.threads.values if t.id == crash.thread_id), None)
    verb = "crashed" if thread is None or thread.crashed else "asked for the dump"
    yield Text()
    yield _thread_title(crash.thread_id, thread.name if thread else None, f"  {verb}")
    yield from _frames(crash.stacktrace, event)
    yield from _registers(crash.stacktrace)


def _other_thread(thread: ThreadValue, event: Event) -> Iterator[Text]:
    if thread.stacktrace is None:
        return
    yield Text()
    yield _thread_title(thread.id, thread.name, "")
    yield from _frames(thread.stacktrace, event)


def _thread_title(thread_id: int | None, name: str | None, verb: str) -> Text:
    title = "Stack" if thread_id is None else f"Thread {thread_id}"
    return Text.assemble((title, "bold"), f" {name}" if name else "", (verb, "bold red"))


def _frames(stack: Stacktrace, event: Event) -> Iterator[Text]:
    frames = tuple(reversed(stack.frames))
    if not frames:
        yield Text("  no frames: the dump has neither registers nor stack for this thread", style="dim")
    width = min(max((len(_name(frame, event)) for frame in frames), default=0), NAME_WIDTH)
    with_source = next((frame for frame in frames if frame.context_line is not None), None)
    for number, frame in enumerate(frames):
        yield _frame(number, frame, width, event)
        if frame is with_source:
            yield from _source(frame)


def _frame(number: int, frame: Frame, width: int, event: Event) -> Text:
    name = _name(frame, event)
    style = "bold cyan" if frame.function and frame.in_app else "" if frame.function else "dim"
    line = Text.assemble((f"  {number:>3}  ", "dim"), (name.ljust(width), style))
    if frame.filename:
        line.append(f"  {frame.filename}:{frame.lineno}" if frame.lineno else f"  {frame.filename}", "green")
    if frame.function and frame.instruction_addr is not None:
        line.append(f"  {_place(frame, event)}", "dim")
    if frame.data.nearest_symbol:
        line.append(f"  near {frame.data.nearest_symbol}", "dim")
    if frame.data.inlined:
        line.append("  inlined", "dim")
    elif frame.trust in GUESSED:
        line.append(f"  [{GUESSED[frame.trust]}]", "yellow")
    line.rstrip()
    return line


def _source(frame: Frame) -> Iterator[Text]:
    """The lines around a call, its own marked; nothing in them reaches the terminal as a command."""
    before = frame.pre_context or ()
    lines = (*before, frame.context_line or "", *(frame.post_context or ()))
    first = (frame.lineno or 0) - len(before)
    for number, line in enumerate(lines, first):
        here = number == frame.lineno
        shown = "".join(one if one.isprintable() else "\ufffd" for one in line.expandtabs(4).rstrip())
        yield Text.assemble((f"      {'>' if here else ' '} {number:>5}  ", "bold red" if here else "dim"), shown)


def _name(frame: Frame, event: Event) -> str:
    return frame.function or _place(frame, event)


def _place(frame: Frame, event: Event) -> str:
    """Module and offset; the bare address outside all modules, and ``?`` without one."""
    address = frame.instruction_addr
    if address is None:
        return frame.module or "?"
    image = next((i for i in event.debug_meta.images if i.code_file == frame.package and i.holds(address)), None)
    return f"{image.name}+{address - image.image_addr:#x}" if image else f"{address:#x}"


def _registers(stack: Stacktrace) -> Iterator[Text]:
    registers = list((stack.registers or {}).items())
    for start in range(0, len(registers), 4):
        row = registers[start : start + 4]
        yield Text("       " + "  ".join(f"{name:>6} {value:#018x}" for name, value in row), style="dim")


def _next(error: ProcessingError, image: Image | None) -> str:
    """What to do about a module without symbols."""
    if image and not image.debug_id and not image.code_id:
        return f": {error.message}"
    command = upload_of(image) if image else "cairn upload-debug-files PATH"
    return f"; send those with the debug id {error.image_uuid}: {command}"


def _problems(event: Event) -> Iterator[Text]:
    missing = [error for error in event.errors if error.image_path]
    said = [*event.cairn.problems, *(error.message for error in event.errors if error.message and not error.image_path)]
    if missing or said:
        yield Text()
    for error in missing:
        image = next((i for i in event.debug_meta.images if i.code_file == error.image_path), None)
        yield Text.assemble(
            ("  ! ", "yellow"), f"{base_name(error.image_path)} has no symbols here{_next(error, image)}"
        )
    for text in said:
        yield Text.assemble(("  ! ", "yellow"), text)
