from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from cairn.intake.messages import Response
from cairn.pipeline.accepting.finish_uploads import FINISH_UPLOADS
from cairn.pipeline.accepting.front import report
from cairn.pipeline.debug_files import compile_debug_file
from cairn.servers.near import NEAR_VARIABLE
from cairn.store.crashes import events, signed_uploads, uploads
from cairn.store.notifications import is_sweep
from cairn.store.settings import (
    DUMP_RETENTION_DAYS,
    DUMP_RETENTION_VARIABLE,
    RETENTION_DAYS,
    RETENTION_VARIABLE,
    VARIABLES,
    Settings,
)
from cairn.store.source_secrets import SECRET
from cairn.store.symbols import chunks, debug_files, hot_sets
from infra.bundling import ROOT
from infra.template import BUNDLES, TEMPLATE, localize, rendered, synthesize
from infra.work_queue import PATIENCE

Resource: TypeAlias = dict[str, Any]
STORED = (chunks, uploads, events, debug_files, hot_sets, compile_debug_file, signed_uploads)
PREFIXES = (*(room.PREFIX for room in STORED), signed_uploads.SENT)
PATTERNS = (
    *(f"{prefix}*" for prefix in PREFIXES),
    "symbols/sources/*",
    *(f"{uploads.PREFIX}*/{name}" for name in (uploads.DUMP, uploads.MANIFEST, signed_uploads.SENT_DUMPS)),
)
"""What a role may name with a star: objects of one kind."""


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Resource]:
    """Both stacks, synthesized once. cdk-nag reviews them on the way and makes this fail for a new finding."""
    return synthesize(tmp_path_factory.mktemp("cdk"))


@pytest.fixture(scope="module")
def cairn(templates: dict[str, Resource]) -> Resource:
    return templates["Cairn"]


def of_type(template: Resource, kind: str) -> dict[str, Resource]:
    """Properties of all resources of a type, by logical id."""
    resources = template["Resources"].items()
    return {name: resource["Properties"] for name, resource in resources if resource["Type"] == kind}


def arn_of(reference: Resource) -> str:
    """The logical id that a ``GetAtt …Arn`` names."""
    name, attribute = reference["Fn::GetAtt"]
    assert attribute == "Arn"
    return str(name)


def statements(template: Resource) -> Iterator[tuple[str, Resource]]:
    for kind in ("AWS::IAM::Policy", "AWS::SQS::QueuePolicy", "AWS::S3::BucketPolicy"):
        for name, properties in of_type(template, kind).items():
            yield from ((name, statement) for statement in properties["PolicyDocument"]["Statement"])


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_the_local_template_is_what_the_stack_says(cairn: Resource) -> None:
    assert TEMPLATE.read_text() == rendered(localize(cairn)), "run `make template` and commit what it writes"


def test_no_custom_resource_brings_functions_of_its_own(templates: dict[str, Resource]) -> None:
    kinds = {resource["Type"] for template in templates.values() for resource in template["Resources"].values()}
    assert not [kind for kind in kinds if kind.startswith("Custom::") or "CustomResource" in kind]
    assert len(of_type(templates["Cairn"], "AWS::Lambda::Function")) == 4


def test_functions_and_layers_are_arm64_and_python_3_13(cairn: Resource) -> None:
    for name, function in of_type(cairn, "AWS::Lambda::Function").items():
        assert function["Architectures"] == ["arm64"], name
        assert function["Runtime"] == "python3.13", name
        assert function["Handler"] == "cairn.cold_start.handler", name
    for name, layer in of_type(cairn, "AWS::Lambda::LayerVersion").items():
        assert layer["CompatibleArchitectures"] == ["arm64"], name
        assert layer["CompatibleRuntimes"] == ["python3.13"], name


def test_every_bundle_is_deployed(cairn: Resource) -> None:
    keys = [function["Code"]["S3Key"] for function in of_type(cairn, "AWS::Lambda::Function").values()]
    keys += [layer["Content"]["S3Key"] for layer in of_type(cairn, "AWS::Lambda::LayerVersion").values()]
    assert sorted(keys) == sorted(f"{name}.zip" for name in BUNDLES if not name.startswith("service-"))


def test_every_function_folder_is_deployed() -> None:
    folders = {f"function-{path.parent.name}" for path in (ROOT / "functions").glob("*/handler.py")}
    assert folders <= set(BUNDLES)


def test_functions_know_where_things_are(cairn: Resource) -> None:
    for name, function in of_type(cairn, "AWS::Lambda::Function").items():
        given = function["Environment"]["Variables"]
        assert set(VARIABLES.values()) <= given.keys(), name
        assert given[RETENTION_VARIABLE] == str(RETENTION_DAYS), name
        assert given[DUMP_RETENTION_VARIABLE] == str(DUMP_RETENTION_DAYS), name


def test_outputs_are_what_the_command_line_looks_for(cairn: Resource) -> None:
    named = {name: json.dumps(output["Value"]) for name, output in cairn["Outputs"].items()}
    assert Settings.from_outputs(named).bucket == named["Bucket"]
    assert {"Endpoint", "CrashQueue", "CrashDeadLetters", "DebugFileQueue", "DebugFileDeadLetters"} <= named.keys()


def test_every_queue_has_a_place_for_what_fails(cairn: Resource) -> None:
    queues = of_type(cairn, "AWS::SQS::Queue")
    dead = {arn_of(q["RedrivePolicy"]["deadLetterTargetArn"]) for q in queues.values() if "RedrivePolicy" in q}
    without = {name for name, queue in queues.items() if "RedrivePolicy" not in queue}
    assert len(dead) == 2 and dead == without
    for name in dead:
        assert queues[name]["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_messages_stay_invisible_long_enough(cairn: Resource) -> None:
    mappings = of_type(cairn, "AWS::Lambda::EventSourceMapping")
    assert len(mappings) == 2
    for mapping in mappings.values():
        queue = of_type(cairn, "AWS::SQS::Queue")[arn_of(mapping["EventSourceArn"])]
        function = of_type(cairn, "AWS::Lambda::Function")[mapping["FunctionName"]["Ref"]]
        assert queue["VisibilityTimeout"] >= PATIENCE * function["Timeout"]
        assert PATIENCE >= 6
        assert mapping["BatchSize"] == 1
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["ScalingConfig"]["MaximumConcurrency"] >= 2


def test_the_bucket_tells_the_queues(cairn: Resource) -> None:
    (name,) = of_type(cairn, "AWS::S3::Bucket")
    bucket = cairn["Resources"][name]
    told = {
        tuple(rule["Value"] for rule in configuration["Filter"]["S3Key"]["Rules"]): arn_of(configuration["Queue"])
        for configuration in bucket["Properties"]["NotificationConfiguration"]["QueueConfigurations"]
    }
    assert told.keys() == {(uploads.PREFIX, uploads.MANIFEST), (debug_files.PREFIX,)}
    policies = of_type(cairn, "AWS::SQS::QueuePolicy")
    covered = {queue["Ref"] for policy in bucket["DependsOn"] for queue in policies[policy]["Queues"]}
    assert covered == set(told.values()), "the bucket must wait for the policies that let it send"


def test_only_this_account_can_send_through_the_bucket(cairn: Resource) -> None:
    sending = [s for _, s in statements(cairn) if s.get("Principal") == {"Service": "s3.amazonaws.com"}]
    assert len(sending) == 2
    for statement in sending:
        assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_unused_debug_files_are_looked_for_once_a_day(cairn: Resource) -> None:
    (rule,) = [r for r in of_type(cairn, "AWS::Events::Rule").values() if r["ScheduleExpression"] == "rate(1 day)"]
    (target,) = rule["Targets"]
    assert is_sweep(target["Input"])
    assert arn_of(target["Arn"]).startswith("DebugFilesQueue")


def test_uploads_left_behind_are_finished_every_hour(cairn: Resource) -> None:
    (rule,) = [r for r in of_type(cairn, "AWS::Events::Rule").values() if r["ScheduleExpression"] == "rate(1 hour)"]
    (target,) = rule["Targets"]
    assert json.loads(target["Input"]) == FINISH_UPLOADS
    assert arn_of(target["Arn"]).startswith("Ingest")
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 0}, "the next hour does it again"


def test_no_role_may_do_more_than_named_actions_in_named_places(cairn: Resource) -> None:
    allowed = [(n, s) for n, s in statements(cairn) if s["Effect"] == "Allow"]
    assert len(allowed) > 15
    for name, statement in allowed:
        for action in listed(statement["Action"]):
            assert "*" not in action, name
        for resource in listed(statement["Resource"]):
            assert resource != "*", name
            text = json.dumps(resource)
            assert "*" not in text or any(f'/{pattern}"' in text for pattern in PATTERNS), name


def test_roles_carry_no_managed_policies(cairn: Resource) -> None:
    roles = of_type(cairn, "AWS::IAM::Role")
    assert len(roles) == 4
    assert not [name for name, role in roles.items() if "ManagedPolicyArns" in role]


def test_ingest_can_read_no_crash_but_what_it_has_to_check_and_touch_nothing_else(cairn: Resource) -> None:
    policy = next(text for name, text in policies(cairn).items() if name.startswith("IngestRole"))
    assert "StorageProjects" in policy and "/crashes/*" in policy
    (listing,) = [one for one in json.loads(policy)["Statement"] if "s3:ListBucket" in one["Action"]]
    assert listing["Condition"] == {"StringLike": {"s3:prefix": "uploads/*"}}
    statements = [one for one in json.loads(policy)["Statement"] if "s3:GetObject" in one["Action"]]
    assert [one["Resource"]["Fn::Join"][1][1] for one in statements] == ["/crashes/*/sent-*", "/uploads/*"]
    assert "StorageEvents" in policy and "DeleteItem" not in policy
    for elsewhere in ("StorageSymbols", "debug-files", "symbols/"):
        assert elsewhere not in policy


def test_ingest_changes_counters_and_reads_outcomes_alone(cairn: Resource) -> None:
    of_events = {
        action: statement.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys")
        for name, statement in statements(cairn)
        if name.startswith("IngestRole") and "StorageEvents" in json.dumps(statement["Resource"])
        for action in listed(statement["Action"])
    }
    assert of_events == {
        "dynamodb:PutItem": None,
        "dynamodb:UpdateItem": ["limit#*", "outcome#*"],
        "dynamodb:Query": ["outcome#*"],
    }


def test_symbolication_reads_hostile_bytes_and_can_write_no_symbols(cairn: Resource) -> None:
    (roles,) = (name for name in of_type(cairn, "AWS::IAM::Policy") if name.startswith("SymbolicationSymbolicateRole"))
    writing = [
        statement
        for name, statement in statements(cairn)
        if name == roles and "StorageSymbols" in json.dumps(statement["Resource"]) and "Condition" in statement
    ]
    waiting, updating = writing
    assert sorted(waiting["Action"]) == ["dynamodb:BatchWriteItem", "dynamodb:GetItem"]
    assert leading_keys(waiting) == ["waiting#*", "wanted#*"]
    assert (updating["Action"], leading_keys(updating)) == ("dynamodb:UpdateItem", ["symbols*", "fetch#*"])
    of_projects = [s for n, s in statements(cairn) if n == roles and "StorageProjects" in json.dumps(s["Resource"])]
    assert [s["Action"] for s in of_projects] == ["dynamodb:GetItem"], "and reads neither keys nor tokens"
    assert leading_keys(of_projects[0]) == ["project#*"]
    free = [s["Action"] for n, s in statements(cairn) if n == roles and "Condition" not in s]
    assert not [action for actions in free for action in listed(actions) if "Write" in action or "Update" in action]


def leading_keys(statement: Resource) -> Any:
    return statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]


def test_of_the_projects_each_function_reads_its_part_and_one_the_secrets(cairn: Resource) -> None:
    """Nobody reads all rows: an index would show rows that have an owner, which secrets of symbol servers have not."""
    reading: dict[str, dict[str, Any]] = {}
    for name, statement in statements(cairn):
        if "StorageProjects" in json.dumps(statement["Resource"]) and "/index/" not in json.dumps(statement):
            role = name.partition("Role")[0]
            reading.setdefault(role, {})[str(statement["Action"])] = leading_keys(statement)
    assert reading == {
        "Ingest": {"dynamodb:GetItem": ["key#*", "project#*"]},
        "SymbolicationSymbolicate": {"dynamodb:GetItem": ["project#*"]},
        "DebugFilesCompile": {"dynamodb:GetItem": ["project#*", f"{SECRET}*"]},
        "DebugFileApiDebugFiles": {"dynamodb:GetItem": ["project#*", "slug#*", "token#*"]},
    }


def test_a_deployment_asks_no_server_that_is_near(cairn: Resource) -> None:
    assert NEAR_VARIABLE not in json.dumps(cairn)
    local = [
        function["Environment"]["Variables"].get(NEAR_VARIABLE)
        for function in of_type(json.loads(TEMPLATE.read_text()), "AWS::Lambda::Function").values()
    ]
    assert list(filter(None, local)) == ["127.0.0.0/8"]


def test_the_api_reads_crashes_and_changes_none(cairn: Resource) -> None:
    of_api = [
        (s, json.dumps(s["Resource"])) for n, s in statements(cairn) if n.startswith("DebugFileApiDebugFilesRole")
    ]
    of_crashes = [listed(s["Action"]) for s, places in of_api if "/crashes/" in places]
    of_events = [(listed(s["Action"]), leading_keys(s)) for s, places in of_api if "StorageEvents" in places]
    assert of_crashes == [["s3:GetObject"]]
    assert of_events == [(["dynamodb:Query"], ["outcome#*", "event#*"]), (["dynamodb:GetItem"], ["event#*"])]


def test_who_compiles_changes_dumps_and_their_notes(cairn: Resource) -> None:
    of_compile = [(s, json.dumps(s["Resource"])) for n, s in statements(cairn) if n.startswith("DebugFilesCompileRole")]
    of_crashes = [(re.findall(r'/crashes/[^"]*', text), sorted(listed(s["Action"]))) for s, text in of_compile]
    of_dumps = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    assert sorted(one for one in of_crashes if one[0]) == [
        (["/crashes/*/dump", "/crashes/*/sent-*-0"], of_dumps),
        (["/crashes/*/upload.json"], ["s3:GetObject"]),
    ]
    of_events = [(listed(s["Action"]), leading_keys(s)) for s, text in of_compile if "StorageEvents" in text]
    assert of_events == [(["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], ["event#*"])]


def test_symbolication_changes_what_it_scrubs_and_no_other_file_of_a_crash(cairn: Resource) -> None:
    of_crashes = [
        (action, places)
        for name, statement in statements(cairn)
        if name.startswith("SymbolicationSymbolicateRole")
        and (places := re.findall(r'/crashes/[^"]*', json.dumps(statement["Resource"])))
        for action in listed(statement["Action"])
    ]
    assert sorted(of_crashes) == [
        ("s3:DeleteObject", ["/crashes/*/dump", "/crashes/*/sent-*"]),
        ("s3:GetObject", ["/crashes/*"]),
        ("s3:PutObject", ["/crashes/*/dump", "/crashes/*/sent-*"]),
        ("s3:PutObject", ["/crashes/*/upload.json"]),
    ]


def policies(template: Resource) -> dict[str, str]:
    return {
        name: json.dumps(policy["PolicyDocument"]) for name, policy in of_type(template, "AWS::IAM::Policy").items()
    }


def test_what_is_kept_outlives_the_stack(cairn: Resource) -> None:
    kept = ("AWS::S3::Bucket", "AWS::DynamoDB::Table")
    found = [resource for resource in cairn["Resources"].values() if resource["Type"] in kept]
    assert len(found) == 4
    assert {resource["DeletionPolicy"] for resource in found} == {"Retain"}


def test_tables_are_restorable_cost_nothing_idle_and_forget(cairn: Resource) -> None:
    for name, table in of_type(cairn, "AWS::DynamoDB::Table").items():
        assert table["BillingMode"] == "PAY_PER_REQUEST", name
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}, name
        assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}, name
        assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"], name


def test_every_log_forgets(cairn: Resource) -> None:
    groups = of_type(cairn, "AWS::Logs::LogGroup")
    assert len(groups) == 5
    assert {group["RetentionInDays"] for group in groups.values()} == {30}
    for function in of_type(cairn, "AWS::Lambda::Function").values():
        assert function["LoggingConfig"]["LogGroup"]["Ref"] in groups


def test_the_access_log_leaves_out_who_sent_it(cairn: Resource) -> None:
    (stage,) = of_type(cairn, "AWS::ApiGatewayV2::Stage").values()
    fields = json.loads(stage["AccessLogSettings"]["Format"])
    assert "status" in fields
    for word in ("identity", "query", "path", "Path"):
        assert not [field for field in fields.values() if word in field], word


def test_the_api_takes_a_crowd_before_it_answers_429_by_itself(cairn: Resource, tmp_path: Path) -> None:
    (stage,) = of_type(cairn, "AWS::ApiGatewayV2::Stage").values()
    throttle = {"ThrottlingRateLimit": 1000, "ThrottlingBurstLimit": 2000}
    assert stage["DefaultRouteSettings"] == throttle
    chosen = synthesize(tmp_path, {"requests_a_second": "50"})["Cairn"]
    (stage,) = of_type(chosen, "AWS::ApiGatewayV2::Stage").values()
    assert stage["DefaultRouteSettings"] == {"ThrottlingRateLimit": 50, "ThrottlingBurstLimit": 100}


def test_alarms_watch_every_function_and_queue(templates: dict[str, Resource]) -> None:
    alarms = of_type(templates["CairnMonitoring"], "AWS::CloudWatch::Alarm")
    metrics = [alarm["MetricName"] for alarm in alarms.values()]
    assert {name: metrics.count(name) for name in sorted(set(metrics))} == {
        "5xx": 1,
        "ApproximateAgeOfOldestMessage": 2,
        "ApproximateNumberOfMessagesVisible": 2,
        "Duration": 4,
        "Errors": 4,
        "Throttles": 4,
        "Uncounted": 1,
    }
    assert all(alarm["TreatMissingData"] == "notBreaching" for alarm in alarms.values())


def test_the_alarm_on_what_is_uncounted_watches_the_metric_that_intake_tells(
    templates: dict[str, Resource], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (function,) = [f for n, f in of_type(templates["Cairn"], "AWS::Lambda::Function").items() if "Ingest" in n]
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", function["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"])
    report(Response(200, {}, b"", uncounted=(OSError("a fault"),)))
    told = next(json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line)
    (metrics,) = told["_aws"]["CloudWatchMetrics"]
    alarms = of_type(templates["CairnMonitoring"], "AWS::CloudWatch::Alarm").values()
    (alarm,) = [alarm for alarm in alarms if alarm["MetricName"] == "Uncounted"]
    assert (alarm["Namespace"], [alarm["MetricName"]]) == (
        metrics["Namespace"],
        [m["Name"] for m in metrics["Metrics"]],
    )
    dimensions = {one["Name"]: one["Value"] for one in alarm["Dimensions"]}
    assert [sorted(dimensions)] == metrics["Dimensions"]
    assert dimensions == {name: told[name] for name in dimensions}


def test_buckets_of_symbols_are_read_and_nothing_else(tmp_path: Path) -> None:
    cairn = synthesize(tmp_path, {"symbol_buckets": "our-symbols, their-symbols"})["Cairn"]
    named = [
        (name, action)
        for name, statement in statements(cairn)
        for action in listed(statement["Action"])
        if "our-symbols" in json.dumps(statement["Resource"])
    ]
    assert {name[:20] for name, _ in named} == {"DebugFilesCompileRol"}
    assert sorted(action for _, action in named) == ["s3:GetObject", "s3:ListBucket"]
    assert json.dumps(policies(cairn)).count("their-symbols") == 2


def test_a_throw_away_deployment_leaves_nothing_and_its_alarms_are_mailed(tmp_path: Path) -> None:
    context = {"throw_away": "true", "stack_name": "Trial", "alarm_email": "ops@example.com", "keep_crashes_days": "7"}
    context["limit_file"] = "1000000"
    templates = synthesize(tmp_path, context)
    assert templates.keys() == {"Trial", "TrialMonitoring"}
    policies = {resource.get("DeletionPolicy") for resource in templates["Trial"]["Resources"].values()}
    assert policies == {"Delete", None}
    (bucket,) = of_type(templates["Trial"], "AWS::S3::Bucket").values()
    assert bucket["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] == 7
    ingest = next(f for name, f in of_type(templates["Trial"], "AWS::Lambda::Function").items() if "Ingest" in name)
    assert ingest["Environment"]["Variables"]["CAIRN_LIMIT_FILE"] == "1000000"
    (subscription,) = of_type(templates["TrialMonitoring"], "AWS::SNS::Subscription").values()
    assert subscription["Endpoint"] == "ops@example.com"
    for alarm in of_type(templates["TrialMonitoring"], "AWS::CloudWatch::Alarm").values():
        assert len(alarm["AlarmActions"]) == 1
