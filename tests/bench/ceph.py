"""The big program of the bench: Debian's ``ceph-osd``, its debug information, and real crashes of it with 46 threads.

Everything comes from Debian's archive into ``build/bench``; nothing is installed. Needs Debian 12 on x86-64.
"""

from __future__ import annotations

import ctypes
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.contract.crashpad import catching
from tests.parity.installed import install

FOLDER = Path(__file__).parents[2] / "build/bench"
ROOT = FOLDER / "root"
DEBS = FOLDER / "debs"
PACKAGES = ("ceph-osd", "ceph-osd-dbg")
PROGRAM = ROOT / "usr/bin/ceph-osd"
LIBRARIES = (ROOT / "lib/x86_64-linux-gnu", ROOT / "usr/lib/x86_64-linux-gnu", ROOT / "usr/lib/x86_64-linux-gnu/ceph")
THREADS = 46
TGKILL = 234
"""The number of the system call on x86-64: a signal to one thread."""

SETTINGS = """[global]
fsid = 00000000-0000-0000-0000-000000000001
mon_host = 127.0.0.1
osd_objectstore = memstore
osd_data = {folder}/osd
run_dir = {folder}
log_file = {folder}/log
plugin_dir = {libraries}
erasure_code_dir = {libraries}/erasure-code
osd_class_dir = {root}/usr/lib/x86_64-linux-gnu/rados-classes
fatal_signal_handlers = false
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
"""


@dataclass(frozen=True)
class Ceph:
    """``dumps`` by what crashed, the stripped program, its debug companion, the libraries that frames lie in, and the
    Breakpad symbols of all of them."""

    dumps: dict[str, Path]
    program: Path
    companion: Path
    libraries: tuple[Path, ...]
    breakpad: Path

    @property
    def native(self) -> tuple[Path, ...]:
        """All debug files that are ELF."""
        return (self.program, self.companion, *self.libraries)


def prepare() -> Ceph:
    """Fetch and make what is not there yet."""
    _fetch()
    companion = _companion()
    libraries = tuple(path for path in _linked() if re.match(r"lib(c|stdc\+\+)\.so", path.name))
    breakpad = FOLDER / "sym"
    for files in ((companion, PROGRAM), *((library,) for library in libraries)):
        _write_breakpad(breakpad, *files)
    crashes = {
        "main thread": ("ceph-osd", THREADS),
        "worker thread, another run": ("tp_osd_tp", THREADS),
        "while starting": ("ceph-osd", 20),
    }
    dumps = {title: _dump(title, *how) for title, how in crashes.items()}
    return Ceph(dumps, PROGRAM, companion, libraries, breakpad)


def _fetch() -> None:
    if (FOLDER / "unpacked").exists():
        return
    DEBS.mkdir(parents=True, exist_ok=True)
    print("Fetching ceph-osd and its debug information from Debian: 600 MB, once")
    plan = ["apt-get", "install", "--simulate", "--no-install-recommends", *PACKAGES]
    listed = subprocess.run(plan, check=True, capture_output=True, text=True).stdout
    missing = [line.split()[1] for line in listed.splitlines() if line.startswith("Inst ")]
    subprocess.run(["apt-get", "download", *(missing or PACKAGES)], check=True, cwd=DEBS)
    for number, package in enumerate(sorted(DEBS.glob("*.deb")), 1):
        print(f"  unpacking {number}: {package.name}", end="\r\033[K", flush=True)
        subprocess.run(["dpkg", "-x", package, ROOT], check=True)
    (FOLDER / "unpacked").touch()


def _companion() -> Path:
    notes = subprocess.run(["readelf", "-n", PROGRAM], check=True, capture_output=True, text=True).stdout
    found = re.search(r"Build ID: ([0-9a-f]+)", notes)
    assert found, "ceph-osd has no build id"
    return ROOT / f"usr/lib/debug/.build-id/{found[1][:2]}/{found[1][2:]}.debug"


def _library_path() -> dict[str, str]:
    return {"LD_LIBRARY_PATH": ":".join(map(str, LIBRARIES))}


def _linked() -> list[Path]:
    listed = subprocess.run(["ldd", PROGRAM], check=True, capture_output=True, text=True, env=_library_path()).stdout
    return [Path(word).resolve() for line in listed.splitlines() for word in line.split() if word.startswith("/")]


def _write_breakpad(folder: Path, *files: Path) -> None:
    done = FOLDER / f"{files[-1].name}.sym-done"
    if not done.exists():
        print(f"Writing Breakpad symbols of {files[-1].name}")
        subprocess.run([install() / "dump_syms", "--inlines", *files, "-s", folder], check=True)
        done.touch()


def _dump(title: str, thread: str, threads: int) -> Path:
    """A Crashpad dump of ``ceph-osd`` whose thread of that name gets a SIGSEGV when there are so many."""
    target = FOLDER / f"{title.replace(',', '').replace(' ', '-')}.dmp"
    if not target.exists():
        print(f"Crashing ceph-osd: {title}")
        work = FOLDER / "work" / target.stem
        (work / "osd").mkdir(parents=True, exist_ok=True)
        settings = work / "ceph.conf"
        settings.write_text(SETTINGS.format(folder=work, root=ROOT, libraries=LIBRARIES[-1]))
        command = [str(PROGRAM), "-i", "0", "-c", str(settings), "--no-mon-config"]
        subprocess.run([*command, "--mkfs"], check=True, env=_library_path(), capture_output=True)
        environment = catching(work) | _library_path()
        running = subprocess.Popen(
            [*command, "-f"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _crash(running, thread, threads)
        (made,) = (work / "crashpad").rglob("*.dmp")
        made.rename(target)
    return target


def _crash(running: subprocess.Popen[bytes], thread: str, threads: int) -> None:
    tasks = Path(f"/proc/{running.pid}/task")
    deadline = time.monotonic() + 60
    while len(list(tasks.iterdir())) < threads:
        assert running.poll() is None and time.monotonic() < deadline, f"ceph-osd did not start {threads} threads"
        time.sleep(0.002)
    if threads == THREADS:
        time.sleep(1)  # until all of them wait for something to do
    found = [int(task.name) for task in sorted(tasks.iterdir()) if (task / "comm").read_text().strip() == thread]
    ctypes.CDLL(None).syscall(TGKILL, running.pid, found[0], signal.SIGSEGV)
    assert running.wait(60) == -signal.SIGSEGV, "ceph-osd did not crash"
