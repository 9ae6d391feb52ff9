"""Snapshots of the emulator on disk, soon after each change, so that kill -9 loses nothing that was accepted.

The emulator writes objects of S3 when they are put, everything else only when it stops. Here a forked child writes
what is in memory: the parent goes on at once, and the child sees every service at one and the same instant. It writes
tables before queues, so a message is only gone from the disk when the work it asked for is there.

What happened after the last snapshot is made good at the next start. An accepted crash is an object in S3, so the
events of objects that are younger than the snapshot are sent again, and messages that were being worked on become
visible at once. Both may do a thing twice, as S3 and SQS may on AWS.

Uses private names of MiniStack 1.5.33, which is why that version is pinned.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import time
import warnings
from pathlib import Path
from typing import Any

from ministack import app
from ministack.core import persistence
from ministack.services import s3, sqs

DATA = ("dynamodb", "sqs")
"""Services that change with every crash, in the order in which they are written. The others change by a deployment."""
SETTLE = 0.2
"""Seconds from a change to its snapshot, so that changes in a row share one."""
BREATH = 4
"""Time between two snapshots, in times that the last one took."""
SAVE_LIMIT = 120.0
CLOCK_GRAIN = 0.1
"""Seconds that a file's time may lie before the clock's."""
EVENT_MARGIN = 5.0
"""Seconds before the snapshot from which on the events of objects are sent again."""

READS = re.compile(rb"\.(Get|BatchGet|TransactGet|Query|Scan|List|Describe)")

log = logging.getLogger("cairn.snapshots")


class Snapshots:
    """Watches requests and writes what they changed.

    ``marker`` is a file whose time is that of the last snapshot; ``stopping`` is when an orderly stop began. The
    marker stays as the last run left it until ``recover`` has made use of it.
    """

    def __init__(self, marker: Path) -> None:
        self.marker = marker
        self.stopping = 0.0
        self._recovered = False
        self._changed = asyncio.Event()
        self._writing = asyncio.Lock()

    def watch(self, scope: Any) -> None:
        """Take note of an answered request that may have changed data."""
        reading = scope["method"] in ("GET", "HEAD") or READS.search(dict(scope["headers"]).get(b"x-amz-target", b""))
        if not reading:
            self._changed.set()

    async def keep(self) -> None:
        """Write the data after each change, for ever."""
        while True:
            await self._changed.wait()
            await asyncio.sleep(SETTLE)
            started = time.monotonic()
            await self.save(everything=False)
            await asyncio.sleep(BREATH * (time.monotonic() - started))

    async def save(self, everything: bool) -> bool:
        """Write the data, or ``everything`` (stack, functions, logs too). What fails is tried with the next change."""
        async with self._writing:
            self._changed.clear()
            child = self._fork(everything)
            done = await _finish(child)
        if not done:
            log.error("a snapshot failed")
            self._changed.set()
        return done

    def _fork(self, everything: bool) -> int:
        now = time.time()
        with warnings.catch_warnings():
            # Only this thread goes on in the child, and it takes no lock that another may hold.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child:
            return child
        code = 1
        try:
            write(everything)
            self._mark(now)
            code = 0
        finally:
            os._exit(code)

    def _mark(self, when: float) -> None:
        if self._recovered:
            self.marker.touch(mode=0o600)
            os.utime(self.marker, (when, when))

    def recover(self) -> None:
        """Make good what the last snapshot could not know. Call it once, before functions take messages."""
        release_messages()
        resend_events(self.marker.stat().st_mtime - EVENT_MARGIN if self.marker.exists() else 0)
        self._recovered = True
        self._changed.set()

    def finish(self) -> None:
        """Note that the emulator has stopped in order and written everything that came before the stop began."""
        self._mark(self.stopping + EVENT_MARGIN)


def write(everything: bool) -> None:
    """Write the state of the services that hold data, or of all, with the emulator's own writer.

    Raises ``OSError`` if the data did not reach the disk; the writer itself only logs that.
    """
    started = time.time()
    states = app._build_persistence_save_dict()
    order = [*(name for name in states if everything and name not in DATA), *DATA]
    persistence.save_all({name: states[name] for name in order if name in states})
    for name in DATA:
        file = Path(persistence.STATE_DIR, f"{name}.json")
        if name in states and file.stat().st_mtime < started - CLOCK_GRAIN:
            raise OSError(f"{file} was not written")


async def _finish(child: int) -> bool:
    deadline = time.monotonic() + SAVE_LIMIT
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status == 0
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
        await asyncio.sleep(0.02)


def release_messages() -> None:
    """Make messages that a lost function was working on visible at once."""
    for queue in sqs._queues._data.values():
        for message in queue["messages"]:
            message["visible_at"] = min(message.get("visible_at", 0), time.time())


def resend_events(since: float) -> int:
    """Send the events of objects written at ``since`` (Unix seconds) or later; return how many objects that were."""
    sent = 0
    for (_account, bucket), content in s3._buckets._data.items():
        if bucket in s3._bucket_notifications:
            for key, item in content["objects"].items():
                path = s3._object_disk_path(bucket, key)
                if path and Path(path).exists() and Path(path).stat().st_mtime >= since:
                    s3._fire_s3_event(bucket, key, "s3:ObjectCreated:Put", size=item["size"], etag=item["etag"])
                    sent += 1
    return sent
