"""One file from one place to the debug files of the deployment."""

from __future__ import annotations

import tempfile
from pathlib import Path

from cairn.servers.download import HttpServers
from cairn.store.aws import Clients
from cairn.store.settings import Settings
from cairn.store.symbols.debug_files import LARGEST_FILE, DebugFiles
from cairn.store.symbols.source_buckets import SourceBuckets
from cairn.symbols.sources.bodies import unwrap
from cairn.symbols.sources.check import check_ids
from cairn.symbols.sources.credentials import AuthHeader
from cairn.symbols.sources.layouts import stored_name
from cairn.symbols.sources.records import FileType, SourceModule


class FileFetcher:
    """Fetches over HTTP and from buckets."""

    def __init__(self, settings: Settings, clients: Clients, servers: HttpServers) -> None:
        self._debug_files = DebugFiles(settings, clients)
        self._buckets = SourceBuckets(clients)
        self._servers = servers

    def fetch(
        self,
        location: str,
        module: SourceModule,
        file_type: FileType,
        seconds: float,
        header: AuthHeader | None = None,
    ) -> str:
        """Store the file at ``location`` as a debug file, and tell its key. A private server is shown ``header``.

        Raises ``FetchError`` when there is none, or none that carries an id of the module; ``StoreError`` where the
        deployment's own S3 fails.
        """
        with tempfile.TemporaryDirectory() as folder:
            body = Path(folder) / "body"
            self._download(location, body, seconds, header)
            path = unwrap(body, LARGEST_FILE)
            check_ids(path, module)
            return self._debug_files.put(path, stored_name(module, file_type))

    def _download(self, location: str, path: Path, seconds: float, header: AuthHeader | None) -> None:
        if location.startswith("s3://"):
            self._buckets.download(
                location, path, self._servers.limits.size, min(seconds, self._servers.limits.seconds)
            )
        else:
            self._servers.download(location, path, seconds, header)
