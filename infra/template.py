"""The template for the local run: what CDK synthesizes, with names in place of hashes.

``python -m infra.template`` writes ``cli/cairn_cli/local/template.json``; a test holds it equal to the stack. It is
plain CloudFormation: upload the zips that ``infra.bundling`` built for the local target to some bucket as
``<prefix>function-ingest.zip``, ``<prefix>layer-cairn.zip`` and so on, and create the stack with two parameters:

- ``BundlesBucket``: the name of that bucket;
- ``BundlesPrefix``: ``<prefix>``, for instance a hash of the zips and a slash. A new prefix is what makes
  CloudFormation take new code.

Differences from what AWS gets are made in ``localize`` and nowhere else:

- code comes from those parameters instead of CDK's asset bucket;
- statements that deny requests without TLS are left out, since the emulator listens on plain HTTP on loopback;
- outputs that only the stack of alarms reads are left out;
- symbol servers may be on loopback, since the machine is the user's own.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cairn.servers.near import NEAR_VARIABLE
from infra.bundling import LAYERS, ROOT, SERVICES
from infra.debug_files import DESCRIPTION as FETCHER
from infra.deployment import make_app

TEMPLATE = ROOT / "cli/cairn_cli/local/template.json"
FUNCTIONS = ("ingest", "symbolicate", "debug_files", "compile_symbols")
BUNDLES = (
    *(f"layer-{name}" for name in LAYERS),
    *(f"function-{name}" for name in FUNCTIONS),
    *(f"service-{name}" for name in SERVICES),
)

CODE = {"AWS::Lambda::Function": "Code", "AWS::Lambda::LayerVersion": "Content"}
"""Resource type to the property that says where its zip is."""

NEAR = "127.0.0.0/8"
"""Where symbol servers may be beside the internet."""

PARAMETERS = {
    "BundlesBucket": {"Type": "String", "Description": "Bucket that holds the zips of layers and functions"},
    "BundlesPrefix": {"Type": "String", "Description": "What their keys start with"},
}


def synthesize(outdir: Path, context: dict[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    """The templates of the app by stack name. Code is named (``function-ingest.zip``) where CDK puts a hash: stand-ins
    take the place of the zips, which need not be built for this. Raises ``RuntimeError`` for a finding of cdk-nag."""
    with tempfile.TemporaryDirectory() as folder:
        for name in BUNDLES:
            Path(folder, f"{name}.zip").write_text(name)
        stacks = make_app(Path(folder), outdir, context).synth().stacks
    names = {key: name for stack in stacks for key, name in _asset_names(outdir / f"{stack.stack_name}.assets.json")}
    return {stack.stack_name: _with_names(stack.template, names) for stack in stacks}


def _asset_names(manifest: Path) -> Iterator[tuple[str, str]]:
    """The object key that CDK gave each zip, and the name of the zip."""
    for identifier, asset in json.loads(manifest.read_text())["files"].items():
        if asset["source"]["packaging"] == "file" and asset["source"]["path"].endswith(".zip"):
            yield f"{identifier}.zip", f"{asset['displayName']}.zip"


def _with_names(template: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    for resource in template["Resources"].values():
        if part := CODE.get(resource["Type"]):
            code = resource["Properties"][part]
            code["S3Key"] = names[code["S3Key"]]
    return template


def localize(template: dict[str, Any]) -> dict[str, Any]:
    """The template of the stack Cairn as the local run deploys it."""
    resources = {
        name: _without_tls_rule(_with_near_servers(_with_code_from_parameters(resource)))
        for name, resource in template["Resources"].items()
    }
    kept = {name: resource for name, resource in resources.items() if resource is not None}
    gone = resources.keys() - kept.keys()
    for resource in kept.values():
        resource.pop("Metadata", None)
        if needs := [name for name in resource.pop("DependsOn", []) if name not in gone]:
            resource["DependsOn"] = needs
    outputs = {name: output for name, output in template["Outputs"].items() if not name.startswith("PublishOutput")}
    return template | {"Parameters": PARAMETERS, "Resources": kept, "Outputs": outputs}


def _with_code_from_parameters(resource: dict[str, Any]) -> dict[str, Any]:
    part = CODE.get(resource["Type"])
    if part is None:
        return resource
    key = {"Fn::Sub": "${BundlesPrefix}" + resource["Properties"][part]["S3Key"]}
    return resource | {
        "Properties": resource["Properties"] | {part: {"S3Bucket": {"Ref": "BundlesBucket"}, "S3Key": key}}
    }


def _with_near_servers(resource: dict[str, Any]) -> dict[str, Any]:
    """The function that fetches from symbol servers, so that it finds them on this machine too."""
    properties = resource.get("Properties", {})
    if resource["Type"] != "AWS::Lambda::Function" or properties["Description"] != FETCHER:
        return resource
    variables = properties["Environment"]["Variables"] | {NEAR_VARIABLE: NEAR}
    return resource | {"Properties": properties | {"Environment": {"Variables": variables}}}


def _without_tls_rule(resource: dict[str, Any]) -> dict[str, Any] | None:
    """A bucket or queue policy without its refusal of plain HTTP; ``None`` when nothing else was in it."""
    if resource["Type"] not in ("AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"):
        return resource
    document = resource["Properties"]["PolicyDocument"]
    kept = [
        rule for rule in document["Statement"] if "aws:SecureTransport" not in rule.get("Condition", {}).get("Bool", {})
    ]
    if not kept:
        return None
    return resource | {"Properties": resource["Properties"] | {"PolicyDocument": document | {"Statement": kept}}}


def main() -> int:
    """Write the template. Returns the exit status."""
    with tempfile.TemporaryDirectory() as outdir:
        template = localize(synthesize(Path(outdir))["Cairn"])
    TEMPLATE.write_text(rendered(template))
    print(f"{TEMPLATE.relative_to(ROOT)}: {len(template['Resources'])} resources")
    return 0


def rendered(template: dict[str, Any]) -> str:
    """The text of the file."""
    return json.dumps(template, indent=1) + "\n"


if __name__ == "__main__":
    sys.exit(main())
