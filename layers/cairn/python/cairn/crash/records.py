"""A crash, walked and named: what the event, the report and other outputs are made from."""

from __future__ import annotations

from typing import NamedTuple

from cairn.crash.facts import Facts
from cairn.crash.reason import Reason
from cairn.minidump.records import Minidump, Module, Thread
from cairn.symbols.records import Location, ModuleSymbols
from cairn.unwind.frames import Frame, StackEnd


class NamedFrame(NamedTuple):
    """A physical frame and the calls at its address, innermost inlined call first; empty when nothing is known.

    ``hint`` is then the nearest symbol below and how far above its start the frame is, if the module has one
    (``pthread_key_delete+0x1c``). It is no name: titles and grouping do not look at it.
    """

    frame: Frame
    calls: tuple[Location, ...] = ()
    hint: str | None = None


class NamedStack(NamedTuple):
    """The frames of one thread, callee first."""

    thread: Thread
    frames: tuple[NamedFrame, ...]
    end: StackEnd


class LoadedModule(NamedTuple):
    """A module of the dump and what was found for it; ``touched`` when a frame lies in it."""

    module: Module
    symbols: ModuleSymbols
    touched: bool


class Crash(NamedTuple):
    """All there is to say of a dump. ``stacks`` stand in the order of the dump's threads."""

    dump: Minidump
    stacks: tuple[NamedStack, ...]
    modules: tuple[LoadedModule, ...]
    reason: Reason | None
    facts: Facts
    explanation: str | None = None

    @property
    def crashed_stack(self) -> NamedStack | None:
        """The stack of the thread that the dump is about."""
        wanted = self.dump.requesting_thread_id
        return next((stack for stack in self.stacks if stack.thread.id == wanted), None)
