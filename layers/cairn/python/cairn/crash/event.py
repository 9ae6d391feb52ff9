"""The event: what Cairn keeps and shows of a crash, in Sentry's event JSON.

The shape is Sentry's (its "event payloads" pages; ``docs/event.md`` lists what a minidump fills). What Cairn adds
stands under the one key ``cairn``. Addresses are ``int`` here and ``"0x…"`` in JSON. Every field may be absent;
readers ignore fields that they do not know.

To change the event: raise ``EVENT_VERSION`` when a field changes its meaning or goes away, write the change down in
``docs/event.md``, and symbolicate stored uploads again where the old form is not good enough.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

EVENT_VERSION = 2
"""Version of the event's form, in ``cairn.version``."""


def _parse_address(value: object) -> object:
    return int(value, 16) if isinstance(value, str) else value


Address = Annotated[int, BeforeValidator(_parse_address), PlainSerializer(hex, return_type=str, when_used="json")]
"""An ``int`` that is ``"0x…"`` in JSON, since JSON readers lose digits above 2^53."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class FrameData(_Model):
    """``symbolicator_status`` says whether the frame has a name and if not, why; ``inlined`` marks a call that the
    compiler folded into the frame that follows it towards the caller."""

    symbolicator_status: Literal["symbolicated", "missing_symbol", "unknown_image", "missing", "malformed"]
    inlined: bool | None = None
    nearest_symbol: str | None = None


class Frame(_Model):
    """One function call. ``instruction_addr`` is the return address for callers; ``lineno`` is that of the call. Frames
    of a client's own stack may have no address, and their trust is ``prewalked`` unless the client says better. The
    crashed thread's have up to five lines of source around ``context_line``, where a source bundle was uploaded."""

    function: str | None = None
    raw_function: str | None = None
    symbol: str | None = None
    symbol_addr: Address | None = None
    instruction_addr: Address | None = None
    module: str | None = None
    package: str | None = None
    filename: str | None = None
    abs_path: str | None = None
    lineno: int | None = None
    colno: int | None = None
    pre_context: tuple[str, ...] | None = None
    context_line: str | None = None
    post_context: tuple[str, ...] | None = None
    in_app: bool = False
    trust: str
    data: FrameData


class Stacktrace(_Model):
    """Frames oldest caller first, and the registers of the innermost one."""

    frames: tuple[Frame, ...] = ()
    registers: dict[str, Address] | None = None


class Mechanism(_Model):
    """How the crash was caught: ``minidump``, or the client's own word. ``meta`` is what else the client says of it."""

    type: str
    handled: bool | None = None
    synthetic: bool | None = None
    description: str | None = None
    meta: dict[str, Any] | None = None


class ExceptionValue(_Model):
    """The crash itself: ``type`` is the reason with the address, the stack is the crashed thread's. Also an exception
    that the client recorded."""

    type: str
    value: str | None = None
    module: str | None = None
    mechanism: Mechanism
    thread_id: int | None = None
    stacktrace: Stacktrace | None = None


class ThreadValue(_Model):
    """A thread. The crashed one has no stack here: it stands on the exception."""

    id: int
    name: str | None = None
    crashed: bool | None = None
    current: bool | None = None
    stacktrace: Stacktrace | None = None


class ImageFeatures(_Model):
    """What the debug file that was found has to offer."""

    has_symbols: bool = False
    has_debug_info: bool = False
    has_unwind_info: bool = False
    has_sources: bool = False


class Download(_Model):
    """What became of a file that was asked for: ``ok``, ``notfound``, ``noperm``, ``malformed`` or ``error``, in
    Sentry's words, and why, for a person. ``features`` are those of a file that is there. ``retry_after`` is Cairn's
    own: until then (Unix seconds) the place is not asked again."""

    status: str
    details: str | None = None
    features: ImageFeatures | None = None
    retry_after: float | None = None


class CandidateUse(_Model):
    """How a file served: ``ok``, or ``malformed`` when it turned out to be damaged."""

    status: str
    details: str | None = None


class Candidate(_Model):
    """A file that there was for a module, or that a symbol server was asked for. ``debug`` is there when it was used
    for names, ``unwind`` when it was used for unwinding. ``location`` is ``*`` where a source has nothing at all."""

    source: str
    source_name: str
    location: str
    download: Download
    debug: CandidateUse | None = None
    unwind: CandidateUse | None = None


class Image(_Model):
    """A loaded module and what became of its symbols. ``reason`` is Cairn's own: why, for a person. ``candidates`` are
    the files that there were, where it was more than one; and what symbol servers were asked for, which is added when
    the event is read."""

    type: Literal["pe", "macho", "elf", "unknown"]
    code_file: str | None = None
    code_id: str | None = None
    debug_file: str | None = None
    debug_id: str | None = None
    image_addr: Address
    image_size: int | None = None
    arch: str | None = None
    version: str | None = None
    debug_status: str
    unwind_status: str
    features: ImageFeatures = ImageFeatures()
    reason: str | None = None
    candidates: tuple[Candidate, ...] | None = None

    @property
    def name(self) -> str:
        """The file without its folder; ``?`` where it has no name."""
        return (self.code_file or "?").replace("\\", "/").rpartition("/")[2]

    def holds(self, address: int) -> bool:
        """Whether an address lies in the module, or right behind it as a return address may."""
        return 0 <= address - self.image_addr <= (self.image_size or 0)


class DebugMeta(_Model):
    """All modules of the process, in the dump's order."""

    images: tuple[Image, ...] = ()


class ProcessingError(_Model):
    """Something that keeps the event from being complete; ``type`` is one of Sentry's event error types."""

    type: str
    message: str | None = None
    name: str | None = None
    value: Any = None
    image_path: str | None = None
    image_uuid: str | None = None
    image_arch: str | None = None


class Exceptions(_Model):
    """The crash, and behind it the exceptions that the client itself had recorded, in the order it sent them."""

    values: tuple[ExceptionValue | dict[str, Any], ...] = ()


class Threads(_Model):
    """All threads, in the dump's order."""

    values: tuple[ThreadValue, ...] = ()


class AttachmentInfo(_Model):
    """A file that came with the crash."""

    name: str
    type: str
    content_type: str
    size: int


class FeedbackInfo(_Model):
    """What a user said of the crash, and when it was received (Unix seconds)."""

    name: str | None = None
    email: str | None = None
    message: str
    received: float


class DumpInfo(_Model):
    """What became of the stored dump, and when (Unix seconds): ``kept`` as it came; ``scrubbed`` of secrets;
    ``waiting`` to be scrubbed, which takes minutes for a large one; ``removed`` as the project wants, or because it has
    more than can be searched."""

    state: Literal["kept", "scrubbed", "waiting", "removed"]
    at: float


class GroupingInfo(_Model):
    """The group of an event (``cairn.crash.grouping``): events with the same ``hash`` (32 hex digits) are one issue.
    ``by`` names the rule, ``components`` are what went into the hash, and ``version`` is that of the rules."""

    version: int
    hash: str
    by: str
    components: tuple[str, ...]


class CairnInfo(_Model):
    """What Cairn adds to Sentry's event. ``explanation`` is the crash in one sentence; ``problems`` what could not be
    read in the dump; ``facts`` what was learnt beside reason and address (``docs/event.md``). ``symbolicated`` is
    when this was made, and ``first_symbolicated`` when the event was made for the first time (Unix seconds).
    ``feedback`` is added when the event is read. ``scrubbed`` counts what was taken out as private, by rule, and
    ``dump`` says what became of the stored dump."""

    version: int = EVENT_VERSION
    project: int | None = None
    process_id: int | None = None
    symbolicated: float | None = None
    first_symbolicated: float | None = None
    reason: str | None = None
    address: Address | None = None
    explanation: str | None = None
    grouping: GroupingInfo | None = None
    facts: dict[str, Any] = Field(default_factory=dict)
    stack_end: dict[str, str] = Field(default_factory=dict)
    unloaded_modules: tuple[dict[str, Any], ...] = ()
    attachments: tuple[AttachmentInfo, ...] = ()
    feedback: tuple[FeedbackInfo, ...] | None = None
    problems: tuple[str, ...] = ()
    scrubbed: dict[str, int] | None = None
    dump: DumpInfo | None = None


class Event(_Model):
    """One crash."""

    event_id: str
    platform: str = "native"
    level: str = "fatal"
    timestamp: float
    received: float
    title: str = ""
    culprit: str | None = None
    release: str | None = None
    environment: str | None = None
    dist: str | None = None
    server_name: str | None = None
    transaction: str | None = None
    logger: str | None = None
    message: str | dict[str, Any] | None = None
    sdk: dict[str, Any] = Field(default_factory=dict)
    user: dict[str, Any] | None = None
    tags: dict[str, str] = Field(default_factory=dict)
    extra: dict[str, Any] = Field(default_factory=dict)
    contexts: dict[str, Any] = Field(default_factory=dict)
    breadcrumbs: dict[str, Any] | None = None
    fingerprint: tuple[str, ...] | None = None
    exception: Exceptions = Exceptions()
    threads: Threads = Threads()
    debug_meta: DebugMeta = DebugMeta()
    errors: tuple[ProcessingError, ...] = ()
    cairn: CairnInfo = CairnInfo()

    def to_json(self) -> bytes:
        """The event as UTF-8 JSON without the fields that are empty."""
        return self.model_dump_json(exclude_none=True).encode()

    @classmethod
    def from_json(cls, raw: bytes) -> Event:
        """The event of stored JSON. Raises pydantic's ``ValidationError`` for anything else."""
        return cls.model_validate_json(raw)

    @property
    def crash(self) -> ExceptionValue | None:
        """The exception that the event is about: the one that the minidump made, which comes first, else the client's
        last."""
        typed = [value for value in self.exception.values if isinstance(value, ExceptionValue)]
        if not typed:
            return None
        return typed[0] if typed[0].mechanism.type == "minidump" else typed[-1]
