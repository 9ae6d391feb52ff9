"""What a deployment may choose: CDK context keys, given with ``--context name=value`` or in ``cdk.json``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from cairn.intake import limits

LIMIT = "limit_"
"""How the settings begin that are limits of intake: what follows is the field of ``Limits``."""
NO_CERTIFICATE = (
    "large_uploads needs large_uploads_certificate_arn, a certificate of AWS Certificate Manager in the same region: "
    "without one, dumps would travel in clear. docs/large-uploads.md says how to get one"
)


class SettingError(Exception):
    """A context key has a value that cannot be used; the message names both."""


@dataclass(frozen=True, slots=True)
class DeploymentSettings:
    """The settings of one deployment. ``docs/deploying.md`` lists them; a field is a context key.

    ``stack_name``: another one for a second Cairn in the same account. ``keep_crashes_days``: dumps and attachments
    are deleted this long after they came in; ``keep_events_days``: the same for what was made of them.
    ``keep_symbols_days``: debug files are deleted this long after a crash last used them. ``keep_logs_days``: one of
    the periods CloudWatch Logs knows. ``symbolication_concurrency``: crashes symbolicated at one time (2 to 1000).
    ``compile_memory_mb``: memory for compiling debug files; new accounts may not go above 3008.
    ``requests_a_second``: what the API takes, and twice as many at once, before it answers 429 by itself.
    ``symbol_buckets``: names of buckets that symbol sources of projects may be in, with commas between them.
    ``throw_away``: delete bucket and tables together with the stack. ``alarm_email``, ``alarm_topic_arn``: who is told
    of alarms. ``large_uploads``: also deploy a server for requests of up to 20 MB, which needs
    ``large_uploads_certificate_arn``, a certificate of ACM. ``limit_…``: how much of anything a request may bring, as
    ``cairn.intake.limits`` has it.
    """

    stack_name: str = "Cairn"
    keep_crashes_days: int = 30
    keep_events_days: int = 90
    keep_symbols_days: int = 90
    keep_logs_days: int = 30
    symbolication_concurrency: int = 10
    compile_memory_mb: int = 3008
    requests_a_second: int = 1000
    symbol_buckets: str = ""
    throw_away: bool = False
    alarm_email: str | None = None
    alarm_topic_arn: str | None = None
    large_uploads: bool = False
    large_uploads_certificate_arn: str | None = None
    limit_compressed_body: int = limits.COMPRESSED_BODY
    limit_body: int = limits.BODY
    limit_file: int = limits.FILE
    limit_files: int = limits.FILES
    limit_event: int = limits.EVENT
    limit_upload: int = limits.UPLOAD
    limit_tus: int = limits.TUS
    limit_tus_chunk: int = limits.TUS_CHUNK
    limit_attachments: int = limits.ATTACHMENTS
    limit_parts: int = limits.PARTS
    limit_spike_floor: int = limits.SPIKE_FLOOR
    limit_spike_multiple: int = limits.SPIKE_MULTIPLE

    @property
    def intake_environment(self) -> dict[str, str]:
        """The variables that ``Limits.from_environment`` reads."""
        names = [field.name for field in fields(self) if field.name.startswith(LIMIT)]
        return {f"CAIRN_{name.upper()}": str(getattr(self, name)) for name in names}

    @property
    def symbol_bucket_names(self) -> tuple[str, ...]:
        """The names in ``symbol_buckets``."""
        return tuple(name for part in self.symbol_buckets.split(",") if (name := part.strip()))

    @classmethod
    def from_context(cls, get: Callable[[str], Any]) -> DeploymentSettings:
        """The settings that ``get`` (context key to value or ``None``) has. Raises ``SettingError``."""
        values: Mapping[str, Any] = {field.name: get(field.name) for field in fields(cls)}
        given = {name: _converted(name, value, cls) for name, value in values.items() if value is not None}
        settings = cls(**given)
        if settings.large_uploads and not settings.large_uploads_certificate_arn:
            raise SettingError(NO_CERTIFICATE)
        return settings


def _converted(name: str, value: Any, settings: type[DeploymentSettings]) -> Any:
    """The command line gives all values as text."""
    default = next(field.default for field in fields(settings) if field.name == name)
    text = str(value)
    if isinstance(default, bool):
        if text.lower() not in ("true", "false"):
            raise SettingError(f"{name} is {text!r}; it can be true or false")
        return text.lower() == "true"
    if isinstance(default, int):
        if not text.isdigit() or int(text) < 1:
            raise SettingError(f"{name} is {text!r}; it must be a whole number above 0")
        return int(text)
    return text
