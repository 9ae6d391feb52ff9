"""The true sentry-cli sends files of sizes around that of a chunk, one file several times at once, and breaks off."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cairn.store.symbols.chunks import CHUNK_SIZE
from tests.contract.sentry_cli import Ran, SentryCli, sentry_cli_2, sentry_cli_3, spoiling_proxy
from tests.e2e.conftest import Running
from tests.symbols.programs import SYM

AT_ONCE = 4


@pytest.fixture(params=["2", "3"])
def cli(request: pytest.FixtureRequest, tmp_path: Path) -> SentryCli:
    home = tmp_path / "home"
    home.mkdir()
    return SentryCli(sentry_cli_2() if request.param == "2" else sentry_cli_3(), home)


def upload(cli: SentryCli, running: Running, path: Path, url: str | None = None) -> Ran:
    return cli.run("debug-files", "upload", "--wait", path, token=running.token(url=url), SENTRY_PROJECT="demo")


def symbols_of(size: int, path: Path) -> Path:
    """A symbol file of ``size`` bytes of which no Cairn has seen any chunk."""
    debug_id = secrets.token_hex(16).upper().encode()
    parts = [SYM.replace(b"4D9D8F6C1DF4EF9C2E9D7D3C2D6E5B3A0", debug_id + b"0")]
    left, number = size - len(parts[0]), 0x10000
    while left > 200:
        parts.append(b"PUBLIC %x 0 function_of_%s\n" % (number, debug_id))
        left, number = left - len(parts[-1]), number + 16
    parts.append((b"PUBLIC %x 0 " % number).ljust(left - 1, b"z") + b"\n")
    path.write_bytes(b"".join(parts))
    assert path.stat().st_size == size
    return path


@pytest.mark.parametrize("more", [0, 1], ids=["one chunk", "one byte more"])
def test_a_file_of_about_one_chunk(more: int, cli: SentryCli, running: Running, tmp_path: Path) -> None:
    path = symbols_of(CHUNK_SIZE + more, tmp_path / "game.sym")
    ran = upload(cli, running, path)
    assert (ran.code, "OK " in ran.output) == (0, True), ran.output
    again = upload(cli, running, path)
    assert (again.code, "Nothing to upload" in again.output) == (0, True), again.output


def test_a_file_of_no_bytes_is_not_sent(cli: SentryCli, running: Running, tmp_path: Path) -> None:
    (tmp_path / "empty.sym").touch()
    ran = upload(cli, running, tmp_path / "empty.sym")
    assert (ran.code, "No debug information files found" in ran.output) == (0, True), ran.output


def test_one_file_is_sent_several_times_at_once(cli: SentryCli, running: Running, tmp_path: Path) -> None:
    path = symbols_of(2 * CHUNK_SIZE + 5, tmp_path / "game.sym")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = list(pool.map(lambda _: upload(cli, running, path), range(AT_ONCE)))
    for ran in runs:  # who asks late has nothing to send
        assert (ran.code, "OK " in ran.output or "Nothing to upload" in ran.output) == (0, True), ran.output
    assert any("OK " in ran.output for ran in runs)


def test_an_upload_that_broke_off_goes_on_with_what_is_missing(
    cli: SentryCli, running: Running, tmp_path: Path
) -> None:
    path = symbols_of(2 * CHUNK_SIZE, tmp_path / "game.sym")
    sent: list[str] = []

    def break_the_second_question(path: str, body: bytes) -> bytes:
        """What became of the file is asked before its chunks are sent, and after."""
        sent.append(path.strip("/").rpartition("/")[2])
        return b"{" if sent.count("assemble") == 2 and sent[-1] == "assemble" else body

    with spoiling_proxy(running.cairn.url, break_the_second_question) as url:
        first = upload(cli, running, path, url)
        assert (first.code, sent.count("chunk-upload")) == (1, 2), first.output
        assert "the body is not JSON" in first.output
        second = upload(cli, running, path, url)
    assert (second.code, "OK " in second.output) == (0, True), second.output
    assert sent.count("chunk-upload") == 2


def test_afterwards_nothing_is_left_over(running: Running) -> None:
    assert running.queue("DebugFileDeadLetters").total == 0
