"""Last words: failed assertions and abort messages that the writer of the dump took along."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cairn.minidump.records import Assertion, CrashpadInfo, MacCrashInfo

MAX_MESSAGE = 4096
"""Characters of a message that are kept."""

_ABORT_KEYS = ("abort_message", "LOG_FATAL", "electron.v8-fatal.message")
"""Annotations that hold a program's last words: Crashpad's on Android, Chromium's LOG(FATAL), Electron's V8."""
# Apple's simulator writes its own name into the crash info of every process it runs
# (tests/crash/analysis/test_messages.py: test_the_simulators_name_is_no_message).
_NO_MESSAGE = ("CoreSimulator ",)


def assertion_text(assertion: Assertion | None) -> str | None:
    """``x > 0 in function check, file main.cpp, line 12``, without what is not known."""
    if assertion is None:
        return None
    line = f"line {assertion.line}" if assertion.line else ""
    parts = [
        assertion.expression,
        f"function {assertion.function}" if assertion.function else "",
        f"file {assertion.file}" if assertion.file else "",
        line,
    ]
    said, places = parts[0] or assertion.kind.replace("_", " "), ", ".join(filter(None, parts[1:]))
    return (f"{said} in {places}" if places else said)[:MAX_MESSAGE] or None


def abort_message(crashpad: CrashpadInfo | None, mac: Iterable[MacCrashInfo]) -> str | None:
    """What the program said before it gave up: lines of macOS's crash info and of Crashpad's annotations, each once."""
    lines = dict.fromkeys(line for said in (*_of_mac(mac), *_of_crashpad(crashpad)) if (line := said.strip()))
    lines = {line: None for line in lines if not line.startswith(_NO_MESSAGE)}
    return "\n".join(lines)[:MAX_MESSAGE] or None


def _of_mac(records: Iterable[MacCrashInfo]) -> Iterator[str]:
    for record in records:
        yield from (record.message, record.message2, record.signature)


def _of_crashpad(crashpad: CrashpadInfo | None) -> Iterator[str]:
    if crashpad is None:
        return
    yield from (crashpad.annotations.get(key, "") for key in _ABORT_KEYS)
    for module in crashpad.modules:
        yield from module.listed
        for key in _ABORT_KEYS:
            yield module.simple.get(key, "")
            yield module.objects.get(key, "")
