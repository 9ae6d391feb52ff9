"""Objects of the bucket: written whole or in parts, first writer wins where asked, what is missing is ``None``."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from mmap import mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from cairn.store.aws import Clients
from cairn.store.errors import RefusedError, StoreError, UnreadableError, error_code, store_errors

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedMultipartUploadTypeDef, CompletedPartTypeDef

PART = 8 * 1024 * 1024
"""Bytes of a part, and the size up to which one PUT does. S3 takes 5 MiB to 5 GiB a part, 10,000 parts an object."""

PARTS_AT_ONCE = 4
"""Parts in memory and on their way at the same time."""

COPIED_PART = 128 * 1024 * 1024
COPIED_AT_ONCE = 8
"""Bytes of a part that S3 copies from another object, and such parts at the same time: 1 GiB in one go."""

MISSING = {"NoSuchKey", "404", "NotFound"}
FORBIDDEN = {"AccessDenied", "403"}
EXISTS = {"PreconditionFailed", "412"}
CONFLICT_TRIES = 3
"""S3 answers 409 ``ConditionalRequestConflict`` when two conditional writes meet, and asks to try again."""

Progress = Callable[[int], None]
"""Called with the number of bytes that went out, or came, since the last call."""


class Content(Protocol):
    """What objects are written from: a file, or what reads like one."""

    def read(self, size: int, /) -> bytes: ...
    def seek(self, offset: int, /) -> int: ...


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object as a list shows it; ``written`` is in Unix seconds."""

    key: str
    written: float


class Objects:
    """The objects of one bucket.

    Who may not list a bucket is told 403 of an object that is not there, as of one that may not be read. With
    ``may_list`` false that counts as not there.
    """

    def __init__(self, clients: Clients, bucket: str, *, may_list: bool = True) -> None:
        self._clients = clients
        self._missing = MISSING if may_list else MISSING | FORBIDDEN
        self.bucket = bucket

    def size(self, key: str) -> int | None:
        """Bytes of an object; ``None`` when it is not there."""
        with store_errors(f"head s3://{self.bucket}/{key}"):
            try:
                return self._clients.s3.head_object(Bucket=self.bucket, Key=key)["ContentLength"]
            except ClientError as error:
                if error_code(error) not in self._missing:
                    raise
                return None

    def read(self, key: str, limit: int) -> bytes | None:
        """The whole object; ``None`` when it is not there. Raises ``UnreadableError`` (``object_too_large``) above
        ``limit`` bytes, without reading it."""
        found = self.read_with_tag(key, limit)
        return found[0] if found else None

    def read_with_tag(self, key: str, limit: int) -> tuple[bytes, str] | None:
        """As ``read``, with the object's tag for ``put_over``."""
        with store_errors(f"get s3://{self.bucket}/{key}"):
            answer = self._get(key)
            if answer is None:
                return None
            with closing(answer["Body"]) as body:
                if answer["ContentLength"] > limit:
                    raise UnreadableError(
                        "object_too_large", f"{key} has {answer['ContentLength']} bytes, more than the {limit} allowed"
                    )
                return bytes(body.read()), answer["ETag"]

    def read_tagged(self, key: str, limit: int) -> tuple[bytes, str] | None:
        """Up to ``limit`` bytes of an object, and its tag for ``put_over``; ``None`` when it is not there."""
        with store_errors(f"get s3://{self.bucket}/{key}"):
            answer = self._get(key)
            if answer is None:
                return None
            with closing(answer["Body"]) as body:
                return bytes(body.read(limit)), answer["ETag"]

    def put_over(self, key: str, content: bytes, tag: str | None) -> bool:
        """Write an object over the one that ``tag`` was read from, or where there was none without ``tag``. ``False``
        when another writer was faster."""
        if tag is None:
            return self.put_new(key, content)
        with store_errors(f"put s3://{self.bucket}/{key}"):
            return first_wins(
                lambda: self._clients.s3.put_object(Bucket=self.bucket, Key=key, Body=content, IfMatch=tag),
                EXISTS | MISSING,
            )

    def read_range(self, key: str, start: int, end: int) -> bytes | None:
        """The bytes from ``start`` to before ``end``, fewer at the object's end; ``None`` when it is not there."""
        with store_errors(f"get s3://{self.bucket}/{key}"):
            answer = self._get(key, Range=f"bytes={start}-{end - 1}")
            if answer is None:
                return None
            with closing(answer["Body"]) as body:
                return bytes(body.read())

    def download(self, key: str, path: Path, progress: Progress | None = None) -> bool:
        """Write the object to ``path``, a piece at a time; ``False`` and no file when it is not there."""
        return self.download_tagged(key, path, progress) is not None

    def download_tagged(self, key: str, path: Path, progress: Progress | None = None) -> str | None:
        """As ``download``, and answer the object's tag for ``put_over``; ``None`` when it is not there."""
        with store_errors(f"get s3://{self.bucket}/{key}"):
            answer = self._get(key)
            if answer is None:
                return None
            with closing(answer["Body"]) as body, path.open("wb") as file:
                for piece in body.iter_chunks(1024 * 1024):
                    file.write(piece)
                    if progress:
                        progress(len(piece))
        tag: str = answer["ETag"]
        return tag

    def under(self, prefix: str) -> Iterator[ListedObject]:
        """The objects whose keys begin with ``prefix``, by key, a thousand a request."""
        with store_errors(f"list s3://{self.bucket}/{prefix}"):
            pages = self._clients.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            for page in pages:
                for entry in page.get("Contents", []):
                    yield ListedObject(entry["Key"], entry["LastModified"].timestamp())

    def folders(self, prefix: str) -> Iterator[str]:
        """The names of the folders right below ``prefix``, which ends in a slash, without slashes."""
        with store_errors(f"list s3://{self.bucket}/{prefix}"):
            paginator = self._clients.s3.get_paginator("list_objects_v2")
            for page in paginator.paginate(Bucket=self.bucket, Prefix=prefix, Delimiter="/"):
                for entry in page.get("CommonPrefixes", []):
                    yield entry["Prefix"].removeprefix(prefix).rstrip("/")

    def link(self, key: str, seconds: int, name: str | None = None, *, head: bool = False) -> str:
        """A URL that gives the object to whoever has it, for so long. With a ``name`` browsers save it by that,
        whatever it holds. With ``head`` it is for the method HEAD, which is part of what is signed."""
        with store_errors(f"link s3://{self.bucket}/{key}"):
            where, what = {"Bucket": self.bucket, "Key": key}, "head_object" if head else "get_object"
            if name is not None:
                where["ResponseContentDisposition"] = f'attachment; filename="{re.sub(r"[^A-Za-z0-9._-]", "_", name)}"'
            return self._clients.s3.generate_presigned_url(what, Params=where, ExpiresIn=seconds)

    def delete(self, key: str) -> None:
        """Remove an object, be it there or not."""
        with store_errors(f"delete s3://{self.bucket}/{key}"):
            self._clients.s3.delete_object(Bucket=self.bucket, Key=key)

    def put(self, key: str, content: bytes, content_type: str = "application/octet-stream") -> None:
        """Write an object, whatever was there."""
        with store_errors(f"put s3://{self.bucket}/{key}"):
            self._clients.s3.put_object(Bucket=self.bucket, Key=key, Body=content, ContentType=content_type)

    def put_new(self, key: str, content: bytes, content_type: str = "application/octet-stream") -> bool:
        """Write an object unless there is one by that key; ``False`` when there is."""
        with store_errors(f"put s3://{self.bucket}/{key}"):
            return first_wins(
                lambda: self._clients.s3.put_object(
                    Bucket=self.bucket, Key=key, Body=content, ContentType=content_type, IfNoneMatch="*"
                )
            )

    def put_new_stream(
        self,
        key: str,
        content: Content,
        size: int,
        content_type: str = "application/octet-stream",
        progress: Progress | None = None,
    ) -> bool:
        """Write ``size`` bytes of a seekable stream from its start, in parts when it is more than one, unless there is
        an object by that key; ``False`` when there is. Raises ``RefusedError`` (``content_truncated``) when the stream
        ends early: nothing is written then."""
        if isinstance(content, StoredContent):
            return self._copy(content.key, key, size)
        content.seek(0)
        if size > PART:
            return self._put_parts(key, content, size, content_type, progress or (lambda sent: None))
        new = self.put_new(key, exactly(content, size), content_type)
        if progress:
            progress(size)
        return new

    def keys(self, prefix: str) -> tuple[str, ...]:
        """The keys of all objects that begin so."""
        with store_errors(f"list s3://{self.bucket}/{prefix}"):
            pages = self._clients.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            return tuple(found["Key"] for page in pages for found in page.get("Contents", []))

    def _copy(self, source: str, key: str, size: int) -> bool:
        """Write an object from another one, within S3, unless there is one by that key."""
        if not size:
            return self.put_new(key, b"")
        s3, ranges = self._clients.s3, list(enumerate(range(0, size, COPIED_PART), 1))
        with store_errors(f"copy s3://{self.bucket}/{source} to {key}"):
            upload = s3.create_multipart_upload(Bucket=self.bucket, Key=key)["UploadId"]
            where: Any = {"Bucket": self.bucket, "Key": key, "UploadId": upload}

            def copy(part: tuple[int, int]) -> CompletedPartTypeDef:
                number, start = part
                what: Any = {"Bucket": self.bucket, "Key": source}
                bytes_range = f"bytes={start}-{min(start + COPIED_PART, size) - 1}"
                done = s3.upload_part_copy(**where, PartNumber=number, CopySource=what, CopySourceRange=bytes_range)
                return {"PartNumber": number, "ETag": done["CopyPartResult"]["ETag"]}

            try:
                with ThreadPoolExecutor(COPIED_AT_ONCE) as pool:
                    done: CompletedMultipartUploadTypeDef = {"Parts": list(pool.map(copy, ranges))}
                new = first_wins(lambda: s3.complete_multipart_upload(**where, MultipartUpload=done, IfNoneMatch="*"))
            except ClientError:
                s3.abort_multipart_upload(**where)
                raise
            if not new:
                s3.abort_multipart_upload(**where)
            return new

    def _put_parts(self, key: str, content: Content, size: int, content_type: str, progress: Progress) -> bool:
        s3 = self._clients.s3
        with store_errors(f"put s3://{self.bucket}/{key}"):
            upload = s3.create_multipart_upload(Bucket=self.bucket, Key=key, ContentType=content_type)["UploadId"]
            where: Any = {"Bucket": self.bucket, "Key": key, "UploadId": upload}
            try:
                parts = self._send_parts(where, content, size, progress)
                done: CompletedMultipartUploadTypeDef = {"Parts": parts}
                new = first_wins(lambda: s3.complete_multipart_upload(**where, MultipartUpload=done, IfNoneMatch="*"))
            except (BotoCoreError, ClientError, StoreError, OSError):
                self._abort(where)
                raise
            if not new:
                self._abort(where)
            return new

    def put_parts_over(self, key: str, content: bytes | mmap, changed: Set[int], tag: str) -> bool:
        """Write an object over the one that ``tag`` was read from, which had the same bytes but for the parts
        (``PART``) with the numbers ``changed``, from 0: S3 copies the others. ``False`` when another writer was
        faster."""
        s3 = self._clients.s3
        with store_errors(f"put parts of s3://{self.bucket}/{key}"):
            upload = s3.create_multipart_upload(Bucket=self.bucket, Key=key)["UploadId"]
            where: Any = {"Bucket": self.bucket, "Key": key, "UploadId": upload}

            def put(part: tuple[int, Span]) -> CompletedPartTypeDef:
                number, span = part
                if span.changed:
                    body = bytes(content[span.start : span.end])
                    return {"PartNumber": number, "ETag": s3.upload_part(**where, PartNumber=number, Body=body)["ETag"]}
                what: Any = {"CopySource": {"Bucket": self.bucket, "Key": key}, "CopySourceIfMatch": tag}
                within = f"bytes={span.start}-{span.end - 1}"
                done = s3.upload_part_copy(**where, **what, PartNumber=number, CopySourceRange=within)
                return {"PartNumber": number, "ETag": done["CopyPartResult"]["ETag"]}

            def write() -> None:
                with ThreadPoolExecutor(PARTS_AT_ONCE) as pool:
                    parts = list(pool.map(put, enumerate(spans(len(content), changed), 1)))
                s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts}, IfMatch=tag)

            try:
                new = first_wins(write, EXISTS | MISSING)
            except (BotoCoreError, ClientError, StoreError):
                self._abort(where)
                raise
            if not new:
                self._abort(where)
            return new

    def _abort(self, where: Any) -> None:
        """Give up an upload in parts. It is gone already when S3 completed it and the answer was lost: then botocore
        has asked a second time, and met its own object."""
        try:
            self._clients.s3.abort_multipart_upload(**where)
        except ClientError as error:
            if error_code(error) != "NoSuchUpload":
                raise

    def _send_parts(self, where: Any, content: Content, size: int, progress: Progress) -> list[CompletedPartTypeDef]:
        def send(part: tuple[int, bytes]) -> CompletedPartTypeDef:
            number, body = part
            etag = self._clients.s3.upload_part(**where, PartNumber=number, Body=body)["ETag"]
            progress(len(body))
            return {"ETag": etag, "PartNumber": number}

        sent: list[CompletedPartTypeDef] = []
        with ThreadPoolExecutor(PARTS_AT_ONCE) as pool:
            for few in parts_of(content, size):
                sent += pool.map(send, few)
        return sent

    def _get(self, key: str, **more: Any) -> Any:
        try:
            return self._clients.s3.get_object(Bucket=self.bucket, Key=key, **more)
        except ClientError as error:
            if error_code(error) not in self._missing:
                raise
            return None


class StoredContent(io.RawIOBase):
    """An object of ``size`` bytes as a file to read. Where it is written to another object, S3 copies it."""

    def __init__(self, objects: Objects, key: str, size: int) -> None:
        super().__init__()
        self._objects = objects
        self._at = 0
        self.key = key
        self.size = size

    def readable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to ``offset``, from the start, from here, or from the end."""
        self._at = (0, self._at, self.size)[whence] + offset
        return self._at

    def tell(self) -> int:
        """Where it stands."""
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        """Fetch what fits into ``buffer``."""
        end = min(self._at + len(buffer), self.size)
        content = self._objects.read_range(self.key, self._at, end) if self._at < end else b""
        if content is None:
            raise OSError(f"there is no object {self.key}")
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)


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


def first_wins(write: Callable[[], object], lost: Set[str] = frozenset(EXISTS)) -> bool:
    """Do a conditional write; ``False`` when the object is there already, or whatever else ``lost`` says."""
    for attempt in range(CONFLICT_TRIES):
        try:
            write()
        except ClientError as error:
            if error_code(error) in lost:
                return False
            if error_code(error) != "ConditionalRequestConflict" or attempt == CONFLICT_TRIES - 1:
                raise
        else:
            return True
    raise AssertionError("unreachable")


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
