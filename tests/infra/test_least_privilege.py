"""Whether the roles allow what the functions do: the emulator enforces them, and a crash goes all the way."""

from __future__ import annotations

import hashlib
import http.client
import json
import subprocess
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, TypeVar

import boto3
import botocore.session
import pytest
from botocore.exceptions import ClientError

from cairn.crash.event import Event
from cairn.intake.limits import MIB, Limits
from cairn.intake.rules import Filter, FilterKind
from cairn.intake.upload import Upload
from cairn.pipeline.accepting.accept import accept
from cairn.pipeline.accepting.finish_uploads import FINISH_UPLOADS
from cairn.pipeline.accepting.intake_stores import Stores
from cairn.pipeline.symbolicating.symbolicate import WHOLE_DUMP
from cairn.privacy.settings import Privacy
from cairn.store.aws import Clients
from cairn.store.crashes.dumps import Dumps
from cairn.store.crashes.event_files import EventFiles
from cairn.store.crashes.events import EventRecord, Events
from cairn.store.crashes.notes import Notes
from cairn.store.crashes.uploads import Uploads
from cairn.store.outcomes import Outcomes
from cairn.store.projects import Projects
from cairn.store.settings import Settings
from cairn.store.sources import ProjectSources
from cairn.store.symbols.candidates import ids_of
from cairn.store.symbols.chunks import CHUNK_SIZE
from cairn.store.symbols.debug_files import DebugFiles
from cairn.store.symbols.fetches import Fetches
from cairn.store.symbols.hot_sets import HotSets
from cairn.store.symbols.symbol_index import SymbolIndex
from cairn.store.table import Table
from cairn.store.tokens import ApiTokens
from cairn.symbols.sources.records import CredentialKind, Credentials, Layout, Source
from cairn_cli.local.deploy import STACK, deploy
from infra.bundling import ROOT, Target, build
from infra.large_uploads import BUNDLES
from infra.template import TEMPLATE, localize, synthesize
from tests.emulator import start_emulator
from tests.infra.test_large_uploads import CONTEXT
from tests.infra.test_stack import listed
from tests.intake.clients import request
from tests.servers.local import local_server
from tests.symbols.programs import SYM, large_symbols
from tests.symbols.source_code.source_bundles import sample_bundle

SAMPLE = ROOT / "cli/cairn_cli/demo/sample"
PATIENCE = 45.0
T = TypeVar("T")


@dataclass(frozen=True)
class Deployed:
    """The stack on an emulator that enforces roles, and what tests ask of it."""

    endpoint: str
    clients: Clients
    outputs: dict[str, str]
    bundles: tuple[str, str]
    """The bucket of the bundles, and what their keys begin with."""

    def calls(self, function: str) -> int:
        """How many calls of the function with this word in its log group's name are over."""
        logs: Any = boto3.client("logs", endpoint_url=self.endpoint)
        groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
        named = [name for name in groups if function in name]
        pages = [logs.filter_log_events(logGroupName=name)["events"] for name in named]
        return sum(event["message"].startswith("REPORT") for page in pages for event in page)

    @property
    def settings(self) -> Settings:
        return Settings.from_outputs(self.outputs)

    def new_key(self) -> tuple[int, str]:
        projects = Projects(self.settings, self.clients)
        project = projects.create(f"project-{time.monotonic_ns()}", "Lighthouse")
        return project.id, projects.create_key(project.id, "test").public_key

    def post(self, body: bytes) -> str:
        """Send a minidump, and give the event id."""
        return self.send(body, *self.new_key())

    def send(self, body: bytes, project: int, key: str) -> str:
        """Send a minidump with this key."""
        part = b'--x\r\nContent-Disposition: form-data; name="upload_file_minidump"; filename="a.dmp"\r\n\r\n'
        request = urllib.request.Request(
            f"{self.endpoint}/api/{project}/minidump/?sentry_key={key}",
            part + body + b"\r\n--x--\r\n",
            {"Host": self.host, "Content-Type": "multipart/form-data; boundary=x"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return str(answer.read().decode()).strip()

    def tus(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> dict[str, str]:
        """A request with these headers and no others, and the headers of its answer."""
        connection = http.client.HTTPConnection(self.endpoint.partition("//")[2], timeout=30)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        assert answer.status in (200, 201, 204), content
        return {name.lower(): value for name, value in answer.getheaders()}

    def step(self, project: int, key: str, path: str, body: Any = None) -> Any:
        """A step of an upload in steps."""
        address = f"{self.endpoint}/api/{project}/minidump/uploads/{path}?sentry_key={key}"
        headers = {"Host": self.host, "Content-Type": "application/json"}
        request = urllib.request.Request(address, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    @property
    def host(self) -> str:
        """By which the emulator knows the API."""
        return self.outputs["Endpoint"].partition("//")[2].partition(":")[0]

    def api(self, token: str, path: str, body: bytes | None = None, content_type: str = "application/json") -> Any:
        """Call the debug-file API."""
        headers = {"Host": self.host, "Authorization": f"Bearer {token}", "Content-Type": content_type}
        request = urllib.request.Request(f"{self.endpoint}/api/0/{path}", body, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def as_role(self, policy: dict[str, Any]) -> Clients:
        """Clients with the rights of a new role that has this policy."""
        name, trusted = (
            f"role-{time.monotonic_ns()}",
            {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"},
        )
        iam: Any = boto3.client("iam", endpoint_url=self.endpoint)
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trusted]}))["Role"][
            "Arn"
        ]
        iam.put_role_policy(RoleName=name, PolicyName="policy", PolicyDocument=json.dumps(policy))
        sts: Any = boto3.client("sts", endpoint_url=self.endpoint)
        given = sts.assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        session = botocore.session.Session()
        session.set_credentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        return Clients(self.endpoint, session)

    def arn(self, resource: str) -> str:
        """The ARN of a bucket or table by its logical id."""
        described = self.clients.cloudformation.describe_stack_resource(StackName=STACK, LogicalResourceId=resource)
        detail = described["StackResourceDetail"]
        name = detail["PhysicalResourceId"]
        is_bucket = detail["ResourceType"] == "AWS::S3::Bucket"
        return f"arn:aws:s3:::{name}" if is_bucket else f"arn:aws:dynamodb:us-east-1:000000000000:table/{name}"

    def event(self, event_id: str) -> EventRecord:
        return soon(lambda: Events(self.settings, self.clients).find(event_id))


def soon(look: Callable[[], T | None]) -> T:
    """What ``look`` finds, once it finds something."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, f"nothing after {PATIENCE} s"
        time.sleep(0.1)
    return found


@pytest.fixture(scope="module")
def deployed() -> Iterator[Deployed]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTH", "true")
        with start_emulator() as emulator:
            for name, value in emulator.environment.items():
                patch.setenv(name, value)
            clients = Clients(emulator.endpoint)
            zips = build(Target.local(), report=lambda _: None).values()
            done = deploy(clients, TEMPLATE.read_text(), list(zips), print)
            bucket, _, prefix = done.bundles.removeprefix("s3://").partition("/")
            yield Deployed(emulator.endpoint, clients, done.outputs, (bucket, prefix))


def test_a_crash_goes_all_the_way(deployed: Deployed) -> None:
    early = deployed.post((SAMPLE / "lighthouse.dmp").read_bytes())
    assert deployed.event(early).title != "Lamp::dim_to"
    DebugFiles(deployed.settings, deployed.clients).put(SAMPLE / "lighthouse", "lighthouse")
    soon(SymbolIndex(deployed.settings, deployed.clients).list)
    record = deployed.event(deployed.post((SAMPLE / "lighthouse.dmp").read_bytes()))
    assert record.status == "symbolicated"
    assert record.title == "Lamp::dim_to"
    soon(lambda: deployed.event(early).title == "Lamp::dim_to")
    assert json.loads(record.body)["cairn"]["facts"]["instruction"]["text"] == "mov dword ptr [rax + 0x10], ebp"


def test_a_crash_comes_in_steps(deployed: Deployed) -> None:
    project, key = deployed.new_key()
    dump = (SAMPLE / "lighthouse.dmp").read_bytes()
    begun = deployed.step(project, key, "", {"name": "a.dmp", "size": len(dump)})
    urllib.request.urlopen(urllib.request.Request(begun["parts"][0]["url"], dump, method="PUT"), timeout=30).close()
    assert deployed.step(project, key, f"{begun['id']}/")["received"] == len(dump)
    for _ in range(2):
        assert deployed.step(project, key, f"{begun['id']}/commit/") == {"id": begun["event_id"]}
    assert deployed.event(begun["event_id"]).status == "symbolicated"

    wrong = deployed.step(project, key, "", {"name": "a.dmp", "size": 4})
    urllib.request.urlopen(urllib.request.Request(wrong["parts"][0]["url"], b"MZ..", method="PUT"), timeout=30).close()
    for status in (400, 404):
        with pytest.raises(urllib.error.HTTPError, match=str(status)):
            deployed.step(project, key, f"{wrong['id']}/commit/")


def test_the_schedule_finds_the_uploads_that_were_left_behind(deployed: Deployed) -> None:
    """None is old enough. To commit one takes the rights that a client's commit takes."""
    project, key = deployed.new_key()
    deployed.step(project, key, "", {"name": "a.dmp", "size": 4})
    functions: Any = boto3.client("lambda", endpoint_url=deployed.endpoint)
    (name,) = [
        one["FunctionName"] for one in functions.list_functions()["Functions"] if "Ingest" in one["FunctionName"]
    ]
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(FINISH_UPLOADS).encode())
    assert "FunctionError" not in answer
    assert json.loads(answer["Payload"].read()) == {"finished": 0}


def test_a_large_dump_is_scrubbed_where_there_is_room_for_it(deployed: Deployed) -> None:
    project, key = deployed.new_key()
    dump = (SAMPLE / "lighthouse.dmp").read_bytes() + bytes(WHOLE_DUMP) + b" canary@example.com "
    begun = deployed.step(project, key, "", {"name": "a.dmp", "size": len(dump)})
    for part in begun["parts"]:
        body = dump[part["offset"] : part["offset"] + part["size"]]
        urllib.request.urlopen(urllib.request.Request(part["url"], body, method="PUT"), timeout=30).close()
    deployed.step(project, key, f"{begun['id']}/commit/")
    event_id = deployed.event(begun["event_id"]).event_id
    dumps = Dumps(deployed.settings, deployed.clients)
    soon(lambda: (noted := dumps.noted(project, event_id)) and noted.state == "scrubbed")
    (kept,) = EventFiles(deployed.settings, deployed.clients).of(project, event_id) or ()
    content = Uploads(deployed.settings, deployed.clients).read(kept.file.key, len(dump))
    assert content is not None and len(content) == len(dump) and b"canary" not in content


def test_an_attachment_comes_before_its_envelope(deployed: Deployed) -> None:
    project, key = deployed.new_key()
    dump = (SAMPLE / "lighthouse.dmp").read_bytes()
    common = {"Host": deployed.host, "Tus-Resumable": "1.0.0", "X-Sentry-Auth": f"Sentry sentry_key={key}"}
    place = deployed.tus("POST", f"/api/{project}/upload/", common | {"Upload-Length": str(len(dump))})["location"]
    piece = common | {"Content-Type": "application/offset+octet-stream"}
    for start, end in ((0, 5000), (5000, len(dump))):
        deployed.tus("PATCH", place, piece | {"Upload-Offset": str(start)}, dump[start:end])
    event_id = f"{time.monotonic_ns():032x}"
    reference = json.dumps({"location": place})
    kind = '"type":"attachment","attachment_type":"event.minidump"'
    body = (
        f'{{"event_id":"{event_id}"}}\n'
        f'{{{kind},"content_type":"application/vnd.sentry.attachment-ref+json"}}\n{reference}\n'
    )
    deployed.tus("POST", f"/api/{project}/envelope/", piece | {"Content-Type": "application/x-y"}, body.encode())
    assert deployed.event(event_id).status == "symbolicated"


def test_dumps_are_scrubbed_and_those_that_are_too_many_removed(deployed: Deployed) -> None:
    dump = (SAMPLE / "lighthouse.dmp").read_bytes() + b" canary@example.com "
    uploads, projects = Uploads(deployed.settings, deployed.clients), Projects(deployed.settings, deployed.clients)
    project, key = deployed.new_key()
    projects.set_privacy(project, Privacy(dumps="newest=1"))
    first = deployed.event(deployed.send(dump, project, key))
    stored = first.upload_key.replace("upload.json", "dump")
    kept = uploads.read(stored, len(dump))
    assert kept is not None and len(kept) == len(dump) and b"canary" not in kept
    deployed.send(dump, project, key)
    soon(lambda: uploads.read(stored, len(dump)) is None)


def test_what_came_unscrubbed_is_scrubbed_later(deployed: Deployed) -> None:
    uploads, (project, _) = Uploads(deployed.settings, deployed.clients), deployed.new_key()
    key = uploads.put(Upload(f"{time.monotonic_ns():032x}", project, time.time(), (), {"message": "jane@example.com"}))
    soon(lambda: (kept := uploads.get(key)) and kept.event == {"message": "[email]"})


def test_a_dump_is_given_to_who_may_have_it(deployed: Deployed) -> None:
    dump = (SAMPLE / "lighthouse.dmp").read_bytes()
    project, key = deployed.new_key()
    event_id = deployed.event(deployed.send(dump, project, key)).event_id
    token, _ = ApiTokens(deployed.settings, deployed.clients).create(deployed.endpoint, "test", ["event:read"])
    files = f"projects/cairn/{project}/events/{event_id}/attachments/"
    assert [one["id"] for one in deployed.api(token, files)] == ["dump"]
    connection = HTTPConnection(deployed.endpoint.removeprefix("http://"), timeout=30)
    headers = {"Host": deployed.host, "Authorization": f"Bearer {token}"}
    connection.request("GET", f"/api/0/{files}dump/?download", headers=headers)
    with connection.getresponse() as answer:
        place = answer.headers["Location"]
    connection.close()
    with urllib.request.urlopen(place, timeout=30) as answer:
        assert len(answer.read()) == len(dump)


def test_a_debug_file_comes_in_chunks(deployed: Deployed) -> None:
    content = (SAMPLE / "lighthouse").read_bytes() + bytes(9_000_000)
    chunks = [content[start : start + CHUNK_SIZE] for start in range(0, len(content), CHUNK_SIZE)]
    names = [hashlib.sha1(chunk).hexdigest() for chunk in chunks]
    whole = hashlib.sha1(content).hexdigest()
    request = json.dumps({whole: {"name": "lighthouse", "chunks": names}}).encode()
    tokens = ApiTokens(deployed.settings, deployed.clients)
    token, _ = tokens.create(deployed.endpoint, "test", ["project:write"])
    project, _ = deployed.new_key()
    assemble = f"projects/cairn/{project}/files/difs/assemble/"

    assert deployed.api(token, "")["auth"]["scopes"] == ["project:write"]
    assert str(project) in [found["id"] for found in deployed.api(token, "organizations/cairn/projects/")]
    assert deployed.api(token, assemble, request)[whole]["missingChunks"] == list(dict.fromkeys(names))
    for name, chunk in zip(names, chunks, strict=True):
        head = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
        form = head + chunk + b"\r\n--x--\r\n"
        deployed.api(token, "organizations/cairn/chunk-upload/", form, "multipart/form-data; boundary=x")
    done = soon(lambda: (one := deployed.api(token, assemble, request)[whole])["state"] != "assembling" and one)
    assert (done["state"], done["dif"]["size"]) == ("ok", len(content)), done
    listed = deployed.api(token, f"projects/cairn/{project}/files/dsyms/?debug_id={done['dif']['debugId']}")
    assert whole in [file["sha1"] for file in listed]
    assert whole in [file["sha1"] for file in deployed.api(token, f"projects/cairn/{project}/files/dsyms/")]
    assert deployed.api(token, f"projects/cairn/{project}/files/missing/") == []


def test_a_large_symbol_file_gets_a_hot_set(deployed: Deployed, tmp_path: Path) -> None:
    path = tmp_path / "large.sym"
    path.write_bytes(large_symbols())
    DebugFiles(deployed.settings, deployed.clients).put(path, path.name)
    index, sha1 = SymbolIndex(deployed.settings, deployed.clients), hashlib.sha1(path.read_bytes()).hexdigest()
    (entry,) = soon(lambda: index.of_debug_file(sha1))
    assert HotSets(deployed.settings, deployed.clients).get(entry.key).hot


def test_a_debugger_gets_a_file(deployed: Deployed) -> None:
    DebugFiles(deployed.settings, deployed.clients).put(SAMPLE / "lighthouse", "lighthouse")
    entry = soon(SymbolIndex(deployed.settings, deployed.clients).list)[0]
    token, _ = ApiTokens(deployed.settings, deployed.clients).create(deployed.endpoint, "test", ["symbols:read"])
    connection = HTTPConnection(deployed.endpoint.removeprefix("http://"), timeout=30)
    connection.request("GET", f"/symbols/{token}/buildid/{entry.code_id}/executable", headers={"Host": deployed.host})
    answer = connection.getresponse()
    assert answer.status == 302, answer.read()
    with urllib.request.urlopen(answer.headers["location"], timeout=30) as file:
        assert file.read(4) == b"\x7fELF"
    connection.close()


def test_an_archive_is_unpacked_and_removed(deployed: Deployed, tmp_path: Path) -> None:
    content = SYM + b"PUBLIC 9000 0 in_an_archive\n"
    with zipfile.ZipFile(tmp_path / "symbols.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("build/game.sym", content)
    files = DebugFiles(deployed.settings, deployed.clients)
    key = files.put(tmp_path / "symbols.zip", "symbols.zip")
    index, sha1 = SymbolIndex(deployed.settings, deployed.clients), hashlib.sha1(content).hexdigest()
    (entry,) = soon(lambda: index.of_debug_file(sha1))
    assert entry.name == "game.sym"
    soon(lambda: not files.download(key, tmp_path / "gone"))


def test_a_companion_without_a_build_id_is_paired_and_removed(deployed: Deployed, tmp_path: Path) -> None:
    source, program, companion = tmp_path / "game.c", tmp_path / "game", tmp_path / "game.debug"
    source.write_text("int main(int count, char **texts) { return texts[count] != 0; }")
    subprocess.run(["gcc", "-g", "-Wl,--build-id=none", "-o", program, source], check=True)
    subprocess.run(["objcopy", "--only-keep-debug", program, companion], check=True)
    subprocess.run(["objcopy", "--strip-all", f"--add-gnu-debuglink={companion}", program], check=True)
    files, index = DebugFiles(deployed.settings, deployed.clients), SymbolIndex(deployed.settings, deployed.clients)
    key = files.put(companion, companion.name)
    soon(lambda: key in index.failed())
    files.put(program, program.name)
    soon(lambda: not files.download(key, tmp_path / "gone"))
    entries = soon(lambda: [entry for entry in index.list() if entry.name == "game.debug"])
    assert entries[0].features.debug_info
    soon(lambda: key not in index.failed())
    again = files.put(companion, companion.name)
    soon(lambda: not files.download(again, tmp_path / "gone"))


def test_sources_that_come_late_are_shown_and_given_to_debuggers(deployed: Deployed, tmp_path: Path) -> None:
    key = DebugFiles(deployed.settings, deployed.clients).put(SAMPLE / "lighthouse", "lighthouse")
    index = SymbolIndex(deployed.settings, deployed.clients)
    (entry,) = soon(lambda: index.of_debug_file(key.split("/")[1]))
    event_id = deployed.post((SAMPLE / "lighthouse.dmp").read_bytes())
    assert deployed.event(event_id).title == "Lamp::dim_to"
    path = tmp_path / "lighthouse.src.zip"
    path.write_bytes(sample_bundle())
    DebugFiles(deployed.settings, deployed.clients).put(path, path.name)
    soon(lambda: b"context_line" in deployed.event(event_id).body)
    soon(index.are_sources_told)
    token, _ = ApiTokens(deployed.settings, deployed.clients).create(deployed.endpoint, "test", ["symbols:read"])
    connection = HTTPConnection(deployed.endpoint.removeprefix("http://"), timeout=30)
    source = f"/symbols/{token}/buildid/{entry.code_id}/source/src/lighthouse/lighthouse.cpp"
    connection.request("GET", source, headers={"Host": deployed.host})
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, (SAMPLE / "lighthouse.cpp").read_bytes())
    connection.close()


def test_what_an_older_cairn_compiled_is_compiled_again(deployed: Deployed) -> None:
    key = DebugFiles(deployed.settings, deployed.clients).put(SAMPLE / "lighthouse", "lighthouse")
    index = SymbolIndex(deployed.settings, deployed.clients)
    (entry,) = soon(lambda: index.of_debug_file(key.split("/")[1]))
    index.remove(entry)
    index.remove_from_list(entry)
    index.put(replace(entry, version=entry.version - 1))
    event_id = deployed.post((SAMPLE / "lighthouse.dmp").read_bytes())
    soon(lambda: deployed.event(event_id).title == "Lamp::dim_to")


def test_symbol_servers_are_asked(deployed: Deployed, tmp_path: Path) -> None:
    """One on this machine, and buckets that a setting lets be read: of this account and of another, in another region,
    where that account says so too."""
    clients, settings = deployed.clients, deployed.settings
    buckets = "our-symbols,far-symbols,closed-symbols"
    template = localize(synthesize(tmp_path, {"symbol_buckets": buckets})["Cairn"])
    deploy(clients, json.dumps(template), list(build(Target.local(), report=lambda _: None).values()), print)
    for bucket in ("our-symbols", "their-symbols"):
        clients.s3.create_bucket(Bucket=bucket)
    theirs: Any = {"aws_access_key_id": "1" * 12, "aws_secret_access_key": "1"}  # how the emulator knows an account
    far = boto3.client("s3", "eu-west-1", endpoint_url=deployed.endpoint, **theirs)
    for bucket in ("far-symbols", "closed-symbols"):
        far.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    far.put_bucket_policy(Bucket="far-symbols", Policy=json.dumps(readable("far-symbols", by="000000000000")))
    with local_server() as server:
        project, key = deployed.new_key()
        credentials = Credentials(CredentialKind.BEARER, None, time.time())
        web = Source("web", server.url, Layout.UNIFIED, credentials=credentials)
        ProjectSources(settings, clients).add(project, web, "sesame")
        for name in ("our", "their", "far", "closed"):
            ProjectSources(settings, clients).add(project, Source(name, f"s3://{name}-symbols", Layout.UNIFIED))
        dump = (SAMPLE / "lighthouse.dmp").read_bytes()
        event = Event.from_json(deployed.event(deployed.send(dump, project, key)).body)
        ids = [ids_of(image) for image in event.debug_meta.images if image.name == "libc.so.6"]
        fetches = Fetches(settings, clients)
        soon(lambda: any(one.tried for one in fetches.find(project, ids).values()))
        (known,) = fetches.find(project, ids).values()
    assert {headers["Authorization"] for headers in server.headers} == {"Bearer sesame"}
    said = {attempt.source: attempt.status for attempt in known.attempts}
    named = {"our": "missing", "far": "missing", "closed": "forbidden"}
    assert said == {"web": "missing", "their": "forbidden", **named}, known.attempts
    why = {attempt.source: str(attempt.details) for attempt in known.attempts}
    assert "and deploy" in why["their"] and "let its policy allow" in why["closed"]


def readable(bucket: str, by: str) -> dict[str, Any]:
    """A bucket's policy that lets another account read it. The emulator takes all of an account for its root."""
    arn = f"arn:aws:s3:::{bucket}"
    allowed = {"Principal": {"AWS": f"arn:aws:iam::{by}:root"}, "Action": ["s3:GetObject", "s3:ListBucket"]}
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **allowed, "Resource": [arn, f"{arn}/*"]}]}


def test_feedback_and_files_are_kept_for_an_event_that_is_not_there_yet(deployed: Deployed) -> None:
    project, key = deployed.new_key()
    event_id = f"{time.monotonic_ns():032x}"
    report = json.dumps({"event_id": event_id, "comments": "It got dark."})
    body = f'{{"event_id":"{event_id}"}}\n{{"type":"user_report"}}\n{report}\n{{"type":"attachment"}}\npng\n'
    address = f"{deployed.endpoint}/api/{project}/envelope/?sentry_key={key}"
    headers = {"Host": deployed.host, "Content-Type": "application/x-sentry-envelope"}
    with urllib.request.urlopen(urllib.request.Request(address, body.encode(), headers), timeout=30) as answer:
        assert json.loads(answer.read()) == {"id": event_id}
    kept = Notes(deployed.settings, deployed.clients).of(project, event_id)
    assert [said.message for _, said in kept.feedback] == ["It got dark."]
    assert [file.size for file in kept.attachments] == [3]


def test_the_server_for_large_uploads_can_do_its_work_and_no_more(deployed: Deployed, tmp_path: Path) -> None:
    templates = synthesize(tmp_path, CONTEXT)
    clients = deployed.as_role(task_policy(templates, deployed))
    names, (project, key) = deployed.settings, deployed.new_key()
    stores = Stores(Projects(names, clients), Uploads(names, clients), Notes(names, clients))
    dump = b"MDMP" + bytes(20 * MIB - 4)
    auth = f"sentry_key={key}"
    sent = request(dump, {"content-type": "application/x-dmp"}, f"/api/{project}/minidump/", auth)
    answer = accept(sent, stores, Limits(), time.time, lambda: f"{time.monotonic_ns():032x}")
    assert answer.status == 200, answer.error and answer.error.__cause__
    (stored,) = deployed.clients.s3.list_objects_v2(Bucket=names.bucket, Prefix=f"crashes/{project}/")["Contents"][:1]
    assert stored["Size"] == len(dump)
    with pytest.raises(ClientError, match="AccessDenied"):
        clients.s3.get_object(Bucket=names.bucket, Key=stored["Key"])

    note = f'{{"event_id":"{"0e" * 16}"}}\n{{"type":"user_report"}}\n{{"event_id":"{"0e" * 16}","comments":"dark"}}\n'
    sent = request(note.encode(), {}, f"/api/{project}/envelope/", auth)
    assert accept(sent, stores, Limits(), time.time, lambda: "").noted == 1

    for bundle in BUNDLES:
        key = f"{deployed.bundles[1]}{bundle}.zip"
        assert clients.s3.get_object(Bucket=deployed.bundles[0], Key=key)["ContentLength"] > 1000
    with pytest.raises(ClientError, match="AccessDenied"):
        clients.s3.get_object(Bucket=deployed.bundles[0], Key=f"{deployed.bundles[1]}function-ingest.zip")


def task_policy(templates: dict[str, Any], deployed: Deployed) -> dict[str, Any]:
    """What the task of the other stack may do, with the names of this deployment in it."""
    (policy,) = (r for name, r in templates["CairnLargeUploads"]["Resources"].items() if name.startswith("TaskRoleDef"))
    outputs = templates["Cairn"]["Outputs"]
    keys = (f"/{deployed.bundles[1]}{name}.zip" for name in BUNDLES)

    def text(value: Any) -> str:
        match value:
            case {"Fn::Join": [_, parts]}:
                return "".join(map(text, parts))
            case {"Fn::GetStackOutput": {"OutputName": name}}:
                return text(outputs[name]["Value"])
            case {"Fn::GetAtt": [resource, "Arn"]}:
                return deployed.arn(resource)
            case {"Ref": "AWS::Partition"}:
                return "aws"
            case {"Fn::Sub": bucket}:
                assert bucket.startswith("cdk-")
                return deployed.bundles[0]
        return next(keys) if value.endswith(".zip") else str(value)

    statements = policy["Properties"]["PolicyDocument"]["Statement"]
    resolved = [rule | {"Resource": [text(resource) for resource in listed(rule["Resource"])]} for rule in statements]
    return {"Version": "2012-10-17", "Statement": resolved}


def test_a_limit_is_held_and_every_outcome_counted(deployed: Deployed) -> None:
    projects = Projects(deployed.settings, deployed.clients)
    project = projects.create(f"project-{time.monotonic_ns()}", "Lighthouse")
    key = projects.create_key(project.id, "test", daily=1).public_key
    dump = (SAMPLE / "lighthouse.dmp").read_bytes()
    first, second = (deployed.send(dump, project.id, key) for _ in range(2))
    assert first != second
    assert outcomes(deployed, project.id) == {("accepted", ""): 1, ("dropped", "quota:daily"): 1}
    token, _ = ApiTokens(deployed.settings, deployed.clients).create(deployed.endpoint, "test", ["project:read"])
    groups = deployed.api(token, f"organizations/cairn/stats_v2/?project={project.id}")["groups"]
    assert [group["by"]["outcome"] for group in groups] == ["accepted", "rate_limited"]
    deployed.event(first)
    assert Events(deployed.settings, deployed.clients).find(second) is None


def test_a_spike_is_cut_off_by_what_was_before(deployed: Deployed) -> None:
    projects = Projects(deployed.settings, deployed.clients)
    project = projects.create(f"project-{time.monotonic_ns()}", "Lighthouse")
    projects.set_spike_protection(project.id, True)
    deployed.send((SAMPLE / "lighthouse.dmp").read_bytes(), project.id, projects.create_key(project.id, "").public_key)
    table = Table(deployed.clients, deployed.settings.events_table)
    hour = int(time.time() // 3600)
    counted = [table.get(f"limit#project#{project.id}#spike#3600#{h}#0", "count") for h in (hour - 1, hour)]
    assert [row["count"] for row in counted if row] == [1]


def test_a_filter_by_message_drops_what_was_stored(deployed: Deployed) -> None:
    projects = Projects(deployed.settings, deployed.clients)
    project = projects.create(f"project-{time.monotonic_ns()}", "Lighthouse")
    projects.add_filter(project.id, Filter(FilterKind.MESSAGE, "SIGSEGV*"))
    key = projects.create_key(project.id, "").public_key
    event_id = deployed.send((SAMPLE / "lighthouse.dmp").read_bytes(), project.id, key)
    expected = {("dropped", "filtered:message"): 1}
    soon(lambda: outcomes(deployed, project.id) == expected)
    assert Events(deployed.settings, deployed.clients).find(event_id) is None


def outcomes(deployed: Deployed, project_id: int) -> dict[tuple[str, str], int]:
    """How many crashes of a project had each outcome, yesterday and today."""
    today = datetime.now(UTC).date()
    counts = Outcomes(deployed.settings, deployed.clients).between(project_id, today - timedelta(1), today)
    return {(one.outcome.value, one.reason): one.count for one in counts}


def test_without_the_right_to_count_a_crash_is_kept(deployed: Deployed) -> None:
    """Holds that the test above would notice a missing grant, and that counting is worth less than a crash. Which rows
    may be counted is held by the template's own test: the emulator does not look at them."""
    template = json.loads(TEMPLATE.read_text())
    (policy,) = (r for name, r in template["Resources"].items() if name.startswith("IngestRoleDefaultPolicy"))
    document = policy["Properties"]["PolicyDocument"]
    document["Statement"] = [rule for rule in document["Statement"] if rule["Action"] != "dynamodb:UpdateItem"]
    deploy(deployed.clients, json.dumps(template), list(build(Target.local(), report=lambda _: None).values()), print)
    projects = Projects(deployed.settings, deployed.clients)
    project = projects.create(f"project-{time.monotonic_ns()}", "Lighthouse")
    key = projects.create_key(project.id, "test", daily=1).public_key
    sent = [deployed.send((SAMPLE / "lighthouse.dmp").read_bytes(), project.id, key) for _ in range(2)]
    assert outcomes(deployed, project.id) == {}
    assert [deployed.event(event_id).project_id for event_id in sent] == [project.id] * 2


def test_what_a_role_does_not_allow_is_refused(deployed: Deployed) -> None:
    """Holds that the test above would notice a missing grant."""
    template = json.loads(TEMPLATE.read_text())
    (policy,) = (r for name, r in template["Resources"].items() if "SymbolicateRoleDefaultPolicy" in name)
    document = policy["Properties"]["PolicyDocument"]
    document["Statement"] = [rule for rule in document["Statement"] if "dynamodb:PutItem" not in rule["Action"]]
    deploy(deployed.clients, json.dumps(template), list(build(Target.local(), report=lambda _: None).values()), print)
    calls = deployed.calls("Symbolicate")
    event_id = deployed.post((SAMPLE / "lighthouse.dmp").read_bytes())
    soon(lambda: deployed.calls("Symbolicate") > calls)
    assert Events(deployed.settings, deployed.clients).find(event_id) is None
