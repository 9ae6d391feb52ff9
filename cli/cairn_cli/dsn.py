"""How a client is told where to send crashes."""

from __future__ import annotations

from urllib.parse import urlsplit

from cairn.store.projects import ClientKey


def dsn(url: str, key: ClientKey) -> str:
    """The DSN for SDKs: ``https://<key>@<host>/<project>``."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{key.public_key}@{parts.netloc}{parts.path.rstrip('/')}/{key.project_id}"


def minidump_url(url: str, key: ClientKey) -> str:
    """The URL for Crashpad, Breakpad, Electron and curl."""
    return f"{url.rstrip('/')}/api/{key.project_id}/minidump/?sentry_key={key.public_key}"
