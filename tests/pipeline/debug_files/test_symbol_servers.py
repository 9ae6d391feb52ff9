"""Crashes that lack symbols, and symbol servers that have them: each layout, each way of packing, on a real server."""

from __future__ import annotations

import gzip
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from uuid import UUID

import pytest
import zstandard

from cairn.crash.event import CandidateUse, Event, Image
from cairn.intake.upload import Attachment, Upload
from cairn.pipeline.debug_files import fetch_symbols
from cairn.pipeline.debug_files.compile_debug_file import Compilation
from cairn.pipeline.debug_files.fetch_symbols import DAY, HOUR, SOON, TRIES, Fetched, FetchStep, printable, seconds_of
from cairn.pipeline.symbolicating.ask_symbol_servers import SymbolServerRequests
from cairn.pipeline.symbolicating.symbolicate import Outcome, Symbolication
from cairn.servers.download import HttpServers
from cairn.servers.limits import Limits
from cairn.store.aws import Clients
from cairn.store.crashes.events import Events
from cairn.store.crashes.uploads import Uploads
from cairn.store.notifications import fetch_in
from cairn.store.objects import Objects
from cairn.store.queues import Queue
from cairn.store.settings import Settings
from cairn.store.source_secrets import SourceSecrets
from cairn.store.sources import ProjectSources
from cairn.store.symbols import fetches
from cairn.store.symbols.candidates import ABSENT, Candidates
from cairn.store.symbols.fetches import Fetches, FetchRequest, KnownFetch, fetch_key
from cairn.store.symbols.symbol_index import CompileFailure, ModuleIds, SymbolEntry, SymbolIndex
from cairn.store.symbols.waiting import WaitingCrashes
from cairn.symbols.compiling.compile import identify
from cairn.symbols.records import SymbolStatus
from cairn.symbols.sources.built_in import BUILT_IN
from cairn.symbols.sources.layouts import paths
from cairn.symbols.sources.records import (
    CredentialKind,
    Credentials,
    FetchStatus,
    FileType,
    Layout,
    ModuleFormat,
    Role,
    Source,
    SourceModule,
)
from tests.crash.symbol_files import SAMPLE
from tests.emulator import running_store
from tests.servers.local import NEAR, Answer, LocalServer, local_server
from tests.symbols.programs import SYM, SYM_CODE_ID, SYM_DEBUG_ID
from tests.symbols.sources.lzx_packer import lzx_cabinet
from tests.symbols.sources.modules import MAC
from tests.symbols.sources.test_cab import cabinet
from tests.symbols.unwind_data.windows_programs import carried_programs
from tests.synth.macho import DSYM, EXECUTABLE, macho
from tests.synth.pdb import pdb

GUID = "3249d99d-0c40-4931-8610-f4e4fb0b6936"
LIMITS = Limits(seconds=20, silence=5, size=5_000_000)


@dataclass(frozen=True)
class Place:
    """A store without functions: tests do what they would do. Each has a project of its own."""

    settings: Settings
    clients: Clients
    queue: Queue

    def project(self, *sources: Source) -> int:
        project_id = secrets.randbelow(10**9)
        for source in sources:
            ProjectSources(self.settings, self.clients).add(project_id, source)
        return project_id

    def upload(self, project_id: int) -> str:
        """Store an upload of the sample's dump; returns its key."""
        dump = (SAMPLE / "lighthouse.dmp").read_bytes()
        file = Attachment("a.dmp", "application/octet-stream", "event.minidump", len(dump), BytesIO(dump))
        upload = Upload(secrets.token_hex(16), project_id, time.time(), (file,), {}, None)
        return Uploads(self.settings, self.clients).put(upload)

    def symbolicate(self, key: str) -> Event:
        servers = SymbolServerRequests(self.settings, self.clients, self.queue)
        assert Symbolication(self.settings, self.clients, servers).run(key).outcome is Outcome.SYMBOLICATED
        return self.event(key)

    def event(self, key: str) -> Event:
        """The event as it is shown."""
        _, project, _, event_id, _ = key.split("/")
        record = Events(self.settings, self.clients).get(int(project), event_id)
        assert record is not None
        return Candidates(self.settings, self.clients).tell(Event.from_json(record.body), int(project))

    @property
    def fetches(self) -> Fetches:
        return Fetches(self.settings, self.clients)

    def request(self, project_id: int, module: SourceModule, *roles: Role) -> str:
        """Ask for a module without a crash; returns the key."""
        key = fetch_key((module.debug_id, module.code_id))
        assert key is not None
        mark = ProjectSources(self.settings, self.clients).of(project_id).mark
        self.fetches.ask(FetchRequest(project_id, key, module, roles or tuple(Role)), mark, secrets.token_hex(8))
        return key

    def fetch(self, project_id: int, key: str, limits: Limits = LIMITS) -> Fetched:
        return FetchStep(self.settings, self.clients, self.queue, HttpServers(limits, NEAR)).run(project_id, key)

    def known(self, project_id: int, key: str) -> KnownFetch:
        known = self.fetches.get(project_id, key)
        assert known is not None
        return known

    def content(self, key: str) -> bytes:
        found = Objects(self.clients, self.settings.bucket).read(key, 10_000_000)
        assert found is not None
        return found

    def messages(self) -> list[tuple[int, str]]:
        """What is asked of the queue, which is empty then."""
        asked = []
        while got := self.queue.receive(0):
            asked += [wanted for message in got if (wanted := fetch_in(message.body))]
            self.queue.delete(got)
        return asked


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """One in which nobody has symbols of the sample's crash."""
    with new_place() as place:
        yield place


@contextmanager
def new_place() -> Iterator[Place]:
    with running_store() as (settings, clients):
        url = clients.sqs.create_queue(QueueName="files")["QueueUrl"]
        yield Place(settings, clients, Queue(clients, url))


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with local_server() as server:
        yield server


def elf_module() -> SourceModule:
    ((debug_id, code_id),) = identified(SAMPLE / "lighthouse")
    return SourceModule(ModuleFormat.ELF, "lighthouse", "lighthouse", code_id, debug_id)


def identified(path: Path) -> list[tuple[str | None, str | None]]:
    (found,) = identify([path])
    assert not isinstance(found, Exception)
    return found


def windows_program() -> Path:
    return carried_programs("64")[0]


def pe_module() -> SourceModule:
    ((debug_id, code_id),) = identified(windows_program())
    return SourceModule(ModuleFormat.PE, f"C:\\{windows_program().name}", "C:\\build\\game.pdb", code_id, debug_id)


def pdb_module() -> SourceModule:
    return replace(pe_module(), debug_id=f"{GUID}-1b")


FILES: dict[FileType, tuple[Callable[[], SourceModule], Callable[[], bytes]]] = {
    FileType.ELF_CODE: (elf_module, (SAMPLE / "lighthouse").read_bytes),
    FileType.ELF_DEBUG: (elf_module, (SAMPLE / "lighthouse").read_bytes),
    FileType.PE: (pe_module, lambda: windows_program().read_bytes()),
    FileType.PDB: (pdb_module, lambda: pdb(UUID(GUID), 0x1B)),
    FileType.MACH_CODE: (lambda: MAC, lambda: macho(UUID(GUID), EXECUTABLE)),
    FileType.MACH_DEBUG: (lambda: MAC, lambda: macho(UUID(GUID), DSYM)),
    FileType.BREAKPAD: (
        lambda: SourceModule(ModuleFormat.ELF, "my app", "my app", SYM_CODE_ID, SYM_DEBUG_ID),
        lambda: SYM,
    ),
}
LAYOUTS = [(layout, kind) for layout in Layout for kind, (module, _) in FILES.items() if paths(module(), kind, layout)]


def role_of(kind: FileType) -> Role:
    return Role.CODE if kind in (FileType.ELF_CODE, FileType.PE, FileType.MACH_CODE) else Role.DEBUG


@pytest.mark.parametrize(("layout", "kind"), LAYOUTS, ids=str)
@pytest.mark.parametrize("root", ["http", "s3"])
def test_a_file_is_fetched_from_each_layout(
    place: Place, server: LocalServer, layout: Layout, kind: FileType, root: str
) -> None:
    make_module, content = FILES[kind]
    module = make_module()
    path = paths(module, kind, layout)[0]
    url = f"{server.url}/store"
    if root == "s3":
        url = f"s3://our-symbols/{layout}-{kind}"
        place.clients.s3.create_bucket(Bucket="our-symbols")
        place.clients.s3.put_object(Bucket="our-symbols", Key=f"{layout}-{kind}/{path}", Body=content())
    else:
        server.files[f"/store/{path}"] = content()
    project = place.project(Source("ours", url, layout, (kind,)))
    done = place.fetch(project, place.request(project, module, role_of(kind)))
    assert [attempt.status for attempt in done.attempts] == [FetchStatus.FOUND], done.attempts
    assert place.content(done.keys[0]) == content()
    assert done.attempts[0].location.startswith(url)


def test_there_is_a_file_for_every_layout() -> None:
    assert {layout for layout, _ in LAYOUTS} == set(Layout)


PACKED: dict[str, tuple[str, Callable[[bytes], bytes], dict[str, str]]] = {
    "cab": ("game.pd_", cabinet, {}),
    "cab with LZX": ("game.pd_", lzx_cabinet, {}),
    "cab with a coding": ("game.pd_", lambda c: gzip.compress(cabinet(c)), {"Content-Encoding": "gzip"}),
    "gzip": ("game.pdb", gzip.compress, {}),
    "coding": ("game.pdb", gzip.compress, {"Content-Encoding": "gzip"}),
    "zstd": ("game.pdb", zstandard.compress, {}),
}


@pytest.mark.parametrize("how", PACKED)
def test_a_packed_file_is_unpacked(place: Place, server: LocalServer, how: str) -> None:
    name, pack, headers = PACKED[how]
    folder = f"/game.pdb/{GUID.replace('-', '').upper()}1b"
    server.files[f"{folder}/{name}"] = Answer(pack(pdb(UUID(GUID), 0x1B)), headers=headers)
    project = place.project(Source("ours", server.url, Layout.SYMSTORE))
    done = place.fetch(project, place.request(project, pdb_module(), Role.DEBUG))
    assert place.content(done.keys[0]) == pdb(UUID(GUID), 0x1B)
    assert done.keys[0].endswith("/game.pdb")


def test_a_crash_gets_its_symbols_from_a_server(server: LocalServer) -> None:
    """From the crash to the names, with what the queue and S3 would do in between done by hand."""
    with new_place() as place:
        server.files[f"/buildid/{elf_module().code_id}/debuginfo"] = (SAMPLE / "lighthouse").read_bytes()
        project = place.project(Source("ours", server.url, Layout.DEBUGINFOD))
        key = place.upload(project)
        early = image(place.symbolicate(key))
        assert (early.debug_status, early.candidates) == ("missing", (ABSENT,))
        assert "symbol servers are being asked" in str(early.reason)
        asked = place.messages()
        assert len(asked) == len(set(asked)) > 2, "the system's libraries are asked for too"

        fetched = [name for wanted in asked for name in place.fetch(*wanted).keys]
        (debug_file,) = fetched
        assert "with which the crash is symbolicated again" in str(image(place.event(key)).reason)
        assert Compilation(place.settings, place.clients).run(debug_file).entries
        event = place.symbolicate(key)
        assert event.title == "Lamp::dim_to"
        assert [one.download.status for one in image(event).candidates or ()] == ["ok", "notfound"]
        assert "no symbol server has one" in str(image(event, "libc.so.6").reason)
        assert place.messages() == [], "what is known is not asked for again"


def test_a_file_that_a_server_gave_is_named_once_with_what_it_served(server: LocalServer, tmp_path: Path) -> None:
    program, companion = tmp_path / "lighthouse", tmp_path / "lighthouse.debug"
    subprocess.run(["strip", "-o", program, SAMPLE / "lighthouse"], check=True)
    subprocess.run(["objcopy", "--only-keep-debug", SAMPLE / "lighthouse", companion], check=True)
    for part, path in (("debuginfo", companion), ("executable", program)):
        server.files[f"/buildid/{elf_module().code_id}/{part}"] = path.read_bytes()
    with new_place() as place:
        project = place.project(Source("ours", server.url, Layout.DEBUGINFOD))
        key = place.upload(project)
        place.symbolicate(key)
        for debug_file in [name for wanted in place.messages() for name in place.fetch(*wanted).keys]:
            assert Compilation(place.settings, place.clients).run(debug_file).entries
        names, unwinding = image(place.symbolicate(key)).candidates or ()
    assert (names.source, names.location.rpartition("/")[2]) == ("ours", "debuginfo")
    assert names.debug == CandidateUse(status="ok") and names.unwind is None
    assert (unwinding.source, unwinding.location.rpartition("/")[2]) == ("ours", "executable")
    assert unwinding.unwind == CandidateUse(status="ok") and unwinding.debug is None
    assert unwinding.download.features and unwinding.download.features.has_unwind_info


def image(event: Event, name: str = "lighthouse") -> Image:
    return next(one for one in event.debug_meta.images if one.name == name)


def test_many_crashes_ask_once(place: Place, server: LocalServer) -> None:
    project = place.project(Source("ours", server.url, Layout.DEBUGINFOD))
    for _ in range(3):
        place.symbolicate(place.upload(project))
    asked = place.messages()
    assert len(asked) == len(set(asked)) > 2
    for wanted in asked:
        place.fetch(*wanted)
    requests = len(server.asked)
    place.symbolicate(place.upload(project))
    assert place.messages() == []
    for wanted in asked:
        assert place.fetch(*wanted) == Fetched(), "a message that comes twice asks nothing"
    assert len(server.asked) == requests


def test_the_upload_that_asked_asks_again_when_its_message_was_lost(place: Place, server: LocalServer) -> None:
    project = place.project(Source("ours", server.url, Layout.DEBUGINFOD))
    key = place.upload(project)
    place.symbolicate(key)
    lost = place.messages()
    place.symbolicate(key)
    assert sorted(place.messages()) == sorted(lost)


def test_made_up_ids_make_no_flood(place: Place, server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    project = place.project(Source("ours", server.url, Layout.DEBUGINFOD))
    monkeypatch.setattr(fetches, "PER_HOUR", 5)
    place.symbolicate(place.upload(project))
    assert place.messages()
    ProjectSources(place.settings, place.clients).add(project, Source("more", server.url, Layout.UNIFIED))
    place.symbolicate(place.upload(project))
    assert place.messages() == [], "all would be asked for anew"


def test_a_project_without_servers_asks_nobody(place: Place) -> None:
    place.symbolicate(place.upload(place.project()))
    place.symbolicate(place.upload(place.project(BUILT_IN["microsoft"])))
    assert place.messages() == [], "Microsoft has nothing for Linux"


def test_another_server_is_asked_at_once(place: Place, server: LocalServer) -> None:
    """What is known of the servers before stays known: they are not asked again for it."""
    with local_server() as late:
        project = place.project(Source("first", server.url, Layout.DEBUGINFOD))
        place.symbolicate(place.upload(project))
        for wanted in place.messages():
            place.fetch(*wanted)
        requests = len(server.asked)
        late_source = Source("late", late.url, Layout.DEBUGINFOD)
        ProjectSources(place.settings, place.clients).add(project, late_source)
        place.symbolicate(place.upload(project))
        asked = place.messages()
        assert len(asked) > 2
        for wanted in asked:
            place.fetch(*wanted)
        assert len(server.asked) == requests
        assert len(late.asked) == requests


def test_the_first_server_that_has_it_is_enough(place: Place, server: LocalServer) -> None:
    module, content = elf_module(), (SAMPLE / "lighthouse").read_bytes()
    with local_server() as second:
        for one in (server, second):
            one.files[f"/buildid/{module.code_id}/debuginfo"] = content
        sources = [Source(str(number), s.url, Layout.DEBUGINFOD) for number, s in enumerate((server, second))]
        project = place.project(*sources)
        done = place.fetch(project, place.request(project, module))
        assert (len(server.asked), len(second.asked)) == (2, 1), "for the program; the debug file was there"
    assert [attempt.status for attempt in done.attempts].count(FetchStatus.FOUND) == 1


def test_breakpads_text_makes_the_program_needless(place: Place, server: LocalServer) -> None:
    module = FILES[FileType.BREAKPAD][0]()
    server.files[f"/{paths(module, FileType.BREAKPAD, Layout.UNIFIED)[0]}"] = SYM
    project = place.project(Source("ours", server.url, Layout.UNIFIED))
    done = place.fetch(project, place.request(project, module))
    assert [attempt.file_type for attempt in done.attempts] == [FileType.ELF_DEBUG, FileType.BREAKPAD]
    assert done.keys[0].endswith("/my app.sym")


REFUSALS: dict[str, tuple[Answer, FetchStatus, str, str]] = {
    "another file": (Answer(SYM), FetchStatus.WRONG_ID, "another id", "malformed"),
    "a web page": (Answer(b"<html>Not here"), FetchStatus.MALFORMED, "no debug file", "malformed"),
    "nothing": (Answer(b""), FetchStatus.MALFORMED, "no debug file", "malformed"),
    "damaged": (Answer(b"\x7fELF" + bytes(60)), FetchStatus.MALFORMED, "cannot be read", "malformed"),
    "a bad cabinet": (Answer(b"MSCF" + bytes(60)), FetchStatus.MALFORMED, "cannot be unpacked", "malformed"),
    "too large": (Answer(bytes(5_000_001)), FetchStatus.TOO_LARGE, "5000000 bytes", "fetching_failed"),
    "a closed door": (Answer(b"", 403), FetchStatus.FORBIDDEN, "403", "missing"),
    "trouble": (Answer(b"", 503), FetchStatus.FAILED, "503", "fetching_failed"),
    "slow": (Answer(b"", 504), FetchStatus.TIMED_OUT, "504", "timeout"),
    "a way inside": (
        Answer(b"", 302, {"Location": "http://169.254.169.254/latest/meta-data/"}),
        FetchStatus.REFUSED,
        "no public address",
        "fetching_failed",
    ),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_what_is_no_file_has_its_reason_and_the_event_says_it(place: Place, server: LocalServer, what: str) -> None:
    answer, status, words, image_status = REFUSALS[what]
    server.files[f"/buildid/{elf_module().code_id}/debuginfo"] = answer
    project = place.project(Source("ours", server.url, Layout.DEBUGINFOD))
    key = place.upload(project)
    place.symbolicate(key)
    for wanted in place.messages():
        assert place.fetch(*wanted).keys == ()
    known = place.fetches.find(project, [(elf_module().debug_id, elf_module().code_id)])
    (attempt, *_) = next(iter(known.values())).attempts
    assert attempt.status is status
    assert words in str(attempt.details)
    shown = image(place.event(key))
    assert shown.debug_status == shown.unwind_status == image_status
    assert (shown.candidates or ())[1].download.details == attempt.details
    assert (shown.candidates or ())[1].location == f"{server.url}/buildid/{elf_module().code_id}/debuginfo"


def test_a_server_in_trouble_is_left_alone(place: Place, server: LocalServer) -> None:
    module = pdb_module()
    server.files[f"/{paths(module, FileType.PDB, Layout.SYMSTORE)[0]}"] = Answer(b"", 500)
    project = place.project(Source("ours", server.url, Layout.SYMSTORE))
    done = place.fetch(project, place.request(project, module))
    assert len(server.asked) == 1
    assert len(done.attempts) == 4
    assert place.known(project, place.request(project, module)).counts_until < time.time() + SOON + 1


def test_trouble_that_passes_is_waited_for(place: Place, server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a message that comes later: no other crash may come for a long time."""
    monkeypatch.setattr(fetch_symbols, "SOON", 0)
    project = place.project(Source("ours", server.url, Layout.UNIFIED))
    address = f"/{paths(elf_module(), FileType.ELF_CODE, Layout.UNIFIED)[0]}"
    server.files[address] = Answer(b"", 503)
    key = place.request(project, elf_module(), Role.CODE)
    place.fetch(project, key)
    assert place.messages() == [(project, key)]
    server.files[address] = (SAMPLE / "lighthouse").read_bytes()
    assert place.fetch(project, key).keys
    assert place.messages() == []


def test_trouble_that_does_not_pass_is_given_up(
    place: Place, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_symbols, "SOON", 0)
    project = place.project(Source("ours", server.url, Layout.UNIFIED))
    server.files[f"/{paths(elf_module(), FileType.ELF_CODE, Layout.UNIFIED)[0]}"] = Answer(b"", 503)
    key, tries = place.request(project, elf_module(), Role.CODE), 0
    asked = [(project, key)]
    while asked:
        place.fetch(*asked[0])
        tries, asked = tries + 1, place.messages()
    assert tries == TRIES
    place.request(project, elf_module(), Role.CODE)
    place.fetch(project, key)
    assert place.messages() == [(project, key)], "another crash is a reason to try again"


def test_what_was_found_and_cannot_be_compiled_is_told(server: LocalServer) -> None:
    server.files[f"/buildid/{elf_module().code_id}/debuginfo"] = (SAMPLE / "lighthouse").read_bytes()
    with new_place() as place:
        project = place.project(Source("ours", server.url, Layout.DEBUGINFOD))
        key = place.upload(project)
        place.symbolicate(key)
        (debug_file,) = [name for wanted in place.messages() for name in place.fetch(*wanted).keys]
        failure = CompileFailure(debug_file, SymbolStatus.MALFORMED, "It took too much memory.", 1, time.time())
        SymbolIndex(place.settings, place.clients).put_failure(failure)
        shown = image(place.event(key))
    assert shown.debug_status == "malformed"
    assert (shown.candidates or ())[1].download.details == "It took too much memory."


SHOWN = Credentials(CredentialKind.BEARER, None, 1_800_000_000.5)


def test_a_private_server_is_asked_again_with_other_credentials(place: Place, server: LocalServer) -> None:
    """And one that has said what it has is not: what is forgotten is only what was said to the old ones."""
    module, content = elf_module(), (SAMPLE / "lighthouse").read_bytes()
    server.wants = {"Authorization": "Bearer sesame"}
    server.files[f"/buildid/{module.code_id}/executable"] = content
    with local_server() as open_server:
        private = Source("ours", server.url, Layout.DEBUGINFOD, credentials=SHOWN)
        project = place.project(Source("first", open_server.url, Layout.DEBUGINFOD))
        sources = ProjectSources(place.settings, place.clients)
        sources.add(project, private, "wrong")
        done = place.fetch(project, place.request(project, module, Role.CODE))
        assert [attempt.status for attempt in done.attempts] == [FetchStatus.MISSING, FetchStatus.FORBIDDEN]
        assert "does not take the credentials" in str(done.attempts[1].details)
        assert server.headers[-1]["Authorization"] == "Bearer wrong"
        assert place.fetch(project, place.request(project, module, Role.CODE)) == Fetched(), "a no counts"
        sources.change_credentials(project, "ours", replace(SHOWN, changed=1_800_000_001.0), "sesame")
        done = place.fetch(project, place.request(project, module, Role.CODE))
        assert [attempt.status for attempt in done.attempts] == [FetchStatus.FOUND]
        assert len(open_server.asked) == 1
    sources.change_credentials(project, "ours", replace(SHOWN, changed=1_800_000_002.0), "other")
    place.fetch(project, place.request(project, module, Role.CODE))
    assert len(server.asked) == 2, "a file that is there is not fetched again"


def test_an_upload_that_was_refused_is_named_once_the_credentials_are_right(server: LocalServer) -> None:
    """The crash that found a closed door waits; the next one of the program asks with the new credentials."""
    server.wants = {"Authorization": "Bearer sesame"}
    server.files[f"/buildid/{elf_module().code_id}/debuginfo"] = (SAMPLE / "lighthouse").read_bytes()
    with new_place() as place:
        project, sources = place.project(), ProjectSources(place.settings, place.clients)
        sources.add(project, Source("ours", server.url, Layout.DEBUGINFOD))
        first = place.upload(project)
        place.symbolicate(first)
        for wanted in place.messages():
            place.fetch(*wanted)
        assert "it wants credentials" in str(image(place.event(first)).candidates)
        sources.change_credentials(project, "ours", SHOWN, "sesame")
        place.symbolicate(place.upload(project))
        (key,) = [name for wanted in place.messages() for name in place.fetch(*wanted).keys]
        (entry,) = Compilation(place.settings, place.clients).run(key).entries
        waiters = WaitingCrashes(place.settings, place.clients).waiting_for(ids_of(entry), time.time() + 1, 10)
        assert first in {waiter.upload_key for waiter in waiters}


def test_a_source_whose_secret_is_gone_is_not_asked(place: Place, server: LocalServer) -> None:
    project = place.project()
    ProjectSources(place.settings, place.clients).add(
        project, Source("ours", server.url, Layout.DEBUGINFOD, credentials=SHOWN), "sesame"
    )
    SourceSecrets(place.settings, place.clients).remove(project, "ours")
    done = place.fetch(project, place.request(project, elf_module(), Role.CODE))
    assert [attempt.status for attempt in done.attempts] == [FetchStatus.FORBIDDEN]
    assert "`cairn sources update ours`" in str(done.attempts[0].details)
    assert server.asked == []


def ids_of(entry: SymbolEntry) -> ModuleIds:
    return entry.debug_id, entry.code_id


def test_a_bucket_says_why_it_gives_nothing(place: Place) -> None:
    module = elf_module()
    place.clients.s3.create_bucket(Bucket="empty-symbols")
    sources = [Source(name, f"s3://{name}/x", Layout.UNIFIED) for name in ("empty-symbols", "nobodys-symbols")]
    project = place.project(*sources)
    done = place.fetch(project, place.request(project, module, Role.CODE))
    assert [attempt.status for attempt in done.attempts] == [FetchStatus.MISSING, FetchStatus.FAILED]
    assert "there is no bucket nobodys-symbols" in str(done.attempts[1].details)


def test_an_object_may_be_too_large(place: Place) -> None:
    module = elf_module()
    place.clients.s3.create_bucket(Bucket="large-symbols")
    key = paths(module, FileType.ELF_CODE, Layout.UNIFIED)[0]
    place.clients.s3.put_object(Bucket="large-symbols", Key=key, Body=bytes(LIMITS.size + 1))
    project = place.project(Source("ours", "s3://large-symbols", Layout.UNIFIED))
    done = place.fetch(project, place.request(project, module, Role.CODE))
    assert [attempt.status for attempt in done.attempts] == [FetchStatus.TOO_LARGE]


def test_misses_count_for_a_day_at_large_servers_and_an_hour_at_ones_own() -> None:
    own = Source("ours", "https://symbols.example", Layout.SSQP)
    assert seconds_of(FetchStatus.MISSING, own) == HOUR
    assert seconds_of(FetchStatus.MISSING, BUILT_IN["debian"]) == DAY
    assert seconds_of(FetchStatus.TIMED_OUT, BUILT_IN["debian"]) == SOON
    assert seconds_of(FetchStatus.WRONG_ID, own) == DAY


def test_a_request_that_is_gone_asks_nobody(place: Place) -> None:
    assert place.fetch(5, "debug_id#0123456789abcdef0123456789abcdef0") == Fetched()


def test_what_a_terminal_would_obey_is_not_kept() -> None:
    assert printable("a\x1b[2Jb\nc") == "a?[2Jb?c"
