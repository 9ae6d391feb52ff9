from __future__ import annotations

import os
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from infra import bundling
from infra.bundling import BundlingError, Target, build, bundles, files, is_left_out, write_zip

UNPACKED_LIMIT = 250e6
"""Bytes of a function with all its layers (Lambda quotas)."""
ZIP_LIMIT = 50e6
"""Bytes of a zip that can be uploaded directly (Lambda quotas)."""
AARCH64 = 0xB7
"""e_machine of an ELF file (EM_AARCH64)."""
FUNCTIONS = [bundle.name for bundle in bundles() if bundle.name.startswith("function-")]
SERVICE = "services/large_uploads"
LAMBDA_HAS = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")
"""What the Lambda runtime itself can import: boto3 and its dependencies."""


@pytest.fixture(scope="session")
def local() -> dict[str, Path]:
    return build(Target.local())


@pytest.fixture(scope="session")
def deployed() -> dict[str, Path]:
    return build(Target.deployed())


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small checkout: two layers and a service without wheels, one function, one folder that is no function."""
    folders = ("requirements", "layers/cairn/python/cairn", "functions/ingest", "functions/notes", SERVICE)
    for name in folders:
        (tmp_path / name).mkdir(parents=True)
    for wheels in (*bundling.LAYERS.values(), *bundling.SERVICES.values()):
        (tmp_path / "requirements" / wheels).write_text("")
    (tmp_path / "layers/cairn/python/cairn/__init__.py").write_text("ANSWER = 42\n")
    (tmp_path / "functions/ingest/handler.py").write_text("def handler(event, context):\n    return event\n")
    (tmp_path / SERVICE / "__main__.py").write_text("print('serving')\n")
    return tmp_path


def names(archive: Path) -> list[str]:
    return zipfile.ZipFile(archive).namelist()


def test_a_folder_with_a_handler_is_a_function(checkout: Path) -> None:
    built = [bundle.name for bundle in bundles(checkout)]
    assert built == ["layer-cairn", "layer-debug_files", "function-ingest", "service-large_uploads"]


def test_zips_hold_layers_under_python_functions_at_the_top_and_services_where_they_are(checkout: Path) -> None:
    archives = build(Target.local(), checkout, report=lambda _: None)
    assert "python/cairn/__init__.py" in names(archives["layer-cairn"])
    assert "handler.py" in names(archives["function-ingest"])
    assert f"{SERVICE}/__main__.py" in names(archives["service-large_uploads"])


def test_what_did_not_change_is_not_built_again(checkout: Path) -> None:
    build(Target.local(), checkout, report=lambda _: None)
    (checkout / "functions/ingest/handler.py").write_text("handler = None\n")
    (checkout / "layers/cairn/python/cairn/__pycache__").mkdir()
    (checkout / "layers/cairn/python/cairn/__pycache__/x.pyc").write_bytes(b"left by a test run")
    said: list[str] = []
    build(Target.local(), checkout, said.append)
    unchanged = [line.split()[0] for line in said if "unchanged" in line]
    assert unchanged == ["layer-cairn", "layer-debug_files", "service-large_uploads"]


def test_the_same_content_gives_the_same_bytes(checkout: Path) -> None:
    first = {name: path.read_bytes() for name, path in build(Target.local(), checkout, lambda _: None).items()}
    for stamp in (checkout / "build/local").glob("*.stamp"):
        stamp.unlink()
    for source in checkout.rglob("*.py"):
        os.utime(source, (1, 1))
    second = {name: path.read_bytes() for name, path in build(Target.local(), checkout, lambda _: None).items()}
    assert first == second


def test_bytecode_names_the_place_where_aws_unpacks_it(checkout: Path) -> None:
    archives = build(Target.local(), checkout, report=lambda _: None)
    (compiled,) = (name for name in names(archives["function-ingest"]) if name.endswith(".pyc"))
    content = zipfile.ZipFile(archives["function-ingest"]).read(compiled)
    assert struct.unpack_from("<I", content, 4) == (0b01,), "flags of PEP 552: hash-based, not checked"
    assert b"/var/task/handler.py" in content


def test_a_missing_compiler_is_said_plainly(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundling, "_compiler", lambda target: None)
    said: list[str] = []
    archives = build(Target.deployed(), checkout, said.append)
    assert "No bytecode: there is no Python 3.13 here" in said[-2]
    assert names(archives["function-ingest"]) == ["handler.py"]


def test_source_that_does_not_compile_is_an_error(checkout: Path) -> None:
    (checkout / "functions/ingest/handler.py").write_text("def handler(:\n")
    with pytest.raises(BundlingError, match="function-ingest does not compile"):
        build(Target.local(), checkout, report=lambda _: None)


def test_wheels_that_cannot_be_had_are_an_error(checkout: Path) -> None:
    (checkout / "requirements/layer-cairn.txt").write_text("multipart==2.0.1\n")
    with pytest.raises(BundlingError, match=r"wheels of layer-cairn\.txt cannot be installed[\s\S]*hash"):
        build(Target.local(), checkout, report=lambda _: None)


def test_zip_entries_are_sorted_and_have_one_date(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt"):
        (tmp_path / "tree").mkdir(exist_ok=True)
        (tmp_path / "tree" / name).write_text(name)
    write_zip(tmp_path / "tree", tmp_path / "tree.zip")
    entries = zipfile.ZipFile(tmp_path / "tree.zip").infolist()
    assert [entry.filename for entry in entries] == ["a.txt", "b.txt"]
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize("path", ["x-1.0.dist-info", "bin", "pkg/tests", "pkg/a.pyi", "zstandard/_cffi.so"])
def test_bloat_is_left_out(path: str) -> None:
    assert is_left_out(Path(path))


@pytest.mark.parametrize("path", ["symbolic/_lowlevel.py", "zstandard/backend_c.so", "binary.py", "_cffi_backend.so"])
def test_what_is_needed_is_kept(path: str) -> None:
    assert not is_left_out(Path(path))


def libraries(archives: dict[str, Path]) -> Iterator[tuple[str, bytes]]:
    for archive in archives.values():
        packed = zipfile.ZipFile(archive)
        yield from ((name, packed.read(name)) for name in packed.namelist() if ".so" in name)


def test_the_deployed_bundles_have_only_stripped_aarch64_libraries(deployed: dict[str, Path]) -> None:
    found = dict(libraries(deployed))
    assert {"python/symbolic/_lowlevel__lib.so", "python/zstandard/backend_c.cpython-313-aarch64-linux-gnu.so"} <= set(
        found
    )
    for name, content in found.items():
        assert struct.unpack_from("<H", content, 18) == (AARCH64,), name
        assert struct.unpack_from("<Q", content, 40) == (0,), f"{name} still has section headers"


@pytest.mark.parametrize("which", ["local", "deployed"])
def test_bundles_fit_into_lambda(which: str, request: pytest.FixtureRequest) -> None:
    archives: dict[str, Path] = request.getfixturevalue(which)
    total = 0
    for name, archive in archives.items():
        unpacked = sum(path.stat().st_size for path in files(archive.with_suffix("")))
        print(f"{which} {name}: {unpacked / 1e6:.1f} MB, zip {archive.stat().st_size / 1e6:.1f} MB")
        assert archive.stat().st_size < ZIP_LIMIT
        total += unpacked
    assert total < UNPACKED_LIMIT


def test_no_bundle_carries_boto3(deployed: dict[str, Path]) -> None:
    for archive in deployed.values():
        assert not [name for name in names(archive) if name.startswith(("python/boto", "boto"))]


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the Lambda runtime brings along, and nothing else."""
    folder = tmp_path_factory.mktemp("runtime")
    for name in LAMBDA_HAS:
        spec = find_spec(name)
        assert spec and spec.origin
        origin = Path(spec.origin)
        origin = origin.parent if origin.name == "__init__.py" else origin
        (folder / origin.name).symlink_to(origin)
    return folder


def run(code: str, *path: Path) -> subprocess.CompletedProcess[str]:
    """Run ``code`` in an interpreter that sees ``path`` and the standard library only."""
    bootstrap = f"import sys; sys.path[:0] = {[str(p) for p in path]!r}; {code}"
    environment = {"AWS_DEFAULT_REGION": "eu-central-1", "POWERTOOLS_SERVICE_NAME": "test"} | {
        name: "x"
        for name in (
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "CAIRN_BUCKET",
            "CAIRN_PROJECTS_TABLE",
            "CAIRN_SYMBOLS_TABLE",
            "CAIRN_EVENTS_TABLE",
        )
    }
    command = [sys.executable, "-I", "-S", "-c", bootstrap]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_finds_its_imports_in_its_bundle(name: str, local: dict[str, Path], runtime: Path) -> None:
    layers = [local[f"layer-{layer}"].with_suffix("") / "python" for layer in bundling.LAYERS]
    done = run(
        "import cairn.cold_start as it, handler; assert it.handler is handler.handler",
        local[name].with_suffix(""),
        *layers,
        runtime,
    )
    assert done.returncode == 0, done.stderr


def test_the_layers_hold_all_that_was_promised(local: dict[str, Path], runtime: Path) -> None:
    layers = [local[f"layer-{layer}"].with_suffix("") / "python" for layer in bundling.LAYERS]
    wanted = "cairn, isal, symbolic, multi_demangle, minidump, multipart, pydantic, zstandard, aws_lambda_powertools"
    code = f"import {wanted}; from aws_lambda_powertools.event_handler import APIGatewayHttpResolver"
    done = run(code + "; import symbolic.debuginfo; print(zstandard.__file__)", *layers, runtime)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(layers[0]))


def test_the_service_finds_its_imports_in_its_bundle_and_the_layer(local: dict[str, Path], runtime: Path) -> None:
    layer = local["layer-cairn"].with_suffix("") / "python"
    code = "import services.large_uploads.__main__ as it; it.stores(); assert it.settings().bind == ['x']"
    code = "import os; os.environ['CAIRN_BIND'] = 'x'; " + code
    done = run(code, local["service-large_uploads"].with_suffix(""), layer, runtime)
    assert done.returncode == 0, done.stderr
