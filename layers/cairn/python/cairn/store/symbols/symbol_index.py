"""Which symbol files there are: found by the ids of a dump's modules, and listed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from cairn.store.aws import Clients
from cairn.store.settings import Settings
from cairn.store.symbols.debug_files import PREFIX as DEBUG_FILES
from cairn.store.table import Row, Table
from cairn.symbols.records import Features, SymbolStatus

ModuleIds: TypeAlias = tuple[str | None, str | None]
"""Debug id and code id of a module, in any spelling."""

ID_LIMIT = 256
"""Characters of an id above which nothing is asked: a dump can hold any bytes, a key of DynamoDB 2,048."""

LISTING = "symbols"
SOURCES = "sources"
FAILURE = "failure"
FAILURES = "failures"
NEWER_STAYS = "attribute_not_exists(#{0}) OR #{0}.#version <= :version"


@dataclass(frozen=True, slots=True)
class SymbolEntry:
    """A compiled symbol file. ``key`` is its object and ``size`` that object's bytes, ``debug_file_key`` the file it
    was compiled from, ``debug_file_size`` that file's bytes if they are known, ``name`` its name, ``version`` that of
    the compiler, ``created`` Unix seconds, ``has_code`` whether it is a program and no mere companion of one, if that
    is known."""

    debug_id: str | None
    code_id: str | None
    name: str
    format: str
    kind: str
    arch: str
    features: Features
    key: str
    debug_file_key: str
    size: int
    version: int
    created: float
    debug_file_size: int | None = None
    has_code: bool | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"features": self.features._asdict()}


@dataclass(frozen=True, slots=True)
class CompileFailure:
    """Why there is no symbol file for a debug file. ``reason`` is for a person. ``created`` and ``retry_after`` are
    Unix seconds; without ``retry_after`` only another compiler (``version``) could do better."""

    debug_file_key: str
    status: SymbolStatus
    reason: str
    version: int
    created: float
    retry_after: float | None = None


class SymbolIndex:
    """The symbol files in the Symbols table.

    ======================  ==================================  ==============================================
    pk                      sk                                  what
    ======================  ==================================  ==============================================
    ``debug_id#<id>``       files                               all files of a debug id, one attribute a file
    ``code_id#<id>``        files                               the same by code id
    ``symbols``             ``<debug file key>#<id>``           one entry, for the list; ``last_uses.py`` adds ``used``
    ``sources#<id>``        files                               source bundles by debug id
    ``sources``             any                                 that there was a source bundle once, and when who may
                                                                want the like was told (``told``, Unix seconds)
    ``failure#<key>``       failure                             why a debug file could not be compiled
    ``failures``            ``<debug file key>``                that it could not, for the list
    ======================  ==================================  ==============================================

    An entry is an attribute named after its debug file, so that writers need not read, and the files of an id come
    with one key.
    """

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._table = Table(clients, settings.symbols_table)

    def put(self, entry: SymbolEntry) -> None:
        """Store an entry in place of an older one of the same debug file; one of a newer compiler stays. Doing it again
        changes nothing. Raises ``ValueError`` for an entry without any id that can be asked for."""
        self._put(entry, keys_of((entry.debug_id, entry.code_id)))

    def put_sources(self, entry: SymbolEntry) -> None:
        """Store the entry of a source bundle, whose ``key`` is its index; else as ``put``."""
        self._put(entry, sources_keys(entry.debug_id))
        self._table.put({"pk": SOURCES, "sk": "any"}, "attribute_not_exists(pk)")

    def has_sources(self) -> bool:
        """Whether this deployment was ever sent a source bundle."""
        return bool(self._table.get_many([(SOURCES, "any")]))

    def are_sources_told(self) -> bool:
        """Whether crashes from before the first source bundle were told that there are such now."""
        return "told" in (self._table.get(SOURCES, "any") or {})

    def tell_sources(self, now: float) -> None:
        """Note that they were."""
        self._table.update(SOURCES, "any", "SET #told = :now", {":now": now})

    def find_sources(self, debug_ids: Iterable[str]) -> dict[str, tuple[SymbolEntry, ...]]:
        """The source bundles of modules, latest first, in as few requests as there are hundreds of ids; of those that
        have any. What was stored just now is found."""
        pks = {debug_id: sources_keys(debug_id) for debug_id in debug_ids}
        keys = ((pk, "files") for of_one in pks.values() for pk in of_one)
        files = {pk: entries_in(row) for (pk, _), row in self._table.get_many(keys, consistent=True).items()}
        found = {debug_id: tuple(e for pk in of_one for e in files.get(pk, ())) for debug_id, of_one in pks.items()}
        return {debug_id: entries for debug_id, entries in found.items() if entries}

    def _put(self, entry: SymbolEntry, pks: tuple[str, ...]) -> None:
        if not pks:
            raise ValueError(f"{entry.debug_file_key} has neither debug id nor code id")
        attribute = attribute_of(entry)
        listed = f"{entry.debug_file_key}#{pks[0]}"
        for pk, sk, name in (*((pk, "files", attribute) for pk in pks), (LISTING, listed, "entry")):
            self._table.update(
                pk,
                sk,
                f"SET #{name} = :entry",
                {":entry": entry.to_json(), ":version": entry.version},
                NEWER_STAYS.format(name),
            )

    def find(self, ids: Sequence[ModuleIds], *, consistent: bool = False) -> dict[ModuleIds, tuple[SymbolEntry, ...]]:
        """The entries for all modules of a dump, in as few requests as there are hundreds of ids. Every pair of ``ids``
        is a key of the answer. Those found by debug id come first, of each the latest first. What was
        stored just now is only sure to be found with ``consistent``."""
        pks = {pair: keys_of(pair) for pair in ids}
        rows = self._table.get_many(((pk, "files") for of_one in pks.values() for pk in of_one), consistent=consistent)
        files = {pk: entries_in(row) for (pk, _), row in rows.items()}
        return {
            pair: tuple({entry.key: entry for pk in of_one for entry in files.get(pk, ())}.values())
            for pair, of_one in pks.items()
        }

    def list(self) -> tuple[SymbolEntry, ...]:
        """All entries, by debug file."""
        return tuple(entry_of(row["entry"]) for row in self._table.query("pk = :pk", {":pk": LISTING}))

    def of_debug_file(self, sha1: str) -> tuple[SymbolEntry, ...]:
        """The entries of a debug file by the SHA-1 of its content, whatever it was called."""
        wanted = {":pk": LISTING, ":file": f"{DEBUG_FILES}{sha1}/"}
        rows = self._table.query("pk = :pk AND begins_with(sk, :file)", wanted)
        return tuple(entry_of(row["entry"]) for row in rows)

    def remove(self, entry: SymbolEntry) -> None:
        """Let an entry be found by no id. Doing it again changes nothing."""
        for pk in all_keys_of(entry):
            self._table.update(pk, "files", f"REMOVE #{attribute_of(entry)}", {}, "attribute_exists(pk)")

    def remove_from_list(self, entry: SymbolEntry) -> None:
        """Let the list have an entry no more. Doing it again changes nothing."""
        for key in listed_keys_of(entry):
            self._table.delete(*key)

    def forget_failure(self, debug_file_key: str) -> None:
        """Remember no more why a debug file could not be compiled."""
        self._table.delete(f"{FAILURE}#{debug_file_key}", FAILURE)
        self._table.delete(FAILURES, debug_file_key)

    def failed(self) -> tuple[str, ...]:
        """The keys of all debug files that could not be compiled once; another compiler may have done better since."""
        return tuple(row["sk"] for row in self._table.query("pk = :pk", {":pk": FAILURES}))

    def put_failure(self, failure: CompileFailure) -> None:
        """Remember why a debug file could not be compiled, in place of what was known before."""
        row = {"pk": f"{FAILURE}#{failure.debug_file_key}", "sk": FAILURE, **asdict(failure)}
        self._table.put(row)
        self._table.put({"pk": FAILURES, "sk": failure.debug_file_key, "created": failure.created})

    def failure(self, debug_file_key: str) -> CompileFailure | None:
        """Why a debug file could not be compiled, if it was tried and failed."""
        row = self._table.get(f"{FAILURE}#{debug_file_key}", FAILURE)
        if row is None:
            return None
        return CompileFailure(
            debug_file_key=row["debug_file_key"],
            status=SymbolStatus(row["status"]),
            reason=row["reason"],
            version=row["version"],
            created=float(row["created"]),
            retry_after=float(row["retry_after"]) if "retry_after" in row else None,
        )


def attribute_of(entry: SymbolEntry) -> str:
    """The attribute of a ``files`` row that holds an entry."""
    return "file_" + hashlib.sha1(entry.debug_file_key.encode(), usedforsecurity=False).hexdigest()


def all_keys_of(entry: SymbolEntry) -> tuple[str, ...]:
    """The partitions where an entry may be, be it a symbol file's or a source bundle's."""
    return (*keys_of((entry.debug_id, entry.code_id)), *sources_keys(entry.debug_id))


def listed_keys_of(entry: SymbolEntry) -> tuple[tuple[str, str], ...]:
    """The rows of the list that an entry may be in."""
    return tuple((LISTING, f"{entry.debug_file_key}#{pk}") for pk in all_keys_of(entry))


def keys_of(ids: ModuleIds) -> tuple[str, ...]:
    """The partitions where the files of a module are: by debug id, by code id. An id of zeros is no id."""
    debug_id, code_id = (normal_id(text) if text and len(text) <= ID_LIMIT else "" for text in ids)
    found = []
    if debug_id[:32].strip("0"):
        # Breakpad writes the age always, Sentry leaves an age of 0 away: test_an_id_is_found_in_every_spelling
        found.append(f"debug_id#{debug_id}0" if re.fullmatch(r"[0-9a-f]{32}", debug_id) else f"debug_id#{debug_id}")
    if code_id.strip("0"):
        found.append(f"code_id#{code_id}")
    return tuple(found)


def sources_keys(debug_id: str | None) -> tuple[str, ...]:
    """The partition where the source bundles of a module are; none without a debug id."""
    return tuple(pk.replace("debug_id#", "sources#") for pk in keys_of((debug_id, None)))


def normal_id(text: str) -> str:
    """An id in lower case and without hyphens."""
    return text.lower().replace("-", "")


def entries_in(row: Row) -> Iterable[SymbolEntry]:
    """The entries of a ``files`` row, latest first."""
    entries = [entry_of(value) for name, value in row.items() if name.startswith("file_")]
    return sorted(entries, key=lambda entry: (entry.created, entry.key), reverse=True)


def entry_of(value: dict[str, Any]) -> SymbolEntry:
    """The entry that an attribute holds."""
    fields = {name: value.get(name) for name in SymbolEntry.__dataclass_fields__}
    fields |= {"features": Features(**value["features"]), "created": float(value["created"])}
    return SymbolEntry(**fields)  # type: ignore[arg-type]
