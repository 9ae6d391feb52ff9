"""Deploys Cairn to the AWS account of the credentials at hand: ``python -m infra.deploy [--context name=value …]``.

Arguments go to ``cdk deploy``. Checked first is what CDK would report late or unclearly: credentials, region, and that
the account has been prepared with ``cdk bootstrap``.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Any

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

from infra import cdk_cli

BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
"""Written by ``cdk bootstrap``."""

NO_CREDENTIALS = """There are no AWS credentials here. One of these gives some:
  aws configure sso && aws sso login     then: export AWS_PROFILE=<the profile>
  export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… AWS_REGION=…"""


class NotReadyError(Exception):
    """A deployment cannot begin; the message says what is missing and what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to deploy."""

    account: str
    region: str


def find_place(session: botocore.session.Session) -> Place:
    """Account and region of the credentials at hand. Raises ``NotReadyError``."""
    region = os.environ.get("AWS_REGION") or session.get_config_variable("region")
    if not region:
        raise NotReadyError("There is no AWS region. For instance: export AWS_REGION=eu-central-1")
    try:
        if session.get_credentials() is None:
            raise NotReadyError(NO_CREDENTIALS)
        sts: Any = session.create_client("sts", region_name=region)
        return Place(sts.get_caller_identity()["Account"], region)
    except (BotoCoreError, ClientError) as error:
        raise NotReadyError(f"AWS does not take the credentials here: {error}\n{NO_CREDENTIALS}") from error


def check_bootstrapped(session: botocore.session.Session, place: Place) -> None:
    """Raise ``NotReadyError`` unless ``cdk bootstrap`` was run for the account and region."""
    ssm: Any = session.create_client("ssm", region_name=place.region)
    try:
        ssm.get_parameter(Name=BOOTSTRAP_PARAMETER)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ParameterNotFound":
            return  # perhaps this role may not look; CDK will tell
        raise NotReadyError(
            f"CDK needs a bucket and roles of its own, once for each account and region:\n"
            f"  make cdk ARGS='bootstrap aws://{place.account}/{place.region}'\n"
            f"Then run `make deploy` again."
        ) from error


def main() -> int:
    """The command line. Returns the exit status."""
    session = botocore.session.get_session()
    try:
        place = find_place(session)
        check_bootstrapped(session, place)
        print(f"Deploying to account {place.account}, {place.region}", flush=True)
        return cdk_cli.run("deploy", "--all", *sys.argv[1:])
    except (NotReadyError, cdk_cli.CdkCliError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
