"""Bring a stack up to date from its template and zips, without CDK: what `cdk deploy` does, in under a second."""

from __future__ import annotations

import copy
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from cairn.store.aws import Clients
from cairn_cli.local.state import LocalError

STACK = "Cairn"
ASSETS = "cairn-assets"
"""The bucket of zips; on AWS it is the one that `cdk bootstrap` makes."""
DEPLOY_LIMIT = 120.0

Report = Callable[[str], None]
Template = dict[str, Any]


def deploy(clients: Clients, template: Template, zips: Mapping[str, Path], report: Report) -> dict[str, str]:
    """Create the stack or bring it up to date, and return its outputs.

    ``template`` names a zip as ``S3Key`` by its file name; ``zips`` has the file of each such name. The stack gets
    the zip under a name with its hash, so new code is a change of the template and old code is no upload.
    Raises ``LocalError`` (``deploy_failed``) with what CloudFormation says.
    """
    named = {name: f"{path.stem}-{_digest(path)}.zip" for name, path in zips.items()}
    body = with_assets(template, named)
    uploads = _upload(clients, {named[name]: zips[name] for name in asset_names(template)})
    if uploads:
        report(f"{uploads} bundles uploaded")
    started = time.monotonic()
    if _apply(clients, json.dumps(body)):
        _wait(clients)
        report(f"{len(template['Resources'])} resources deployed in {time.monotonic() - started:.1f} s")
    return _outputs(clients)


def asset_names(template: Template) -> set[str]:
    """The zips that a template refers to."""
    return {str(code["S3Key"]) for code in _code(template)}


def with_assets(template: Template, named: Mapping[str, str]) -> Template:
    """The template with its zips in the bucket of assets, under other names.

    Raises ``LocalError`` (``not_built``) for a zip that is not there.
    """
    missing = asset_names(template) - set(named)
    if missing:
        raise LocalError("not_built", f"The template names bundles that were not built: {', '.join(sorted(missing))}")
    result = copy.deepcopy(template)
    for code in _code(result):
        code.update(S3Bucket=ASSETS, S3Key=named[code["S3Key"]])
    return result


def _code(template: Template) -> Iterator[dict[str, Any]]:
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        for name in ("Code", "Content"):
            if isinstance(properties.get(name), dict) and "S3Key" in properties[name]:
                yield properties[name]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _upload(clients: Clients, zips: Mapping[str, Path]) -> int:
    clients.s3.create_bucket(Bucket=ASSETS)
    there = {item["Key"] for item in clients.s3.list_objects_v2(Bucket=ASSETS).get("Contents", [])}
    new = {key: path for key, path in zips.items() if key not in there}
    for key, path in new.items():
        clients.s3.put_object(Bucket=ASSETS, Key=key, Body=path.read_bytes())
    for key in there - set(zips):
        clients.s3.delete_object(Bucket=ASSETS, Key=key)
    return len(new)


def _status(clients: Clients) -> str | None:
    try:
        return clients.cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise


def _apply(clients: Clients, body: str) -> bool:
    """Begin to create or update; false if there is nothing to do."""
    clients.s3.put_object(Bucket=ASSETS, Key="template.json", Body=body.encode())
    url = f"{clients.s3.meta.endpoint_url}/{ASSETS}/template.json"
    status = _status(clients)
    if status in ("ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED"):
        clients.cloudformation.delete_stack(StackName=STACK)
        _wait(clients)
        status = None
    change = clients.cloudformation.update_stack if status else clients.cloudformation.create_stack
    try:
        change(StackName=STACK, TemplateURL=url, Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"])
    except ClientError as error:
        if "No updates are to be performed" in str(error):
            return False
        raise LocalError("deploy_failed", f"The stack was refused: {error}") from error
    return True


def _wait(clients: Clients) -> None:
    deadline = time.monotonic() + DEPLOY_LIMIT
    status = _status(clients)
    while status and status.endswith("IN_PROGRESS") and time.monotonic() < deadline:
        time.sleep(0.05)
        status = _status(clients)
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE", None):
        raise LocalError("deploy_failed", f"The stack could not be deployed ({status}):\n{_failures(clients)}")


def _failures(clients: Clients) -> str:
    events = clients.cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
    failed = [event for event in reversed(events) if event.get("ResourceStatus", "").endswith("FAILED")]
    return "\n".join(f"  {e['LogicalResourceId']}: {e.get('ResourceStatusReason', 'no reason given')}" for e in failed)


def _outputs(clients: Clients) -> dict[str, str]:
    stack = clients.cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
