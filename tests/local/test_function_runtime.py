from __future__ import annotations

import os

import pytest

from tests.local.small_stack import Small


@pytest.fixture(scope="module")
def surroundings(small: Small) -> dict[str, object]:
    status, answer = small.ask(
        "GET", "/surroundings?modules=boto3,botocore,shared,typer,hypercorn,ministack,cairn,yaml"
    )
    assert status == 200
    return dict(answer)


def test_a_function_imports_boto3_its_layer_and_nothing_of_this_machine(surroundings: dict[str, object]) -> None:
    assert surroundings["modules"] == ["boto3", "botocore", "shared"]


def test_a_function_sees_the_variables_it_has_on_aws(surroundings: dict[str, object], small: Small) -> None:
    environment = surroundings["environment"]
    assert isinstance(environment, dict)
    assert environment["AWS_ENDPOINT_URL"] == small.emulator.endpoint_url
    assert environment["AWS_REGION"] == "us-east-1"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"]
    assert environment["BUCKET"] == "small-crashes"
    assert not {"HOME", "STATE_DIR", "PERSIST_STATE", "GATEWAY_PORT", "VIRTUAL_ENV", "PYTEST_CURRENT_TEST"} & set(
        environment
    )
    assert set(environment) & set(os.environ) <= {"PATH", "PWD", "LANG", "TZ", "TMPDIR", "SHLVL", "_"} | {
        name for name in environment if name.startswith(("AWS_", "PYTHON"))
    }
