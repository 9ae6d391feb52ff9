"""Zip archives among files and folders that a person names: looked into once, and unpacked as far as it is needed.

What only archives need is imported where there is one: `cairn stackwalk` starts without
(tests/cli/test_stackwalk_json.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cairn.symbols.local.known_files import KnownFiles

if TYPE_CHECKING:
    from cairn.symbols.arriving.archive_contents import Contents, Member

VERSION = 1
"""Of what is remembered of an archive."""

ENDING = ".zip"
"""How names of archives end that are looked for in folders; one that is named itself may be called anything."""


class Archives:
    """The archives of this machine. What is in one is remembered in ``cache_dir`` by its content, and each file of it
    that was needed is kept there."""

    def __init__(self, cache_dir: Path) -> None:
        self._folder = cache_dir / "archives" / f"v{VERSION}"
        self._known = KnownFiles(self._folder / "known.json")

    def contents(self, path: Path) -> Contents:
        """What is in an archive, within the limits of ``arriving.archive``. Raises ``DebugFileError`` when it cannot be
        opened, or ``OSError``."""
        from tempfile import TemporaryDirectory

        from cairn.symbols.arriving.archive_contents import look_into

        if self._known.ids(path) is None:
            self._known.put_ids(path, [])
        remembered = self._folder / f"{self._known.content_hash(path)}.json"
        self._known.save()
        with suppress(OSError, ValueError, KeyError, TypeError):
            return _remembered(json.loads(remembered.read_bytes()), path)
        self._folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=self._folder) as scratch:
            found = look_into(path, Path(scratch))
            written = Path(scratch) / "contents.json"
            written.write_text(json.dumps(_to_json(found)))
            written.replace(remembered)
        return found

    def file(self, member: Member) -> Path:
        """Where a file of an archive lies unpacked. Raises ``DebugFileError`` or ``OSError``."""
        from tempfile import TemporaryDirectory

        from cairn.symbols.arriving.archive_contents import unpack

        target = self._folder / member.key / member.name
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=self._folder) as scratch:
                unpack(member, Path(scratch)).replace(target)
        return target


def archives_among(named: Sequence[Path], walked: Sequence[Path]) -> Iterator[Path]:
    """Of the files that were ``walked``, the archives: those that are ``named``, and in folders those that are called
    so. Source bundles are none."""
    for path in walked:
        if path.name.lower().endswith(ENDING) or path in named:
            from cairn.symbols.arriving.archive import is_archive

            with suppress(OSError):
                if is_archive(path):
                    yield path


def _to_json(contents: Contents) -> dict[str, Any]:
    from dataclasses import asdict

    members = [{**asdict(member), "archive": None} for member in contents.members]
    return {"members": members, "problems": contents.problems}


def _remembered(value: dict[str, Any], path: Path) -> Contents:
    """What is known of the archive at ``path``. Raises ``TypeError``, ``ValueError`` or ``KeyError`` for another
    form."""
    from cairn.symbols.arriving.archive_contents import Contents, Member

    members = [
        Member(**one | {"archive": path, "ids": tuple((debug_id, code_id) for debug_id, code_id in one["ids"])})
        for one in value["members"]
    ]
    return Contents(tuple(members), tuple(value["problems"]))
