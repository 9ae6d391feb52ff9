"""Assertions and abort messages."""

import pytest

from cairn.crash.analysis.messages import MAX_MESSAGE, abort_message, assertion_text
from cairn.minidump.records import Assertion, CrashpadInfo, CrashpadModule, MacCrashInfo


@pytest.mark.parametrize(
    ("assertion", "text"),
    [
        (None, None),
        (Assertion("invalid_parameter", "p != 0", "f", "a.c", 3), "p != 0 in function f, file a.c, line 3"),
        (Assertion("invalid_parameter", "", "fopen", "", 0), "invalid parameter in function fopen"),
        (Assertion("pure_virtual_call", "", "", "", 0), "pure virtual call"),
        (Assertion("", "", "", "", 0), None),
    ],
)
def test_assertion(assertion: Assertion | None, text: str | None) -> None:
    assert assertion_text(assertion) == text


def crashpad(*modules: CrashpadModule, **annotations: str) -> CrashpadInfo:
    return CrashpadInfo("", "", annotations, modules)


@pytest.mark.parametrize(
    ("info", "mac", "message"),
    [
        (None, (), None),
        (crashpad(abort_message="gave up"), (), "gave up"),
        (crashpad(user="me"), (), None),
        (crashpad(CrashpadModule(0, objects={"LOG_FATAL": "check.cc:3"})), (), "check.cc:3"),
        (crashpad(CrashpadModule(0, simple={"abort_message": "no"})), (), "no"),
        (crashpad(CrashpadModule(0, listed=("abort() called\n", "abort() called"))), (), "abort() called"),
        (None, (MacCrashInfo(message="abort() called", message2="two", signature="sig"),), "abort() called\ntwo\nsig"),
        (None, (MacCrashInfo(message="  "),), None),
    ],
)
def test_abort_message(info: CrashpadInfo | None, mac: tuple[MacCrashInfo, ...], message: str | None) -> None:
    assert abort_message(info, mac) == message


def test_the_simulators_name_is_no_message() -> None:
    listed = ("CoreSimulator 857.14 - Device: iPhone 14", "*** out of range")
    assert abort_message(crashpad(CrashpadModule(0, listed=listed)), ()) == "*** out of range"


def test_messages_are_cut() -> None:
    assert len(abort_message(crashpad(abort_message="x" * 10_000), ()) or "") == MAX_MESSAGE
    assert len(assertion_text(Assertion("", "x" * 10_000, "", "", 0)) or "") == MAX_MESSAGE
