"""What Breakpad and rust-minidump print for the dumps of the corpus, and the unwind rules of the symbol files there.

The corpus lies beside the checkout (``../shared/corpus``); its ``README.md`` says where the outputs come from.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from cairn.minidump.records import Module
from cairn.symbols.rules import CfiRule, Expression, WinRule

CORPUS = Path(__file__).parents[3] / "shared/corpus"
TOLERANCE = 8
"""rust-minidump prints addresses inside the call, Breakpad return addresses: at most this far apart."""

_THREAD = re.compile(r"Thread (\d+)")
_COUNTER = re.compile(r"\b(?:rip|eip|pc) = 0x([0-9a-f]+)")

Frames = tuple[int, ...]
"""The addresses of a thread's frames, innermost first."""


def dumps() -> list[Path]:
    """All dumps that both peers have walked."""
    return sorted(
        path
        for path in CORPUS.rglob("*.dmp")
        if _output(path, "rust-minidump/json", "json").exists() and breakpad(path)
    )


def _output(dump: Path, tool: str, suffix: str) -> Path:
    return CORPUS / "ref" / tool / f"{dump.relative_to(CORPUS)}.{suffix}"


def rust_minidump(dump: Path) -> list[Frames]:
    """The threads that rust-minidump shows, in the order of the dump."""
    text = _output(dump, "rust-minidump/json", "json").read_text()
    threads = json.loads(text)["threads"] if text.strip() else []
    return [tuple(int(frame["offset"], 16) for frame in thread["frames"]) for thread in threads]


def breakpad(dump: Path) -> dict[int, Frames]:
    """The threads that Breakpad shows, by their place in the dump, without inline frames (those have no registers).

    Read from the output for people: the one for machines gives offsets from a source line instead of addresses.
    """
    path = _output(dump, "breakpad/plain", "txt")
    threads: dict[int, list[int]] = {}
    thread: list[int] = []
    for line in path.read_text(errors="replace").splitlines() if path.exists() else []:
        if header := _THREAD.match(line):
            thread = threads.setdefault(int(header[1]), [])
        elif line.startswith("Loaded modules"):
            break
        elif counter := _COUNTER.search(line):
            thread.append(int(counter[1], 16))
    return {number: tuple(frames) for number, frames in threads.items()}


def same(one: Frames, other: Frames) -> bool:
    """Whether two walks found the same frames."""
    return len(one) == len(other) and all(abs(a - b) <= TOLERANCE for a, b in zip(one, other, strict=True))


@dataclass
class SymFile:
    """The unwind rules and functions of a Breakpad ``.sym`` file, as the peers read it."""

    functions: list[tuple[int, int]] = field(default_factory=list)
    publics: list[int] = field(default_factory=list)
    cfi: list[tuple[int, int, list[tuple[int, str]]]] = field(default_factory=list)
    win: list[WinRule] = field(default_factory=list)
    _merged: dict[int, CfiRule] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> SymFile:
        file = cls()
        for line in path.read_text(errors="replace").splitlines():
            file._add(line)
        file.functions.sort()
        file.publics.sort()
        file.cfi.sort(key=lambda record: record[0])
        file.win.sort(key=lambda rule: rule.rva)
        return file

    def _add(self, line: str) -> None:
        words = line.split()
        match words[:3]:
            case ["FUNC", *_]:
                start, size = words[2:4] if words[1] == "m" else words[1:3]
                self.functions.append((int(start, 16), int(size, 16)))
            case ["PUBLIC", *_]:
                self.publics.append(int(words[2] if words[1] == "m" else words[1], 16))
            case ["STACK", "CFI", "INIT"]:
                rules = line.split(" ", 5)[5]
                self.cfi.append((int(words[3], 16), int(words[4], 16), [(int(words[3], 16), rules)]))
            case ["STACK", "CFI", _]:
                self.cfi[-1][2].append((int(words[2], 16), line.split(" ", 3)[3]))
            case ["STACK", "WIN", "4" | "0"]:
                self.win.append(_win_rule(words))

    def has_function(self, offset: int) -> bool:
        return self.function_start(offset) is not None

    def function_start(self, offset: int) -> int | None:
        index = bisect_right(self.functions, (offset, 1 << 64)) - 1
        if index >= 0 and offset < sum(self.functions[index]):
            return self.functions[index][0]
        public = bisect_right(self.publics, offset) - 1
        hidden = index >= 0 and public >= 0 and self.functions[index][0] >= self.publics[public]
        return self.publics[public] if public >= 0 and not hidden else None

    def rule_at(self, offset: int) -> CfiRule | WinRule | None:
        covering = [rule for rule in self.win if rule.rva <= offset < rule.rva + rule.code_size]
        if covering:
            return max(covering, key=lambda rule: (rule.kind == 4, rule.rva))
        index = bisect_right(self.cfi, offset, key=lambda record: record[0]) - 1
        if index < 0 or offset >= self.cfi[index][0] + self.cfi[index][1]:
            return None
        rules: dict[str, Expression] = {}
        for address, text in self.cfi[index][2]:
            if address <= offset:
                rules |= _rules(text)
        return _cfi_rule(rules, offset == self.cfi[index][0])


def _win_rule(words: list[str]) -> WinRule:
    rva, code, prolog, epilog, parameters, saved, locals_, most = (int(word, 16) for word in words[3:11])
    program = tuple(words[12:]) if words[11] == "1" else None
    base = program is None and words[12] == "1"
    return WinRule(int(words[2]), rva, code, prolog, epilog, parameters, saved, locals_, most, program, base)


def _rules(text: str) -> dict[str, Expression]:
    rules: dict[str, list[str | int]] = {}
    name = ""
    for word in text.split():
        if word.endswith(":"):
            name = word[:-1].lstrip("$")
            rules[name] = []
        else:
            rules[name].append(int(word) if re.fullmatch(r"-?\d+", word) else word.lstrip("$"))
    return {name: tuple(expression) for name, expression in rules.items()}


def _cfi_rule(rules: dict[str, Expression], start: bool) -> CfiRule | None:
    cfa, ra = rules.pop(".cfa", None), rules.pop(".ra", None)
    undefined = (".undef",)
    others = tuple((name, None if rule == undefined else rule) for name, rule in rules.items())
    return CfiRule(cfa, None if ra == undefined else ra, others, start) if cfa else None


@cache
def symbol_files() -> dict[tuple[str, str], Path]:
    """The ``.sym`` files of the corpus by debug file and debug id (in Breakpad's form)."""
    files = {}
    for path in CORPUS.rglob("*.sym"):
        with path.open(errors="replace") as lines:
            words = lines.readline().split(maxsplit=4)
        if len(words) == 5 and words[0] == "MODULE":
            files[words[4].strip(), words[3].lower()] = path
    return files


_read = cache(SymFile.read)


class PeerRules:
    """The rules that the peers had: the ``.sym`` files of the corpus and nothing else."""

    def _file(self, module: Module) -> SymFile | None:
        name = (module.debug_file or module.code_file).replace("\\", "/").rpartition("/")[2]
        words = (module.debug_id or "").split("-")
        breakpad_id = "".join(words[:5]) + (words[5] if len(words) > 5 else "0")
        path = symbol_files().get((name, breakpad_id.lower()))
        return _read(path) if path else None

    def rule_at(self, module: Module, offset: int) -> CfiRule | WinRule | None:
        file = self._file(module)
        return file.rule_at(offset) if file else None

    def has_unwind_info(self, module: Module) -> bool:
        file = self._file(module)
        return bool(file and (file.cfi or file.win))

    def has_function(self, module: Module, offset: int) -> bool | None:
        file = self._file(module)
        return file.has_function(offset) if file else None

    def function_start(self, module: Module, offset: int) -> int | None:
        file = self._file(module)
        return file.function_start(offset) if file else None
