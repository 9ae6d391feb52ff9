"""The list of modules without symbols over the API."""

from __future__ import annotations

import secrets
import time

import pytest

from cairn.store.sources import ProjectSources
from cairn.store.symbols.fetches import Attempt, Fetches, FetchRequest, fetch_key
from cairn.store.symbols.waiting import WaitingCrash, WaitingCrashes, WantedModule
from cairn.store.tokens import ApiTokens
from cairn.symbols.sources.built_in import BUILT_IN
from cairn.symbols.sources.records import FetchStatus, FileType, ModuleFormat, Role, SourceModule
from tests.web.conftest import Client


def wait(client: Client, *modules: WantedModule, ago: float = 0) -> str:
    """Let a crash wait."""
    event_id = secrets.token_hex(16)
    crash = WaitingCrash(client.project.id, event_id, time.time() // 1 - ago, "crashes/upload.json", modules)
    WaitingCrashes(client.store.settings, client.store.clients).put(crash)
    return event_id


def pdb(name: str = "game.exe", debug_file: str = "game.pdb") -> WantedModule:
    return WantedModule(
        name=name,
        debug_id=secrets.token_hex(16),
        code_id="5e0f1a2b1a000",
        status="missing",
        reason="no debug file with this id was uploaded",
        debug_file=debug_file,
        type="pe",
        arch="x86_64",
        os="Windows",
        in_app=True,
        lacks=("names", "lines", "unwinding"),
    )


def test_a_missing_module_with_all_there_is_to_know(client: Client) -> None:
    game = pdb()
    first, last = wait(client, game, ago=60), wait(client, game)
    answer = client.get(f"/api/0/projects/cairn/{client.project.slug}/files/missing/")
    assert answer.status == 200
    (found,) = answer.body
    assert found.pop("firstSeen") < found.pop("lastSeen")
    assert found == {
        "name": "game.exe",
        "debugFile": "game.pdb",
        "debugId": game.debug_id,
        "codeId": "5e0f1a2b1a000",
        "type": "pe",
        "arch": "x86_64",
        "os": "Windows",
        "inApp": True,
        "status": "missing",
        "reason": "no debug file with this id was uploaded",
        "sources": [],
        "lacks": ["names", "lines", "unwinding"],
        "crashes": 2,
        "events": [last, first],
        "files": ["game.pdb", "game.exe"],
        "command": "cairn upload-debug-files PATH/TO/game.pdb PATH/TO/game.exe",
        "nextStep": None,
    }


def test_what_symbol_servers_said_of_a_module(client: Client) -> None:
    where, game = (client.store.settings, client.store.clients), pdb()
    project_id = client.project.id
    for source in (BUILT_IN["microsoft"], BUILT_IN["debian"]):
        ProjectSources(*where).add(project_id, source)
    wait(client, game)
    module = SourceModule(ModuleFormat.PE, "game.exe", "game.pdb", game.code_id, game.debug_id)
    request = FetchRequest(project_id, fetch_key((game.debug_id, game.code_id)) or "", module, tuple(Role))
    Fetches(*where).ask(request, ProjectSources(*where).of(project_id).mark, "test")
    address = "https://msdl.microsoft.com/download/symbols/game.pdb"
    tried = Attempt("microsoft", address, FileType.PDB, FetchStatus.TIMED_OUT, "no answer", 1_800_000_000.5)
    Fetches(*where).finish(request, [tried], tried.retry_after)
    (found,) = client.get(f"/api/0/projects/cairn/{client.project.slug}/files/missing/").body
    assert found["sources"] == [
        {
            "name": "microsoft",
            "status": "timed_out",
            "details": "no answer",
            "locations": [address],
            "askedAgain": "2027-01-15T08:00:00.500000Z",
        },
        {
            "name": "debian",
            "status": "disabled",
            "details": "has no files of this kind, or cannot be asked by these ids",
            "locations": [],
            "askedAgain": None,
        },
    ]


def test_a_name_out_of_a_dump_is_quoted_for_the_shell(client: Client) -> None:
    wait(client, pdb("$(reboot).exe", "a b'.pdb"))
    (found,) = client.get(f"/api/0/projects/cairn/{client.project.id}/files/missing/").body
    assert found["command"] == """cairn upload-debug-files 'PATH/TO/a b'"'"'.pdb' 'PATH/TO/$(reboot).exe'"""


def test_for_a_module_without_an_id_there_is_nothing_to_send(client: Client) -> None:
    wait(client, WantedModule("game", None, None, "missing", "no id", type="elf", in_app=True))
    (found,) = client.get(f"/api/0/projects/cairn/{client.project.id}/files/missing/").body
    assert (found["name"], found["reason"], found["files"], found["command"]) == ("game", "no id", [], None)


def test_as_many_crashes_count_as_are_asked_for(client: Client) -> None:
    game = pdb()
    for ago in range(3):
        wait(client, game, ago=ago)
    path = f"/api/0/projects/cairn/{client.project.slug}/files/missing/"
    assert client.get(path, crashes="2").body[0]["crashes"] == 2
    for wrong in ("0", "-1", "1001", "many", "²", "9" * 30):
        assert client.get(path, crashes=wrong).status == 400, wrong


@pytest.mark.parametrize(("scope", "status"), [("project:read", 200), ("org:ci", 403), ("symbols:read", 403)])
def test_it_needs_a_token_that_may_read(client: Client, scope: str, status: int) -> None:
    client.token, _ = ApiTokens(client.store.settings, client.store.clients).create("", "", [scope])
    assert client.get(f"/api/0/projects/cairn/{client.project.slug}/files/missing/").status == status


def test_nothing_is_missing_in_a_project_without_crashes(client: Client) -> None:
    assert client.get(f"/api/0/projects/cairn/{client.project.slug}/files/missing/").body == []
    assert client.get("/api/0/projects/cairn/nobody/files/missing/").status == 404
