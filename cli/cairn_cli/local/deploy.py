"""Bring a stack up to date from its template and zips, without CDK: what `cdk deploy` does, in under a second."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import ClientError

from cairn.store.aws import Clients
from cairn_cli.local.state import LocalError

STACK = "Cairn"
BUNDLES = "cairn-bundles"
"""The bucket of zips; on AWS it is the one that `cdk bootstrap` makes."""
TEMPLATE_KEY = "template.json"
DEPLOY_LIMIT = 120.0

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Deployment:
    """The stack's outputs by key, whether anything had to be done, and the address that those of all bundles begin
    with (``s3://…/``)."""

    outputs: dict[str, str]
    changed: bool
    bundles: str


def deploy(clients: Clients, template: str, zips: Collection[Path], report: Report) -> Deployment:
    """Create the stack or bring it up to date.

    ``template`` takes the parameters ``BundlesBucket`` and ``BundlesPrefix`` (see ``infra/template.py``). The prefix is
    a hash of all zips: new code is a change of the stack, and the same code is neither a change nor an upload.
    Raises ``LocalError`` (``deploy_failed``) with what CloudFormation says.
    """
    prefix = _digest(zips) + "/"
    if uploads := _upload(clients, {prefix + path.name: path for path in zips}):
        report(f"{uploads} bundles uploaded")
    started = time.monotonic()
    changed = _apply(clients, template, {"BundlesBucket": BUNDLES, "BundlesPrefix": prefix})
    if changed:
        _wait(clients)
        report(f"stack deployed in {time.monotonic() - started:.1f} s")
    return Deployment(_outputs(clients), changed, f"s3://{BUNDLES}/{prefix}")


def _digest(paths: Collection[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _upload(clients: Clients, zips: Mapping[str, Path]) -> int:
    """Put what is not there and remove what is no longer used; return how many were put."""
    clients.s3.create_bucket(Bucket=BUNDLES)
    there = {item["Key"] for item in clients.s3.list_objects_v2(Bucket=BUNDLES).get("Contents", [])}
    new = {key: path for key, path in zips.items() if key not in there}
    for key, path in new.items():
        clients.s3.put_object(Bucket=BUNDLES, Key=key, Body=path.read_bytes())
    for key in there - set(zips):
        clients.s3.delete_object(Bucket=BUNDLES, Key=key)
    return len(new)


def _status(clients: Clients) -> str | None:
    try:
        return clients.cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise


def _apply(clients: Clients, template: str, parameters: Mapping[str, str]) -> bool:
    """Begin to create or update; false if there is nothing to do."""
    clients.s3.put_object(Bucket=BUNDLES, Key=TEMPLATE_KEY, Body=template.encode())
    status = _status(clients)
    if status in ("ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED"):
        clients.cloudformation.delete_stack(StackName=STACK)
        _wait(clients)
        status = None
    change = clients.cloudformation.update_stack if status else clients.cloudformation.create_stack
    try:
        change(
            StackName=STACK,
            TemplateURL=f"{clients.s3.meta.endpoint_url}/{BUNDLES}/{TEMPLATE_KEY}",
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
        )
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
