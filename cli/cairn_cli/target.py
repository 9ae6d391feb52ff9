"""Which Cairn a command talks to: the one that runs on this machine, or a stack in an AWS account."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass

from cairn.store.aws import Clients
from cairn.store.settings import Settings
from cairn_cli.errors import CliError
from cairn_cli.local.state import Connection, aws_clients, read_connection

DEFAULT_STACK = "Cairn"


@dataclass(frozen=True, slots=True)
class Target:
    """A running Cairn: what it is called, where crashes are sent, its parts, and the outputs of its stack."""

    name: str
    url: str
    settings: Settings
    clients: Clients
    outputs: Mapping[str, str]


def add_target_option(parser: argparse.ArgumentParser) -> None:
    """Let a command be told which Cairn to talk to."""
    parser.add_argument(
        "--stack",
        default=os.environ.get("CAIRN_STACK"),
        help="the CloudFormation stack to talk to, with your AWS credentials (default: $CAIRN_STACK, else the Cairn "
        f"that runs on this machine, else the stack {DEFAULT_STACK})",
    )


def connect(arguments: argparse.Namespace) -> Target:
    """The Cairn that the arguments and the environment name. Raises ``CliError`` when there is none."""
    local = None if arguments.stack else read_connection()
    if local is None:
        return _in_account(arguments.stack or DEFAULT_STACK)
    return local_target(local)


def local_target(local: Connection) -> Target:
    """The Cairn that runs on this machine."""
    return Target("this machine", local.url, Settings.from_outputs(local.outputs), aws_clients(local), local.outputs)


def _in_account(stack: str) -> Target:
    clients = Clients()
    try:
        found = clients.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except Exception as error:
        raise CliError(
            f"there is no Cairn on this machine, and the stack {stack} cannot be read: {error}",
            "start one with `cairn local`, or deploy one with `make deploy` and name it with --stack",
        ) from error
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
    return Target(stack, outputs["Endpoint"], Settings.from_outputs(outputs), clients, outputs)
