"""One DynamoDB table with keys ``pk`` and ``sk``: rows as plain Python values, errors as ``StoreError``."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from botocore.exceptions import ClientError

from cairn.store.aws import Clients
from cairn.store.errors import UnavailableError, error_code, store_errors

Row: TypeAlias = dict[str, Any]
"""Attributes of an item: ``str``, ``int``, ``float``, ``bool``, ``bytes``, lists and dicts of them, and sets of ``str``
with at least one. ``None`` is left out when written."""

BATCH = 100
"""Keys that one BatchGetItem takes."""

WRITES = 25
"""Rows that one BatchWriteItem takes."""

BATCH_TRIES = 8


class Table:
    """A table by name."""

    def __init__(self, clients: Clients, name: str) -> None:
        self._clients = clients
        self.name = name

    def get(self, pk: str, sk: str, only: str | None = None) -> Row | None:
        """The row with these keys, or ``only`` these attributes of it (a projection expression), read consistently;
        ``None`` when there is none."""
        request = expression(ProjectionExpression=only)
        with store_errors(f"get from table {self.name}"):
            answer = self._clients.dynamodb.get_item(
                TableName=self.name, Key=to_item({"pk": pk, "sk": sk}), ConsistentRead=True, **request
            )
        return from_item(answer["Item"]) if "Item" in answer else None

    def put(self, row: Row, condition: str | None = None, values: Row | None = None) -> bool:
        """Write ``row``; ``False``, and nothing written, when ``condition`` does not hold."""
        request = expression(ConditionExpression=condition, ExpressionAttributeValues=values)
        with store_errors(f"put to table {self.name}"):
            try:
                self._clients.dynamodb.put_item(TableName=self.name, Item=to_item(row), **request)
            except ClientError as error:
                if error_code(error) != "ConditionalCheckFailedException":
                    raise
                return False
        return True

    def put_all(self, rows: Sequence[Row], condition: str) -> bool:
        """Write all rows or, when ``condition`` fails for one of them, none and answer ``False``."""
        puts = [
            {"Put": {"TableName": self.name, "Item": to_item(row), "ConditionExpression": condition}} for row in rows
        ]
        with store_errors(f"transaction on table {self.name}"):
            try:
                self._clients.dynamodb.transact_write_items(TransactItems=puts)  # type: ignore[arg-type]
            except ClientError as error:
                if not cancelled_by_condition(error):
                    raise
                return False
        return True

    def update(self, pk: str, sk: str, change: str, values: Row, condition: str | None = None) -> Row | None:
        """Apply an update expression, and answer the row as it is then; a row that is not there is made. ``None``, and
        nothing done, when ``condition`` does not hold."""
        request = expression(UpdateExpression=change, ConditionExpression=condition, ExpressionAttributeValues=values)
        key = to_item({"pk": pk, "sk": sk})
        with store_errors(f"update table {self.name}"):
            try:
                answer = self._clients.dynamodb.update_item(
                    TableName=self.name, Key=key, ReturnValues="ALL_NEW", **request
                )
            except ClientError as error:
                if error_code(error) != "ConditionalCheckFailedException":
                    raise
                return None
        return from_item(answer["Attributes"])

    def delete(self, pk: str, sk: str, condition: str | None = None, values: Row | None = None) -> bool:
        """Remove a row, be it there or not; ``False``, and nothing done, when ``condition`` does not hold."""
        request = expression(ConditionExpression=condition, ExpressionAttributeValues=values)
        with store_errors(f"remove from table {self.name}"):
            try:
                self._clients.dynamodb.delete_item(TableName=self.name, Key=to_item({"pk": pk, "sk": sk}), **request)
            except ClientError as error:
                if error_code(error) != "ConditionalCheckFailedException":
                    raise
                return False
        return True

    def query(self, condition: str, values: Row, index: str | None = None) -> list[Row]:
        """All rows of a key condition, page after page."""
        request = expression(IndexName=index, KeyConditionExpression=condition, ExpressionAttributeValues=values)
        with store_errors(f"query table {self.name}"):
            pages = self._clients.dynamodb.get_paginator("query").paginate(TableName=self.name, **request)
            return [from_item(item) for page in pages for item in page["Items"]]

    def page(
        self, condition: str, values: Row, index: str | None, limit: int, after: Row | None
    ) -> tuple[list[Row], Row | None]:
        """Up to ``limit`` rows of the table or an index, highest sort key first, that come after the key ``after``; and
        the key to go on after, ``None`` at the end."""
        request = expression(IndexName=index, KeyConditionExpression=condition, ExpressionAttributeValues=values)
        if after:
            request["ExclusiveStartKey"] = to_item(after)
        with store_errors(f"query table {self.name}"):
            answer = self._clients.dynamodb.query(TableName=self.name, Limit=limit, ScanIndexForward=False, **request)
        last = answer.get("LastEvaluatedKey")
        return [from_item(item) for item in answer["Items"]], from_item(last) if last else None

    def query_some(self, condition: str, values: Row, filter_by: str, limit: int) -> list[Row]:
        """The first ``limit`` rows of a key condition for which the filter ``filter_by`` holds, read consistently."""
        request = expression(
            KeyConditionExpression=condition, FilterExpression=filter_by, ExpressionAttributeValues=values
        )
        request["ConsistentRead"] = True
        found: list[Row] = []
        with store_errors(f"query table {self.name}"):
            for page in self._clients.dynamodb.get_paginator("query").paginate(TableName=self.name, **request):
                found += [from_item(item) for item in page["Items"]]
                if len(found) >= limit:
                    break
        return found[:limit]

    def write_many(self, puts: Sequence[Row], deletes: Iterable[tuple[str, str]] = ()) -> None:
        """Write rows and remove others (``pk``, ``sk``), in batches of 25 and unconditionally. No two may have the same
        keys."""
        wanted: list[dict[str, Any]] = [{"PutRequest": {"Item": to_item(row)}} for row in puts]
        wanted += [{"DeleteRequest": {"Key": to_item({"pk": pk, "sk": sk})}} for pk, sk in deletes]
        for start in range(0, len(wanted), WRITES):
            left = wanted[start : start + WRITES]
            for _ in tries():
                with store_errors(f"batch write to table {self.name}"):
                    answer = self._clients.dynamodb.batch_write_item(RequestItems={self.name: left})  # type: ignore[dict-item]
                left = [dict(one) for one in answer["UnprocessedItems"].get(self.name, [])]
                if not left:
                    break
            if left:
                raise UnavailableError(
                    "store_throttled", f"batch write to table {self.name}: {len(left)} rows left unwritten"
                )

    def get_many(self, keys: Iterable[tuple[str, str]], *, consistent: bool = False) -> dict[tuple[str, str], Row]:
        """The rows that exist among ``keys`` (``pk``, ``sk``), in batches of 100, by their keys. Reading consistently
        costs twice as much, and sees what was written just now."""
        wanted = list(dict.fromkeys(keys))
        rows: dict[tuple[str, str], Row] = {}
        for start in range(0, len(wanted), BATCH):
            batch = [to_item({"pk": pk, "sk": sk}) for pk, sk in wanted[start : start + BATCH]]
            for row in self._batch(batch, consistent):
                rows[row["pk"], row["sk"]] = row
        return rows

    def _batch(self, keys: list[dict[str, Any]], consistent: bool) -> list[Row]:
        rows: list[Row] = []
        for _ in tries():
            with store_errors(f"batch get from table {self.name}"):
                answer = self._clients.dynamodb.batch_get_item(
                    RequestItems={self.name: {"Keys": keys, "ConsistentRead": consistent}}
                )
            rows += [from_item(item) for item in answer["Responses"].get(self.name, [])]
            left = answer["UnprocessedKeys"]
            keys = [dict(key) for key in left[self.name]["Keys"]] if self.name in left else []
            if not keys:
                return rows
        raise UnavailableError("store_throttled", f"batch get from table {self.name}: {len(keys)} keys left unread")


def tries() -> Iterator[int]:
    """The tries of a batch: between them time passes, since what DynamoDB leaves undone was too much for now."""
    for attempt in range(BATCH_TRIES):
        yield attempt
        time.sleep(random.uniform(0.5, 1) * min(0.025 * 2**attempt, 1))  # noqa: S311 - jitter


def expression(**parts: Any) -> dict[str, Any]:
    """The parts of a request that are given. Values get DynamoDB's form; ``#name`` in an expression stands for the
    attribute ``name``, since many plain words are reserved."""
    request = {name: part for name, part in parts.items() if part}
    if "ExpressionAttributeValues" in request:
        request["ExpressionAttributeValues"] = to_item(request["ExpressionAttributeValues"])
    texts = " ".join(part for name, part in request.items() if name.endswith("Expression"))
    if names := {f"#{name}": name for name in re.findall(r"#(\w+)", texts)}:
        request["ExpressionAttributeNames"] = names
    return request


def cancelled_by_condition(error: ClientError) -> bool:
    """Whether a transaction was given up for a condition, and for nothing else."""
    reasons = {reason.get("Code") for reason in error.response.get("CancellationReasons", [])}
    return error_code(error) == "TransactionCanceledException" and "ConditionalCheckFailed" in reasons


def to_item(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row in DynamoDB's form, without its ``None`` values."""
    return {name: to_attribute(value) for name, value in row.items() if value is not None}


def to_attribute(value: Any) -> dict[str, Any]:  # noqa: PLR0911 - one for each type
    """One value in DynamoDB's form. Raises ``TypeError`` for a type that has none here."""
    match value:
        case bool():
            return {"BOOL": value}
        case int() | float():
            return {"N": repr(value)}
        case str():
            return {"S": str(value)}
        case bytes():
            return {"B": value}
        case list() | tuple():
            return {"L": [to_attribute(entry) for entry in value]}
        case set():
            return {"SS": sorted(value)}
        case Mapping():
            return {"M": to_item(value)}
    raise TypeError(f"a row cannot hold {type(value).__name__}")


def from_item(item: Mapping[str, Any]) -> Row:
    """The row that ``to_item`` made. A float without a fraction comes back as ``int``."""
    return {name: from_attribute(attribute) for name, attribute in item.items()}


def from_attribute(attribute: Mapping[str, Any]) -> Any:
    """One value out of DynamoDB's form."""
    ((kind, value),) = attribute.items()
    match kind:
        case "N":
            return int(value) if value.lstrip("-").isdigit() else float(value)
        case "L":
            return [from_attribute(entry) for entry in value]
        case "M":
            return from_item(value)
        case "SS":
            return set(value)
    return value
