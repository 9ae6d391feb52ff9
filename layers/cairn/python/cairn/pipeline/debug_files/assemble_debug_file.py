"""A debug file put together from its chunks, from S3 to S3, without ever holding more than some pieces of it.

May be done any number of times: what is there already is not written again.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from cairn.store.aws import Clients
from cairn.store.errors import RefusedError
from cairn.store.settings import Settings
from cairn.store.symbols.assemblies import Assemblies, Plan
from cairn.store.symbols.chunks import Chunks
from cairn.store.symbols.debug_file_records import DebugFileRecords
from cairn.store.symbols.debug_files import DebugFiles, debug_file_key
from cairn.store.symbols.symbol_index import SymbolEntry
from cairn.symbols.symbol_file.index import CURRENT

READ_AHEAD = 8
"""Chunks that are read before they are needed: 32 MiB."""

MISMATCH = "Reported checksum mismatch"
"""Sentry's words for chunks that do not give the file that was announced."""


@dataclass(frozen=True, slots=True)
class Assembled:
    """What became of a plan. ``key`` is the debug file's object, and ``compile`` whether to compile it now: S3 tells of
    new objects only. ``entries`` is what it serves when it is compiled already, which the crashes that wait for it may
    not have been told. Without a key there is a ``reason``."""

    key: str | None = None
    compile: bool = False
    entries: tuple[SymbolEntry, ...] = ()
    reason: str | None = None


class AssemblyStep:
    """The assembly with what it needs; one serves many files."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._chunks = Chunks(settings, clients)
        self._assemblies = Assemblies(settings, clients)
        self._debug_files = DebugFiles(settings, clients)
        self._records = DebugFileRecords(settings, clients)

    def run(self, sha1: str, plan_id: str) -> Assembled:
        """Carry out the plan with this id.

        Chunks that do not give the announced file, or are gone, are a result: the reason is kept with the plan. Raises
        ``StoreError`` where S3 or DynamoDB fail.
        """
        plan = self._assemblies.plan(sha1, plan_id)
        if plan is None:
            return Assembled(reason="the plan has failed, or is not there any more")
        key = debug_file_key(sha1, plan.name)
        record = self._records.find([sha1]).get(sha1)
        if record and record.version == CURRENT and not record.members:
            return Assembled(key, entries=record.entries)
        try:
            with ThreadPoolExecutor(READ_AHEAD) as pool:
                content = ChunkStream(self._chunks.read, plan, pool)
                is_new = self._debug_files.put_stream(sha1, plan.name, content, plan.size)
        except ChunkError as error:
            return self._failed(plan, error)
        return Assembled(key, compile=not is_new)

    def _failed(self, plan: Plan, error: ChunkError) -> Assembled:
        if error.chunk:
            self._chunks.forget(error.chunk)
        self._assemblies.fail(plan, error.message)
        return Assembled(reason=error.message)


class ChunkError(RefusedError):
    """The chunks do not give the file: ``checksum_mismatch``, or ``chunk_gone`` of ``chunk``."""

    def __init__(self, code: str, message: str, chunk: str | None = None) -> None:
        super().__init__(code, message)
        self.chunk = chunk


class ChunkStream:
    """The planned file as a stream that can be read once, from start to end. ``read`` gives a chunk; it is called
    ahead, in threads of ``pool``.

    Reading the last byte raises ``ChunkError`` when it all is not the announced file, so that nobody who reads to the
    end has taken a wrong one for good.
    """

    def __init__(self, read: Callable[[str], bytes | None], plan: Plan, pool: Executor) -> None:
        self._plan = plan
        self._wanted = iter(plan.chunks)
        self._coming: deque[tuple[str, Future[bytes | None]]] = deque()
        self._ask = lambda chunk: (chunk, pool.submit(read, chunk))
        self._rest = b""
        self._left = plan.size
        self._digest = hashlib.sha1(usedforsecurity=False)

    def seek(self, offset: int) -> int:
        """Nothing: it stands at its start."""
        if offset or self._left != self._plan.size:
            raise OSError("chunks are read once, from their start")
        return 0

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes; none at the end only."""
        if not self._rest and self._left:
            self._rest = self._next_chunk()
        piece, self._rest = self._rest[:size], self._rest[size:]
        self._left -= len(piece)
        if not self._left:
            self._check()
        return piece

    def _next_chunk(self) -> bytes:
        self._coming += map(self._ask, islice(self._wanted, READ_AHEAD - len(self._coming)))
        if not self._coming:
            raise ChunkError("checksum_mismatch", MISMATCH)
        chunk, coming = self._coming.popleft()
        content = coming.result()
        if not content:
            raise ChunkError("chunk_gone", f"The chunk {chunk} is gone: upload the file again", chunk)
        self._digest.update(content)
        return content

    def _check(self) -> None:
        if self._digest.hexdigest() != self._plan.sha1:
            raise ChunkError("checksum_mismatch", MISMATCH)
