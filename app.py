"""The CDK app. `make deploy` runs it through the CDK command line; the settings are in docs/deploying.md."""

import sys

from infra.bundling import Target, build
from infra.deployment import make_app

zips = build(Target.deployed(), report=lambda line: print(line, file=sys.stderr))
make_app(bundles=zips["layer-cairn"].parent).synth()
