"""Buckets that are symbol servers: ``s3://bucket/prefix/…``, read with the function's own credentials."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, ReadTimeoutError
from botocore.exceptions import ConnectionError as ConnectionFault

from cairn.store.aws import Clients
from cairn.store.conditions import MISSING
from cairn.store.errors import error_code
from cairn.symbols.sources.records import FetchError, FetchStatus

PIECE = 1024 * 1024
KEY_LIMIT = 1024
"""Bytes of a key that S3 takes."""

FORBIDDEN = {"AccessDenied", "403", "AllAccessDisabled"}
ELSEWHERE = {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301"}
"""What is left of a bucket in another region where following it there has failed; botocore does so by itself."""


class SourceBuckets:
    """Reads from any bucket that the role of the function may read from, of whatever account and region."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def download(self, address: str, path: Path, size_limit: int, seconds: float) -> None:
        """Write the object at ``s3://bucket/key`` to ``path``. Raises ``FetchError``."""
        bucket, _, key = address.removeprefix("s3://").partition("/")
        if len(key.encode()) > KEY_LIMIT:
            raise FetchError(FetchStatus.MISSING, "no object can have so long a key")
        deadline = time.monotonic() + seconds
        try:
            answer = self._clients.s3.get_object(Bucket=bucket, Key=key)
            _receive(answer, path, size_limit, deadline)
        except ClientError as error:
            raise _from_answer(error, bucket) from error
        except (ConnectTimeoutError, ReadTimeoutError) as error:
            raise FetchError(FetchStatus.TIMED_OUT, f"the bucket {bucket} took too long") from error
        except (BotoCoreError, ConnectionFault) as error:
            raise FetchError(FetchStatus.FAILED, f"the bucket {bucket} cannot be read: {error}") from error


def _receive(answer: Any, path: Path, size_limit: int, deadline: float) -> None:
    with closing(answer["Body"]) as body:
        if answer["ContentLength"] > size_limit:
            raise FetchError(FetchStatus.TOO_LARGE, f"it has more than {size_limit} bytes")
        with path.open("wb") as file:
            for piece in body.iter_chunks(PIECE):
                if time.monotonic() > deadline:
                    raise FetchError(FetchStatus.TIMED_OUT, "reading it took too long")
                file.write(piece)


def _from_answer(error: ClientError, bucket: str) -> FetchError:
    code = error_code(error)
    if code in MISSING:
        return FetchError(FetchStatus.MISSING, "there is no such object")
    if code in FORBIDDEN:
        return FetchError(FetchStatus.FORBIDDEN, _why_forbidden(bucket, str(error)))
    if code == "InvalidObjectState":
        return FetchError(FetchStatus.FORBIDDEN, "it lies in an archive of S3, and has to be restored first")
    if code == "NoSuchBucket":
        return FetchError(FetchStatus.FAILED, f"there is no bucket {bucket}")
    if code in ELSEWHERE:
        return FetchError(FetchStatus.FAILED, f"the bucket {bucket} is in a region that is not reached from here")
    return FetchError(FetchStatus.FAILED, f"the bucket {bucket} answers {code}")


def _why_forbidden(bucket: str, said: str) -> str:
    """Who has to allow what, as far as S3 tells: across accounts it says no more than that access is denied."""
    if "kms:" in said:
        return f"the bucket {bucket} is encrypted with a KMS key whose policy does not let the function Compile use it"
    if "no identity-based policy" in said:
        return f"the bucket {bucket} may not be read: name it in the setting symbol_buckets, and deploy"
    return (
        f"the bucket {bucket} may not be read: name it in the setting symbol_buckets, and let its policy allow "
        "s3:GetObject and s3:ListBucket. Without the latter S3 says the same of what is not there"
    )
