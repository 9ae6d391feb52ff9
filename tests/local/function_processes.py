"""The processes in which the local Cairn runs its functions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cairn_cli.local.run import LocalCairn


def processes_of(cairn: LocalCairn, function: str) -> list[int]:
    """The processes that run a function now, by the name that CDK was given (``Ingest``)."""
    return [pid for pid, variables in environments() if is_of(variables, cairn.connection.endpoint_url, function)]


def environments() -> Iterator[tuple[int, dict[str, str]]]:
    """All processes that may be looked into, with their environment."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            entries = (folder / "environ").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        yield int(folder.name), dict(entry.split("=", 1) for entry in entries if "=" in entry)


def is_of(variables: dict[str, str], endpoint: str, function: str) -> bool:
    """Whether a process with these variables runs a function of the Cairn at this endpoint."""
    name = variables.get("AWS_LAMBDA_FUNCTION_NAME", "")
    return variables.get("AWS_ENDPOINT_URL") == endpoint and name.startswith(f"Cairn-{function}")


def peak_memory(pid: int) -> int:
    """The most memory that a process has had, in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))
