"""Objects of the bucket: written whole or in parts, first writer wins where asked, what is missing is ``None``."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Set
from contextlib import closing
from dataclasses import dataclass
from mmap import mmap
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from cairn.store import parts
from cairn.store.aws import Clients
from cairn.store.conditions import EXISTS, MISSING, first_wins
from cairn.store.errors import UnreadableError, error_code, store_errors
from cairn.store.parts import Content, Progress, Target

FORBIDDEN = {"AccessDenied", "403"}


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
                    raise too_large(key, answer["ContentLength"], limit)
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

    def download(self, key: str, path: Path, progress: Progress | None = None, limit: int | None = None) -> bool:
        """Write the object to ``path``, a piece at a time; ``False`` and no file when it is not there. Raises
        ``UnreadableError`` (``object_too_large``) above ``limit`` bytes, without reading it."""
        return self.download_tagged(key, path, progress, limit) is not None

    def download_tagged(
        self, key: str, path: Path, progress: Progress | None = None, limit: int | None = None
    ) -> str | None:
        """As ``download``, and answer the object's tag for ``put_over``; ``None`` when it is not there."""
        with store_errors(f"get s3://{self.bucket}/{key}"):
            answer = self._get(key)
            if answer is None:
                return None
            if limit is not None and answer["ContentLength"] > limit:
                answer["Body"].close()
                raise too_large(key, answer["ContentLength"], limit)
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
        told = progress or (lambda sent: None)
        if size > parts.PART:
            with store_errors(f"put s3://{self.bucket}/{key}"):
                return parts.put_stream(self._target(key), content, size, content_type, told)
        new = self.put_new(key, parts.exactly(content, size), content_type)
        told(size)
        return new

    def put_parts_over(self, key: str, content: bytes | mmap, changed: Set[int], tag: str) -> bool:
        """As ``put_over``, of an object that had the same bytes but for the parts with the numbers ``changed``: see
        ``parts.put_over``."""
        with store_errors(f"put parts of s3://{self.bucket}/{key}"):
            return parts.put_over(self._target(key), content, changed, tag)

    def _copy(self, source: str, key: str, size: int) -> bool:
        """Write an object from another one, within S3, unless there is one by that key."""
        if not size:
            return self.put_new(key, b"")
        with store_errors(f"copy s3://{self.bucket}/{source} to {key}"):
            return parts.copy(self._target(key), source, size)

    def _target(self, key: str) -> Target:
        return Target(self._clients.s3, self.bucket, key)

    def keys(self, prefix: str) -> tuple[str, ...]:
        """The keys of all objects that begin so."""
        with store_errors(f"list s3://{self.bucket}/{prefix}"):
            pages = self._clients.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            return tuple(found["Key"] for page in pages for found in page.get("Contents", []))

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


def too_large(key: str, size: int, limit: int) -> UnreadableError:
    """The error for an object that has more bytes than its reader takes."""
    return UnreadableError("object_too_large", f"{key} has {size} bytes, more than the {limit} allowed")
