"""Source bundles as they are stored: what was uploaded, and the index that was made of it when it came."""

from __future__ import annotations

from cairn.store.aws import Clients
from cairn.store.blobs import DebugFile
from cairn.store.symbols.symbol_index import SymbolEntry
from cairn.symbols.errors import SymbolFileVersionError
from cairn.symbols.source_code.source_bundle import SourceBundle
from cairn.symbols.source_code.source_index import CURRENT


def open_bundle(clients: Clients, bucket: str, entry: SymbolEntry) -> SourceBundle:
    """The source bundle of an entry. Raises ``SymbolFileError`` when it cannot be used, and ``OSError`` when it is
    gone; so does reading from it."""
    if entry.version != CURRENT:
        raise SymbolFileVersionError("another version of Cairn indexed this source bundle")
    index = DebugFile(clients, bucket, entry.key, entry.size)
    return SourceBundle(index, DebugFile(clients, bucket, entry.debug_file_key, entry.debug_file_size))
