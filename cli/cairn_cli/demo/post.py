"""A minidump posted as `curl -F` and Breakpad's sender do it."""

from __future__ import annotations

import secrets
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from cairn_cli.errors import CliError


def post_minidump(url: str, dump: Path, fields: Mapping[str, str]) -> str:
    """Post a dump with form fields; returns the event id of the answer. Raises ``CliError`` for any other answer."""
    boundary = secrets.token_hex(16)
    body = b"".join(_field(boundary, name, value) for name, value in fields.items()) + _file(boundary, dump)
    request = urllib.request.Request(  # noqa: S310 - the URL comes from our own DSN
        url, body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}, method="POST"
    )
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        raise CliError(f"the crash was not accepted: {error.code} {error.read().decode(errors='replace')}") from error
    except OSError as error:
        raise CliError(f"the crash could not be sent: {error}") from error


def _field(boundary: str, name: str, value: str) -> bytes:
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


def _file(boundary: str, dump: Path) -> bytes:
    disposition = f'form-data; name="upload_file_minidump"; filename="{dump.name}"'
    head = f"--{boundary}\r\nContent-Disposition: {disposition}\r\nContent-Type: application/octet-stream\r\n\r\n"
    return head.encode() + dump.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
