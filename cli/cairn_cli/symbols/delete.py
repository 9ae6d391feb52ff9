"""`cairn symbols delete`: debug files that are to go, with all that was made of them."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict

from rich.text import Text

from cairn.pipeline.debug_files.delete_debug_file import Deleted, Deletion
from cairn_cli.errors import CliError
from cairn_cli.output import console, print_json
from cairn_cli.symbols.files import SHA1, StoredFile, files_of, told
from cairn_cli.target import Target


def delete(target: Target, arguments: argparse.Namespace) -> int:
    """Delete the files that are named, after asking; returns the exit code: 1 when the answer is no."""
    files = {file.sha1: file for text in arguments.ids for file in named(target, text)}
    if not arguments.yes and files and not _agreed(target, list(files.values())):
        console().print("Nothing was deleted.")
        return 1
    deletion = Deletion(target.settings, target.clients)
    done = [deletion.run(sha1) for sha1 in files]
    if arguments.json:
        print_json([asdict(one) | {"entries": [entry.to_json() for entry in one.entries]} for one in done])
        return 0
    for one in done:
        console().print(said(files[one.sha1].name, one))
    if not done:
        console().print("There is no debug file with such an id: nothing was deleted.")
    return 0


def named(target: Target, text: str) -> list[StoredFile]:
    """The files that an id names. A SHA-1 names a file also when nothing is known of it: a deletion may have broken
    off."""
    found = files_of(target, text)
    return found or ([StoredFile(text.lower(), ())] if SHA1.fullmatch(text.lower()) else [])


def _agreed(target: Target, files: list[StoredFile]) -> bool:
    if not sys.stdin.isatty():
        raise CliError("what is deleted is gone for good", "say --yes where nobody can be asked")
    for file in files:
        for line in told(file, target.settings.bucket):
            console().print(line)
    answer = input(f"Delete {'it' if len(files) == 1 else f'these {len(files)} files'}, for good? [y/N] ")
    return answer.strip().lower() in ("y", "yes")


def said(name: str, done: Deleted) -> Text:
    """What was removed, in one line."""
    if done.is_empty:
        return Text(f"nothing is left of {done.sha1}")
    removed = {
        ("debug file", "debug files"): done.debug_files,
        ("symbol file", "symbol files"): done.symbol_files,
        ("hot set", "hot sets"): done.hot_sets,
        ("entry of the index", "entries of the index"): done.entries,
    }
    counts = [f"{len(found)} {words[len(found) != 1]}" for words, found in removed.items()]
    return Text.assemble(("✓ ", "green"), f"{name or done.sha1}: deleted {', '.join(counts)}")
