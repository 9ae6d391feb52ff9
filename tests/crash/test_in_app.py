from __future__ import annotations

import pytest

from cairn.crash.in_app import is_in_app


@pytest.mark.parametrize(
    "code_file",
    [
        r"C:\Windows\System32\ntdll.dll",
        r"c:\windows\SysWOW64\kernel32.dll",
        "/lib/x86_64-linux-gnu/libc-2.31.so",
        "/usr/lib/libfoo.so",
        "/usr/lib64/libstdc++.so.6",
        "/usr/lib/system/libsystem_kernel.dylib",
        "/System/Library/Frameworks/AppKit.framework/AppKit",
        "/apex/com.android.runtime/lib64/bionic/libc.so",
        "linux-gate.so",
        "linux-vdso.so.1",
        "libc.so.6",
        "libstdc++.so.6",
        "ld-linux-x86-64.so.2",
        None,
        "",
    ],
)
def test_a_module_of_the_system_is_not_in_app(code_file: str | None) -> None:
    assert not is_in_app(code_file, "work")


@pytest.mark.parametrize(
    "code_file",
    [
        r"C:\Program Files\Game\game.exe",
        r"C:\windowsgame\game.exe",
        "/opt/app/bin/app",
        "/opt/app/lib/libcairo.so",
        "/usr/bin/app",
        "/Applications/Game.app/Contents/MacOS/Game",
        "/data/app/com.example/lib/arm64/libgame.so",
        "libcrypt-game.so",
        "app",
    ],
)
def test_everything_else_is(code_file: str) -> None:
    assert is_in_app(code_file, "work")


@pytest.mark.parametrize("function", ["std::vector<int>::at", "core::panicking::panic", "__cxa_throw", "_start"])
def test_a_function_of_the_runtime_is_not_in_app_wherever_it_was_compiled_in(function: str) -> None:
    assert not is_in_app("/opt/app/bin/app", function)
    assert is_in_app("/opt/app/bin/app", f"app::{function}")
