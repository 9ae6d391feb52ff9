"""Objects that are written in parts, some at a time: from a stream, from another object, or over what they were.

Each function answers ``False`` when another writer was faster, and leaves nothing behind when it fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from mmap import mmap
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from cairn.store.conditions import EXISTS, MISSING, first_wins
from cairn.store.errors import RefusedError, StoreError, error_code

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef as Part

PART = 8 * 1024 * 1024
"""Bytes of a part, and the size up to which one PUT does. S3 takes 5 MiB to 5 GiB a part, 10,000 parts an object."""

PARTS_AT_ONCE = 4
"""Parts in memory and on their way at the same time."""

COPIED_PART = 128 * 1024 * 1024
COPIED_AT_ONCE = 8
"""Bytes of a part that S3 copies from another object, and such parts at the same time: 1 GiB in one go."""

Progress = Callable[[int], None]
"""Called with the number of bytes that went out, or came, since the last call."""


class Content(Protocol):
    """What objects are written from: a file, or what reads like one."""

    def read(self, size: int, /) -> bytes: ...
    def seek(self, offset: int, /) -> int: ...


@dataclass(frozen=True, slots=True)
class Target:
    """The object that is written."""

    s3: S3Client
    bucket: str
    key: str

    def in_parts(
        self, send: Callable[[Any], list[Part]], lost: Set[str] = frozenset(EXISTS), content_type: str | None = None,
        **condition: Any,
    ) -> bool:  # fmt: skip
        """Begin an upload, ``send`` its parts, and complete it, if the ``condition`` holds then."""
        kind: Any = {"ContentType": content_type} if content_type else {}
        upload = self.s3.create_multipart_upload(Bucket=self.bucket, Key=self.key, **kind)["UploadId"]
        where: Any = {"Bucket": self.bucket, "Key": self.key, "UploadId": upload}
        parts: list[Part] = []

        def write() -> None:
            parts.extend([] if parts else send(where))
            self.s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts}, **condition)

        try:
            new = first_wins(write, lost)
        except (BotoCoreError, ClientError, StoreError, OSError):
            self._abort(where)
            raise
        if not new:
            self._abort(where)
        return new

    def _abort(self, where: Any) -> None:
        """Give up an upload. It is gone already when S3 completed it and the answer was lost: then botocore has asked a
        second time, and met its own object."""
        try:
            self.s3.abort_multipart_upload(**where)
        except ClientError as error:
            if error_code(error) != "NoSuchUpload":
                raise


def put_stream(target: Target, content: Content, size: int, content_type: str, progress: Progress) -> bool:
    """Write ``size`` bytes of a stream, unless there is an object."""

    def send(where: Any, part: tuple[int, bytes]) -> Part:
        number, body = part
        etag = target.s3.upload_part(**where, PartNumber=number, Body=body)["ETag"]
        progress(len(body))
        return {"ETag": etag, "PartNumber": number}

    def send_all(where: Any) -> list[Part]:
        with ThreadPoolExecutor(PARTS_AT_ONCE) as pool:
            return [done for few in parts_of(content, size) for done in pool.map(lambda part: send(where, part), few)]

    return target.in_parts(send_all, content_type=content_type, IfNoneMatch="*")


def copy(target: Target, source: str, size: int) -> bool:
    """Write what the object ``source`` holds, within S3, unless there is an object."""
    spans = [Span(start, min(start + COPIED_PART, size), changed=False) for start in range(0, size, COPIED_PART)]

    def send_all(where: Any) -> list[Part]:
        with ThreadPoolExecutor(COPIED_AT_ONCE) as pool:
            return list(pool.map(lambda part: _copied(target, where, source, *part), enumerate(spans, 1)))

    return target.in_parts(send_all, IfNoneMatch="*")


def put_over(target: Target, content: bytes | mmap, changed: Set[int], tag: str) -> bool:
    """Write over the object that ``tag`` was read from, which had the same bytes but for the parts (``PART``) with the
    numbers ``changed``, from 0: S3 copies the others."""

    def send(where: Any, number: int, span: Span) -> Part:
        if not span.changed:
            return _copied(target, where, target.key, number, span, CopySourceIfMatch=tag)
        body = bytes(content[span.start : span.end])
        return {"PartNumber": number, "ETag": target.s3.upload_part(**where, PartNumber=number, Body=body)["ETag"]}

    def send_all(where: Any) -> list[Part]:
        with ThreadPoolExecutor(PARTS_AT_ONCE) as pool:
            numbered = enumerate(spans(len(content), changed), 1)
            return list(pool.map(lambda part: send(where, *part), numbered))

    return target.in_parts(send_all, EXISTS | MISSING, IfMatch=tag)


def _copied(target: Target, where: Any, source: str, number: int, span: Span, **condition: str) -> Part:
    what: Any = {"CopySource": {"Bucket": target.bucket, "Key": source}, **condition}
    within = f"bytes={span.start}-{span.end - 1}"
    done = target.s3.upload_part_copy(**where, **what, PartNumber=number, CopySourceRange=within)
    return {"PartNumber": number, "ETag": done["CopyPartResult"]["ETag"]}


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes from ``start`` to before ``end`` of an object that is written again."""

    start: int
    end: int
    changed: bool


def spans(size: int, changed: Set[int]) -> Iterator[Span]:
    """An object in parts: each that is changed by itself, those between them together, as far as S3 copies at once."""
    start = 0
    for number in range(-(-size // PART)):
        at, end = number * PART, min((number + 1) * PART, size)
        if number in changed:
            if start < at:
                yield Span(start, at, changed=False)
            yield Span(at, end, changed=True)
            start = end
        elif end - start >= COPIED_PART or end == size:
            yield Span(start, end, changed=False)
            start = end


def parts_of(content: Content, size: int) -> Iterator[list[tuple[int, bytes]]]:
    """Numbered parts of a stream, some at a time."""
    starts = list(enumerate(range(0, size, PART), 1))
    for first in range(0, len(starts), PARTS_AT_ONCE):
        few = starts[first : first + PARTS_AT_ONCE]
        yield [(number, exactly(content, min(PART, size - start))) for number, start in few]


def exactly(content: Content, size: int) -> bytes:
    """The next ``size`` bytes of a stream. Raises ``RefusedError`` (``content_truncated``) when it ends before."""
    pieces = []
    left = size
    while left and (piece := content.read(left)):
        pieces.append(piece)
        left -= len(piece)
    if left:
        raise RefusedError("content_truncated", f"the content ends {left} bytes before the size that was told")
    return b"".join(pieces)
