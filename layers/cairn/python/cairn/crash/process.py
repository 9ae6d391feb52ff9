"""A minidump to a crash: read, walk, name, learn.

The one call behind the symbolicate function and ``cairn stackwalk``.
"""

from __future__ import annotations

from collections.abc import Sequence

from cairn.crash.explain import explain
from cairn.crash.facts import analyse
from cairn.crash.program_bytes import ProgramBytes
from cairn.crash.reason import crash_reason
from cairn.crash.records import Crash, NamedFrame, NamedStack
from cairn.crash.symbolication import SymbolFinder, Symbolicator
from cairn.minidump.distant import DistantFile
from cairn.minidump.reader import read
from cairn.minidump.records import Minidump, Module
from cairn.unwind.walker import walk_threads


def process(data: bytes | memoryview | DistantFile, finder: SymbolFinder) -> Crash:
    """All there is to say of the minidump in ``data``, with the symbols that ``finder`` has.

    Raises ``MinidumpError`` when the file cannot be read at all. What is wrong inside a readable dump stands in
    ``dump.problems`` and in the frames' trust.
    """
    dump = read(data)
    finder.expect([(module.debug_id, module.code_id) for module in dump.modules])
    symbolicator = Symbolicator(finder)
    walked = walk_threads(dump, symbolicator)
    named = symbolicator.name([stack.frames for stack in walked])
    stacks = tuple(
        NamedStack(thread, frames, stack.end) for thread, stack, frames in zip(dump.threads, walked, named, strict=True)
    )
    reason = crash_reason(dump.exception, dump.system) if dump.exception else None
    facts = analyse(dump, ProgramBytes(dump.modules, symbolicator))
    return Crash(
        dump=with_limit(dump, data) if isinstance(data, DistantFile) else dump,
        stacks=stacks,
        modules=symbolicator.status(dump.modules, _touched(named)),
        reason=reason,
        facts=facts,
        explanation=explain(reason, facts) if reason else None,
    )


def with_limit(dump: Minidump, file: DistantFile) -> Minidump:
    """The dump with a problem when it was too large to read all that was asked of it."""
    return dump._replace(problems=(*dump.problems, file.problem)) if file.problem else dump


def _touched(stacks: Sequence[tuple[NamedFrame, ...]]) -> frozenset[Module]:
    return frozenset(named.frame.module for frames in stacks for named in frames if named.frame.module)
