"""Names of fields, variables and options that hold secrets, whatever their value is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

WORDS = {
    "auth",
    "bearer",
    "cookie",
    "cookies",
    "credential",
    "credentials",
    "csrf",
    "cvc",
    "cvv",
    "jwt",
    "pwd",
    "ssn",
    "token",
    "tokens",
    "xsrf",
}
"""Words of a name, one of which is enough: ``githubToken``, ``x-csrf``."""
PARTS = (
    "accesskey",
    "apikey",
    "authorization",
    "cardnumber",
    "creditcard",
    "encryptionkey",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "sessionid",
    "sessionkey",
    "signingkey",
)
"""What a name may hold, without its hyphens and underscores: ``API_KEY``, ``X-Api-Key``, ``my-db-password-2``."""
LONGEST = 200
"""Characters of a name that are looked at."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether what has this name is a secret."""
    name = name[:LONGEST]
    if name in ("pass", "PASS") or name.endswith("_PASS"):  # a ``render_pass`` is none
        return True
    if not WORDS.isdisjoint(word.lower() for word in _WORD.findall(name)):
        return True
    plain = plain_name(name)
    return any(part in plain for part in PARTS)


def plain_name(name: str) -> str:
    """A name without what is only spelling."""
    return "".join(character for character in name[:LONGEST].lower() if character.isalnum())


def plain_names(names: Iterable[str]) -> frozenset[str]:
    """Names to look a name up in, after ``plain_name``."""
    return frozenset(map(plain_name, names))
