"""How much of anything intake takes, and why.

The named constants are the defaults; a deployment sets others by environment (``CAIRN_LIMIT_FILE`` and so on, in
bytes or counts). What these limits refuse is answered with a 413 or 400 as `docs/sending-crashes.md` lists. The
platform's front door has its own, lower one: about 4.5 MiB on the wire through API Gateway and Lambda.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields

KIB = 1024
MIB = 1024 * KIB

COMPRESSED_BODY = 20 * MIB
"""A request with a ``Content-Encoding``, on the wire: what Sentry promises its clients."""
BODY = 100 * MIB
"""A request after its ``Content-Encoding``, and one without: Sentry's promise, and what /tmp of a function holds."""
FILE = 100 * MIB
"""One file of a form, a raw dump, and a dump once it is unpacked: Sentry's promise."""
FILES = 100 * MIB
"""All files of a form together: Sentry's promise."""
EVENT = 1 * MIB
"""``__sentry-event``, each breadcrumb file, and all form fields together (names and values): Sentry's event size."""
UPLOAD = 5 * 1024 * MIB
"""All files of an upload that goes to S3 by signed addresses: a dump with the memory of its process."""
TUS = 1024 * MIB
"""An attachment that sentry-native sends on its own, by tus: what Relay takes, and what the SDK sends at most."""
TUS_CHUNK = 4 * MIB
"""A piece of such an attachment, as clients are told: what passes API Gateway and Lambda."""
ATTACHMENTS = 30
"""Files of a form, the dump included: as many as Relay takes."""
PARTS = 1000
"""Parts of a form. Electron sends about 60; a hundred thousand would only keep the parser busy."""
SPIKE_FLOOR = 100
"""Crashes of a project in an hour that are never a spike: a small or new program has no usual rate to speak of."""
SPIKE_MULTIPLE = 10
"""How many times its usual rate of an hour a project with spike protection may send."""

PIECE = 64 * KIB
"""Bytes read, decompressed and parsed at a time."""
SPOOL = 1 * MIB
"""Bytes of a file kept in memory before it goes to a temporary file: 30 files at once stay a small part of a function
of 512 MB, and a usual dump never touches the disk twice."""
PART_HEADER = 4 * KIB
"""A header line of a part. Its longest content is a file name, which file systems end at 255 characters."""
STREAMS = 1000
"""Compressed streams one after another in one body (as pigz and pbzip2 make them): each costs a new decoder."""
XZ_MEMORY = 80 * MIB
"""Memory to unpack xz: ``xz -9`` needs 65 MiB."""
ZSTD_WINDOW = 128 * MIB
"""Window of zstd: what ``zstd -d`` accepts without being asked; ``zstd -19`` needs 8 MiB."""
ITEMS = 500
"""Items of an envelope: as many as Relay takes."""
ENVELOPE_LINE = 64 * KIB
"""A header line of an envelope. The longest thing in one is a list of SDK packages, of a few kilobytes."""
FEEDBACK_NAME = 200
"""Characters of a name or an address in feedback."""
FEEDBACK_MESSAGE = 8192
"""Characters of a user's message, as of an event's."""
JSON_DEPTH = 50
"""Levels of an event that are kept. Sentry's schema needs about ten; Python's own recursion ends near a thousand."""
PATH_DEPTH = 15
"""Brackets of a ``sentry[a][b]`` field, as in Relay."""
MSGPACK_ITEMS = 4096
"""Items of one msgpack array: room for them is made before the first one is read, at each of 512 levels."""
BREADCRUMBS = 1000
"""Breadcrumbs kept of a file; sentry-native writes 100."""
FILE_NAME = 255
"""Characters of a file's name, where it is not bounded by the header of its part: file systems end there."""
CLIENT_NAME = 200
"""Characters of a client's name."""
PATTERN = 200
"""Characters of a filter's pattern: as many as a release has."""
FILTERS = 100
"""Filters of a project. They lie in the project's row, and each looks at each crash."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits that a deployment can choose; bytes, but for the counts ``attachments``, ``parts`` and ``spike_…``."""

    compressed_body: int = COMPRESSED_BODY
    body: int = BODY
    file: int = FILE
    files: int = FILES
    event: int = EVENT
    upload: int = UPLOAD
    tus: int = TUS
    tus_chunk: int = TUS_CHUNK
    attachments: int = ATTACHMENTS
    parts: int = PARTS
    spike_floor: int = SPIKE_FLOOR
    spike_multiple: int = SPIKE_MULTIPLE

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Limits:
        """The limits of this deployment: ``CAIRN_LIMIT_<FIELD>``, whole numbers above zero; what is not set keeps its
        default. Raises ``ValueError`` naming the variable that is wrong."""
        chosen = {}
        for limit in fields(cls):
            variable = f"CAIRN_LIMIT_{limit.name.upper()}"
            if text := environment.get(variable):
                chosen[limit.name] = whole_number(variable, text)
        return cls(**chosen)


def whole_number(variable: str, text: str) -> int:
    """The value of a variable. Raises ``ValueError`` naming it when it is not a whole number above zero."""
    if not (text.isascii() and text.isdigit() and int(text)):
        raise ValueError(f"{variable} is {text!r}: set it to a whole number above zero, or leave it out")
    return int(text)


def human_size(size: int) -> str:
    """A size for a message: ``100 MiB``, ``300 KiB``, ``17 bytes``."""
    for unit, name in ((1024 * MIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if size >= unit:
            return f"{size / unit:.4g} {name}"
    return f"{size} bytes"
