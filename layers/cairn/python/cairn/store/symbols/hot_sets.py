"""Hot sets of symbol files in S3: what crashes looked up before, beside each symbol file."""

from __future__ import annotations

from dataclasses import dataclass

from cairn.store.aws import Clients
from cairn.store.objects import Objects
from cairn.store.settings import Settings
from cairn.symbols.errors import SymbolFileError
from cairn.symbols.symbol_file.hot_set import CURRENT, MAX_SIZE, HotSet

PREFIX = "hot/"


@dataclass(frozen=True, slots=True)
class StoredHotSet:
    """A hot set as it was read, or that there is none; ``tag`` tells whether another was written since."""

    hot: HotSet | None = None
    tag: str | None = None


class HotSets:
    """The hot sets by the keys of their symbol files."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._objects = Objects(clients, settings.bucket)

    def get(self, symbol_file_key: str) -> StoredHotSet:
        """The hot set of a symbol file. One that is damaged counts as none, and the next ``put`` replaces it."""
        found = self._objects.read_tagged(hot_key(symbol_file_key), MAX_SIZE)
        if found is None:
            return StoredHotSet()
        content, tag = found
        try:
            return StoredHotSet(HotSet.unpack(content), tag)
        except SymbolFileError:
            return StoredHotSet(tag=tag)

    def put(self, symbol_file_key: str, hot: HotSet, tag: str | None) -> bool:
        """Store a hot set in place of the one with ``tag``. ``False`` when another writer was faster, or the hot set is
        too large to be worth it: nothing is lost but time."""
        content = hot.pack()
        return content is not None and self._objects.put_over(hot_key(symbol_file_key), content, tag)


def hot_key(symbol_file_key: str) -> str:
    """Where the hot set of ``symbols/v2/<sha1>/<id>`` is: ``hot/v1/symbols/v2/<sha1>/<id>``."""
    return f"{PREFIX}v{CURRENT}/{symbol_file_key}"
