from __future__ import annotations

import subprocess
import sys

import pytest

from cairn_cli.main import COMMANDS, main
from tests.cli.command import cairn


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(["--help"])
    assert done.value.code == 0
    printed = capsys.readouterr().out
    for command, (_, summary) in COMMANDS.items():
        assert command in printed
        assert summary.partition(":")[0] in " ".join(printed.split())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main([command, "--help"])
    assert done.value.code == 0
    assert f"examples:\n  cairn {command}" in capsys.readouterr().out


def test_wrong_usage_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["fly"], ["events"], ["stackwalk"]):
        with pytest.raises(SystemExit) as done:
            main(arguments)
        assert done.value.code == 2
        assert "usage: cairn" in capsys.readouterr().err


def test_the_program_keeps_garbage_collection_from_what_it_imports() -> None:
    script = (
        "import gc, sys; from cairn_cli.main import program; sys.argv = ['cairn', 'stackwalk', 'nowhere']; "
        "print(program(), gc.isenabled(), 'cairn.crash.process' in sys.modules, gc.get_freeze_count() > 1000)"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["1", "True", "True", "True"]


def test_a_reader_that_goes_away_is_no_error(tmp_path: object) -> None:
    done = cairn("--version")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("cairn ")


def test_no_cairn_anywhere_is_said_with_what_to_do(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {
        "XDG_DATA_HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_DEFAULT_REGION": "eu-1",
    }
    secret = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_MAX_ATTEMPTS": "1"}
    done = cairn("events", "list", environment=environment | secret)
    assert done.code == 1
    assert "there is no Cairn on this machine" in done.err
    assert "cairn local" in done.err
    assert "Traceback" not in done.err


def test_a_wrong_choice_is_told_the_right_ones() -> None:
    done = cairn("sources", "add", "ours", "https://symbols.example.com", "--layout", "foo")
    assert (done.code, "'symstore'" in done.err, "<" in done.err) == (2, True, False), done.err
    done = cairn("symbols", "list", "--limit", "0")
    assert (done.code, done.err.endswith("argument --limit: it is a number from 1 on, not '0'\n")) == (2, True), (
        done.err
    )
