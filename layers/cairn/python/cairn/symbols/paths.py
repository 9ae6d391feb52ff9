"""Source paths of any system: joining and cleaning, with the rules by which ``symbolic`` shows them."""

from __future__ import annotations

import re

_DRIVE = re.compile(r"[A-Za-z]:([\\/]|$)")


_REPOSITORY = re.compile(r"(git|hg|s3|svn):")


def is_absolute(path: str) -> bool:
    """Whether ``path`` stands for itself: ``/…``, ``\\\\…``, ``C:\\…`` or ``<…>``, a name that is no path."""
    return path[:1] in ("/", "\\") or _DRIVE.match(path) is not None or (path[:1] == "<" and path[-1:] == ">")


def is_windows(path: str) -> bool:
    """Whether ``path`` is written the Windows way."""
    return _DRIVE.match(path) is not None or ("\\" in path and "/" not in path)


def join_path(base: str, path: str) -> str:
    """Join two paths; an absolute ``path`` wins."""
    if not base or is_absolute(path):
        return path
    if not path:
        return base
    slash = "\\" if is_windows(base) else "/"
    return base.rstrip("/\\" if slash == "\\" else "/") + slash + path.lstrip("/\\" if slash == "\\" else "/")


def clean_path(path: str) -> str:
    """Fold ``.``, ``..`` and doubled slashes; a place in a repository (``git:host/repo:path:rev``) keeps the latter."""
    folded = (".",) if _REPOSITORY.match(path) else (".", "")
    slash = "\\" if is_windows(path) else "/"
    root = re.match(r"[A-Za-z]:[\\/]?|[\\/]*", path)
    head = root.group() if root else ""
    kept: list[str] = []
    for part in re.split(r"[\\/]" if slash == "\\" else "/", path[len(head) :]):
        if part == ".." and kept and kept[-1] != "..":
            kept.pop()
        elif part == ".." and head:
            continue
        elif part not in folded:
            kept.append(part)
    return head + slash.join(kept)
