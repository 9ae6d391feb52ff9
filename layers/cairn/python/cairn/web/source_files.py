"""Source files for debuggers, out of the bundles that were uploaded. Nothing is kept from one request to the next."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from cairn.store.aws import Clients
from cairn.store.settings import Settings
from cairn.store.symbols.last_uses import LastUses
from cairn.store.symbols.source_bundles import open_bundle
from cairn.store.symbols.symbol_index import ID_LIMIT, SymbolEntry, SymbolIndex
from cairn.symbols.arriving.debug_file_ids import elf_debug_id
from cairn.symbols.errors import SymbolFileError
from cairn.symbols.ranges.spans import Allowance
from cairn.web.errors import NotFoundError

MOST_BYTES = 4 * 1024 * 1024
"""Of one file: an answer of a function has 6 MB, in which these travel as base64."""

MOST_BUNDLES = 3
"""Bundles of one program that are looked into, the latest."""

LONGEST_PATH = 4096
"""Characters of a path; no system has longer ones."""

BUILD_ID = re.compile(r"(?:[0-9a-fA-F]{2}){4,}")


@dataclass(frozen=True, slots=True)
class SourceFiles:
    """What the route needs."""

    settings: Settings
    clients: Clients
    index: SymbolIndex
    uses: LastUses

    def content(self, build_id: str, path: str) -> bytes:
        """The file that the debug information of an ELF program calls ``/<path>``. ``path`` is as the request has it:
        it is looked for among the paths that a bundle lists, and leads nowhere else. Raises ``NotFoundError``."""
        if len(build_id) > ID_LIMIT or not BUILD_ID.fullmatch(build_id) or len(path) > LONGEST_PATH:
            raise NotFoundError("there is no such file: the path of a source is buildid/<build id>/source/<path>")
        debug_id = elf_debug_id(build_id)
        entries = self.index.find_sources([debug_id]).get(debug_id, ())[:MOST_BUNDLES]
        if not entries:
            raise NotFoundError(f"no source bundle of the build id {build_id} was uploaded")
        for entry in entries:
            if (content := self._in(entry, path)) is not None:
                self.uses.note([entry], time.time())
                return content
        raise NotFoundError(f"the source bundle of the build id {build_id} has no such file")

    def _in(self, entry: SymbolEntry, path: str) -> bytes | None:
        """The file in one bundle. One that is damaged, or gone, has none."""
        try:
            bundle = open_bundle(self.clients, self.settings.bucket, entry)
            found = bundle.contents(spellings(path), Allowance())
        except (SymbolFileError, OSError):
            return None
        content = next(iter(found.values()), None)
        if content is not None and len(content) > MOST_BYTES:
            raise NotFoundError(f"the file has {len(content)} bytes, and no more than {MOST_BYTES} can be sent")
        return content


def spellings(path: str) -> Iterable[str]:
    """The paths that a request may mean: the gateway may have unquoted it, and a program may have relative paths."""
    return dict.fromkeys(f"{root}{text}" for text in (unquote(path), path) for root in ("/", ""))
