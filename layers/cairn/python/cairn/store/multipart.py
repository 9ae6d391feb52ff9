"""Objects that arrive in parts over more than one request: S3's multipart uploads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cairn.store.aws import Clients
from cairn.store.conditions import first_wins
from cairn.store.errors import error_code, store_errors

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

SMALLEST_PART = 5 * 1024 * 1024
"""Bytes that S3 asks of each part but the last."""

GONE = {"NoSuchUpload"}


@dataclass(frozen=True, slots=True)
class Part:
    """A part that is there."""

    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class Multipart:
    """An object ``key`` that is on its way; ``id`` is S3's name for the upload."""

    key: str
    id: str


class Multiparts:
    """The multipart uploads of a bucket. What nobody completes is aborted by the bucket's lifecycle."""

    def __init__(self, clients: Clients, bucket: str) -> None:
        self._clients = clients
        self.bucket = bucket

    def begin(self, key: str) -> Multipart:
        """A new upload of an object."""
        with store_errors(f"begin s3://{self.bucket}/{key}"):
            return Multipart(key, self._clients.s3.create_multipart_upload(Bucket=self.bucket, Key=key)["UploadId"])

    def parts(self, upload: Multipart) -> dict[int, Part] | None:
        """The parts that are there, by number; ``None`` when the upload is completed, or given up."""
        with store_errors(f"list parts of s3://{self.bucket}/{upload.key}"):
            pages = self._clients.s3.get_paginator("list_parts").paginate(**self._where(upload))
            try:
                found = [part for page in pages for part in page.get("Parts", ())]
            except ClientError as error:
                if error_code(error) not in GONE:
                    raise
                return None
            return {part["PartNumber"]: Part(part["Size"], part["ETag"]) for part in found}

    def sign(self, upload: Multipart, number: int, size: int, seconds: int) -> str:
        """A URL that takes a PUT of this part, with this length, for so long, and nothing else."""
        what: Any = {**self._where(upload), "PartNumber": number, "ContentLength": size}
        with store_errors(f"sign s3://{self.bucket}/{upload.key}"):
            return self._clients.s3.generate_presigned_url("upload_part", Params=what, ExpiresIn=seconds)

    def send(self, upload: Multipart, number: int, body: bytes) -> Part:
        """Store a part, over what was there by its number."""
        with store_errors(f"put part {number} of s3://{self.bucket}/{upload.key}"):
            answer = self._clients.s3.upload_part(**self._where(upload), PartNumber=number, Body=body)
            return Part(len(body), answer["ETag"])

    def complete(self, upload: Multipart, parts: Mapping[int, Part]) -> bool:
        """Make the object of its parts; ``False`` when there is one by that key."""
        listed: list[CompletedPartTypeDef] = [
            {"PartNumber": number, "ETag": part.etag} for number, part in sorted(parts.items())
        ]
        with store_errors(f"complete s3://{self.bucket}/{upload.key}"):
            return first_wins(
                lambda: self._clients.s3.complete_multipart_upload(
                    **self._where(upload), MultipartUpload={"Parts": listed}, IfNoneMatch="*"
                )
            )

    def _where(self, upload: Multipart) -> Any:
        return {"Bucket": self.bucket, "Key": upload.key, "UploadId": upload.id}
