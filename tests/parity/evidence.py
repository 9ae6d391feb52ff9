"""What the dump itself says against a frame that a peer shows and Cairn does not.

The rules' names are those of ``docs/parity.md``, where each is argued.
"""

from __future__ import annotations

from functools import cached_property

from cairn.crash.symbolication import Symbolicator
from cairn.minidump.records import Minidump
from cairn.unwind.architectures import architecture_of
from cairn.unwind.process import Process
from cairn_cli.local_symbols import FolderFinder
from tests.parity.run import Symbols
from tests.parity.walks import TOLERANCE, Frames, Walk, common


class Evidence:
    """The rules that tell one walk of a thread from another, for one dump."""

    def __init__(self, dump: Minidump, symbols: Symbols, ours: Walk) -> None:
        self._dump = dump
        self._symbols = symbols
        self._ours = ours

    def rule(self, thread: int, theirs: Frames, exact: bool) -> str | None:
        """Why our walk of ``thread`` is not theirs, ``None`` if no rule tells.

        What counts is the first frame that is not in both. ``exact`` says that they print return addresses, and not
        addresses inside the call.
        """
        ours = self._ours.threads[thread]
        shared = common(ours, theirs)
        if shared == len(theirs):
            return "they_stop"
        address = theirs[shared]
        if shared and not exact:
            address += self._process.arch.adjustment
        against = self._against(thread, address)
        if against is None and self._is_further_on(ours[shared:], theirs[shared]):
            return "they_skip"
        return against or self._end(thread, shared)

    def _against(self, thread: int, address: int) -> str | None:
        """What speaks against a return to ``address``."""
        stack = self._dump.threads[thread].stack
        if stack and stack.start <= address < stack.end:
            return "on_the_stack"
        if not self._process.returns.may_be_code(address):
            return "not_executable"
        if self._process.modules.at(address - 1) and not self._process.returns.accept(address):
            return "no_return_address"
        return None

    def _is_further_on(self, ours: Frames, address: int) -> bool:
        return any(abs(one - address) <= TOLERANCE for one in ours[1:])

    def _end(self, thread: int, shared: int) -> str | None:
        over = shared == len(self._ours.threads[thread])
        return "outermost" if over and self._ours.ends[thread] == "outermost" else None

    @cached_property
    def _process(self) -> Process:
        rules = Symbolicator(FolderFinder(self._symbols.files, self._symbols.cache))
        return Process(self._dump, architecture_of(self._dump.system.arch), rules)
