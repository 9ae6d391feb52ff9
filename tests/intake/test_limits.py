from __future__ import annotations

import pytest

from cairn.intake.limits import MIB, Limits, human_size


def test_the_defaults_are_what_sentry_promises() -> None:
    limits = Limits.from_environment({})
    assert (limits.compressed_body, limits.body, limits.file, limits.files, limits.event) == (
        20 * MIB,
        100 * MIB,
        100 * MIB,
        100 * MIB,
        1 * MIB,
    )


def test_a_deployment_sets_its_own() -> None:
    environment = {"CAIRN_LIMIT_BODY": "1000", "CAIRN_LIMIT_ATTACHMENTS": "3", "CAIRN_LIMIT_FILE": ""}
    assert Limits.from_environment(environment) == Limits(body=1000, attachments=3)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "20MB", "²"])
def test_a_wrong_limit_names_its_variable(text: str) -> None:
    with pytest.raises(ValueError, match="CAIRN_LIMIT_EVENT"):
        Limits.from_environment({"CAIRN_LIMIT_EVENT": text})


@pytest.mark.parametrize(
    ("size", "text"), [(100 * MIB, "100 MiB"), (1536 * 1024, "1.5 MiB"), (300 * 1024, "300 KiB"), (17, "17 bytes")]
)
def test_sizes_for_people(size: int, text: str) -> None:
    assert human_size(size) == text
