"""Secrets by decision: in dumps, in what clients say, and in what a project wants done about them."""

from __future__ import annotations

from typing import Any

from cairn.privacy.settings import Privacy
from tests.fuzz.decisions import Decisions
from tests.fuzz.dumps import DumpProgram

NAMES = ["password", "API_KEY", "--token", "user", "player", "HOME", "authorization", "version", "x"]
WORDS = [
    "password=hunter22", "amy@mail.example.com", "/home/amy/game/a.so", r"C:\Users\amy\a.dll", "10.11.12.13",
    "4111 1111 1111 1111", "https://amy:secret@host/", "Bearer abcdefghijklmnop", "ghp_" + "a1" * 12, "fe80::1ff:fe23",
    "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "API_KEY=", "--password", "hunter22",
    "Authorization: x", "[email]", "[Filtered]", "****", "@", "=", "://", "\0", " ", "\n",
]  # fmt: skip


def fuzzed_privacy(decide: Decisions) -> Privacy:
    """What a project wants."""
    names = [tuple(decide.some(2, lambda: decide.choice(NAMES))) for _ in range(2)]
    return Privacy(safe_fields=names[0], sensitive_fields=names[1])


def private_text(decide: Decisions) -> str:
    """Words that are private, may be, or stand between."""
    return "".join(decide.some(8, lambda: decide.text() if decide.below(8) == 7 else decide.choice(WORDS)))


def private_words(decide: Decisions, value: Any) -> Any:
    """JSON with such text in the place of some of its texts, and under some such names."""
    if isinstance(value, dict):
        return {_name(decide, name): private_words(decide, inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [private_words(decide, inner) for inner in value]
    return private_text(decide) if isinstance(value, str) and decide.flag() else value


def _name(decide: Decisions, name: str) -> str:
    return decide.choice(NAMES) if decide.below(8) == 7 else name


class PrivateProgram(DumpProgram):
    """Builds a dump with secrets in its memory, its modules' paths, its environment and its arguments."""

    def build(self) -> bytes:
        for _ in range(self.decide.below(4)):
            self._private_memory()
        if self.decide.flag():
            self.builder.linux(environment="\0".join(self.decide.some(4, self._variable)) + "\0")
        if self.decide.flag():
            self.builder.module(0x5000_0000, 0x1000, self.decide.choice(WORDS) + self.decide.choice(WORDS))
        return super().build()

    def _private_memory(self) -> None:
        encoding = self.decide.choice(["utf-8", "utf-16-le"])
        self.builder.memory(self._place(self.anchors), private_text(self.decide).encode(encoding))

    def _variable(self) -> str:
        return self.decide.choice(NAMES) + self.decide.choice(["=", " ", "\0"]) + private_text(self.decide)
