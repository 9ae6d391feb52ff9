"""The list of debug files, as Sentry gives it and as Symbolicator asks for it: by ids, or all that match a text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from cairn.store.symbols.debug_file_records import DebugFileRecords
from cairn.store.symbols.debug_files import DebugFiles, sha1_in
from cairn.store.symbols.symbol_index import SymbolEntry, SymbolIndex
from cairn.web.chunk_upload import SHA1
from cairn.web.dif import dif_of
from cairn.web.errors import BadRequestError, NotFoundError

PAGE = 100
CURSOR = re.compile(r"0:(\d{1,9}):0")


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of debug files, and the ``Link`` header that leads to the next one."""

    files: list[dict[str, Any]]
    link: str


@dataclass(frozen=True, slots=True)
class DebugFileList:
    """What the list needs."""

    index: SymbolIndex
    records: DebugFileRecords
    debug_files: DebugFiles

    def page(self, query: Mapping[str, str], url: str) -> Listing:
        """A page for the parameters ``query``, ``debug_id``, ``code_id``, ``file_formats`` (several, joined by commas)
        and ``cursor``. ``url`` is the list's own. Raises ``BadRequestError`` for a cursor that is none."""
        cursor = CURSOR.fullmatch(query.get("cursor") or "0:0:0")
        if not cursor:
            raise BadRequestError("the cursor is not one that a list gave")
        start = int(cursor[1])
        entries = newest_first(self._found(query))
        shown = entries[start : start + PAGE]
        sizes = self.records.find({sha1_in(entry.debug_file_key) for entry in shown})
        files = [dif_of(entry, size_of(sizes, entry)) for entry in shown]
        return Listing(files, link_header(url, query, start, start + PAGE < len(entries)))

    def content_url(self, file_id: str) -> str:
        """Where the content of the file with this id can be fetched from. Raises ``NotFoundError``."""
        record = self.records.find([file_id]).get(file_id) if SHA1.fullmatch(file_id) else None
        if record is None:
            raise NotFoundError(f"there is no debug file {file_id[:60]}")
        return self.debug_files.link(record.key)

    def _found(self, query: Mapping[str, str]) -> list[SymbolEntry]:
        debug_id, code_id = query.get("debug_id") or None, query.get("code_id") or None
        if debug_id or code_id:
            found = list(self.index.find([(debug_id, code_id)])[debug_id, code_id])
            found += self.index.find_sources([debug_id]).get(debug_id, ()) if debug_id else ()
        else:
            found = list(self.index.list())
        formats = set(filter(None, query.get("file_formats", "").split(",")))
        text = query.get("query", "").lower()
        return [entry for entry in found if (not formats or entry.format in formats) and matches(entry, text)]


def matches(entry: SymbolEntry, text: str) -> bool:
    """Whether a text is in an entry's name, ids, architecture or format."""
    parts = (entry.name, entry.debug_id, entry.code_id, entry.arch, entry.format)
    return any(text in part.lower() for part in parts if part)


def newest_first(entries: Sequence[SymbolEntry]) -> list[SymbolEntry]:
    """Entries in the order of the list."""
    return sorted(entries, key=lambda entry: (-entry.created, entry.key))


def size_of(records: Mapping[str, Any], entry: SymbolEntry) -> int | None:
    """The size of the debug file that an entry is of, where it is known."""
    record = records.get(sha1_in(entry.debug_file_key))
    return record.size if record else None


def link_header(url: str, query: Mapping[str, str], start: int, has_more: bool) -> str:
    """Sentry's paging: ``<url>; rel="next"; results="true"; cursor="0:100:0"``, and the same for ``previous``."""
    links = []
    for rel, cursor, there in (("previous", max(start - PAGE, 0), start > 0), ("next", start + PAGE, has_more)):
        address = f"{url}?{urlencode({**query, 'cursor': f'0:{cursor}:0'})}"
        links.append(f'<{address}>; rel="{rel}"; results="{str(there).lower()}"; cursor="0:{cursor}:0"')
    return ", ".join(links)
