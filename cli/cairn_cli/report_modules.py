"""The modules of a crash for a person: what became of their symbols, which files served, what was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.text import Text

from cairn.crash.event import Candidate, Event, Image
from cairn.crash.event_images import OWN_SOURCE
from cairn.symbols.helpful_files import helpful_files, upload_command
from cairn_cli.output import moment


def modules(event: Event) -> Iterator[Text]:
    """All modules by their address, line by line."""
    images = sorted(event.debug_meta.images, key=lambda image: image.image_addr)
    if not images:
        return
    yield Text()
    yield Text("Modules", style="bold")
    width = max(len(base_name(image.code_file)) for image in images)
    for image in images:
        yield _module(image, width)
        yield from _candidates(image)


def _module(image: Image, width: int) -> Text:
    status = image.debug_status if image.debug_status == image.unwind_status else _both(image)
    style = {"found": "green", "unused": "dim"}.get(image.debug_status, "yellow")
    line = Text.assemble(
        (f"  {image.image_addr:#018x}  ", "dim"),
        f"{base_name(image.code_file):<{width}}  ",
        (f"{status:<10}  ", style),
        (image.debug_id or "no debug id", "dim"),
    )
    if image.reason:
        line.append(f"  {image.reason}", "yellow")
    return line


def _candidates(image: Image) -> Iterator[Text]:
    """Which files gave what, and what symbol servers were asked for; of those that have nothing, only the names."""
    tried = [one for one in image.candidates or () if one.location != "*"]
    for one in tried:
        if one.download.status != "notfound":
            yield _candidate(one)
    absent = [one for one in tried if one.download.status == "notfound"]
    if absent:
        names = dict.fromkeys(one.source_name for one in absent)
        yield Text(f"      not on {', '.join(names)}{_again(absent)}", style="dim")


def _candidate(one: Candidate) -> Text:
    uses = {"names": one.debug, "unwinding": one.unwind}
    served = [f"{name}, damaged" if use.status != "ok" else name for name, use in uses.items() if use]
    said = next((text.details for text in (one.debug, one.unwind, one.download) if text and text.details), None)
    what = ", ".join(served) or ("not needed" if one.source == OWN_SOURCE else one.download.status)
    why = f": {said}" if said else ""
    return Text(f"      {one.source_name}  {what}  {one.location}{why}{_again([one])}", style="dim")


def _again(candidates: Iterable[Candidate]) -> str:
    """From when on any of them is asked again."""
    times = [one.download.retry_after for one in candidates if one.download.retry_after is not None]
    return f"; asked again after {moment(min(times))} UTC" if times else ""


def _both(image: Image) -> str:
    return f"names {image.debug_status}, unwind {image.unwind_status}"


def upload_of(image: Image) -> str | None:
    """How to send what a module lacks."""
    has = image.features
    there = {"names": has.has_symbols, "lines": has.has_debug_info, "unwinding": has.has_unwind_info}
    lacks = [name for name, is_there in there.items() if not is_there]
    debug_file = base_name(image.debug_file) if image.debug_file else None
    return upload_command(helpful_files(base_name(image.code_file), debug_file, image.type, lacks))


def base_name(path: str | None) -> str:
    """The last part of a path of any system."""
    return (path or "?").replace("\\", "/").rpartition("/")[2]
