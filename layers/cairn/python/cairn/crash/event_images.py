"""Modules of a crash in the event's form, and the errors for those whose symbols are missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from cairn.crash.event import Candidate, CandidateUse, Download, Image, ImageFeatures, ProcessingError
from cairn.crash.in_app import is_in_app
from cairn.crash.records import LoadedModule
from cairn.minidump.records import Arch, Os, SystemInfo
from cairn.symbols.records import Features, SymbolStatus, UsableFile

SENTRY_ARCH = {Arch.AMD64: "x86_64"}
"""Architectures that Sentry calls otherwise."""

OWN_SOURCE = "cairn:files"
OWN_SOURCE_NAME = "Cairn"
"""What the debug files count as that are there already; no symbol server can be called so."""

MOST_CANDIDATES = 8
"""Files of a module that an event names. Those that served come first."""

_ERROR_TYPES = {
    SymbolStatus.MISSING: "native_missing_dsym",
    SymbolStatus.MALFORMED: "native_bad_dsym",
    SymbolStatus.UNSUPPORTED: "native_unsupported_dsym",
    SymbolStatus.FETCHING_FAILED: "fetch_generic_error",
    SymbolStatus.TIMEOUT: "fetch_timeout",
}


def arch_name(arch: Arch) -> str:
    """The architecture by Sentry's name."""
    return SENTRY_ARCH.get(arch, arch.value)


def image(loaded: LoadedModule, system: SystemInfo) -> Image:
    """One module with what became of its symbols."""
    module, symbols = loaded.module, loaded.symbols
    return Image(
        type=image_type(system.os),
        code_file=module.code_file or None,
        code_id=module.code_id,
        debug_file=module.debug_file,
        debug_id=module.debug_id,
        image_addr=module.base,
        image_size=module.size or None,
        arch=arch_name(system.arch) if system.arch is not Arch.UNKNOWN else None,
        version=module.version,
        debug_status=symbols.debug_status,
        unwind_status=symbols.unwind_status,
        features=_features(symbols.features),
        reason=symbols.reason,
        candidates=_candidates(symbols.files),
    )


def missing_symbols(loaded: LoadedModule, system: SystemInfo) -> ProcessingError | None:
    """The error for a module that a frame touches and that has no symbols; none for modules of the system."""
    module = loaded.module
    kind = _ERROR_TYPES.get(loaded.symbols.debug_status)
    if kind is None or not loaded.touched or not is_in_app(module.code_file, None):
        return None
    return ProcessingError(
        type=kind,
        message=loaded.symbols.reason,
        image_path=module.code_file,
        image_uuid=module.debug_id,
        image_arch=arch_name(system.arch),
    )


def image_type(os: Os) -> Literal["pe", "macho", "elf", "unknown"]:
    """What programs of an operating system are, by Sentry's names."""
    match os:
        case Os.WINDOWS:
            return "pe"
        case Os.MACOS | Os.IOS:
            return "macho"
        case Os.LINUX | Os.ANDROID | Os.FUCHSIA | Os.SOLARIS | Os.NACL:
            return "elf"
        case _:
            return "unknown"


def _candidates(files: Sequence[UsableFile]) -> tuple[Candidate, ...] | None:
    """The files that there were; of one that does all the module's own statuses say it."""
    if len(files) == 1 and files[0].names and files[0].unwinding:
        return None
    return tuple(map(_candidate, files[:MOST_CANDIDATES])) or None


def _candidate(file: UsableFile) -> Candidate:
    return Candidate(
        source=OWN_SOURCE,
        source_name=OWN_SOURCE_NAME,
        location=file.location,
        download=Download(status="ok", features=_features(file.features)),
        debug=_use(file.names, file.reason),
        unwind=_use(file.unwinding, file.reason),
    )


def _use(status: SymbolStatus | None, reason: str | None) -> CandidateUse | None:
    if status is None:
        return None
    return CandidateUse(status="ok" if status is SymbolStatus.FOUND else status.value, details=reason)


def _features(features: Features) -> ImageFeatures:
    return ImageFeatures(
        has_symbols=features.symbols,
        has_debug_info=features.debug_info,
        has_unwind_info=features.unwind_info,
        has_sources=features.sources,
    )
