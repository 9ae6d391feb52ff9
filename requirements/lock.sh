#!/bin/sh
# Resolves every set of dependencies that pyproject.toml names into a hashed list, one for each thing that is installed:
# the two Lambda layers (runtime python3.13), the server of the large_uploads stack, the command line with the local run,
# the development environment, and the fuzzer.
set -eu
uv=$1
cd "$(dirname "$0")/.."
compile() {
    "$uv" pip compile --quiet --upgrade --universal --generate-hashes --no-header --no-annotate \
        --no-emit-index-url --no-emit-find-links "$@"
}
# `local` is resolved first, and what it chose binds the layers: the local run executes the layers' own versions.
compile --python-version 3.11 pyproject.toml --group debug-files --group large-uploads --group local \
    -o requirements/local.txt
compile --python-version 3.11 pyproject.toml --group debug-files --group large-uploads --group local --group dev \
    -c requirements/local.txt -o requirements/dev.txt
compile --python-version 3.13 pyproject.toml -c requirements/local.txt -o requirements/layer-cairn.txt
compile --python-version 3.13 --group debug-files -c requirements/local.txt -o requirements/layer-debug-files.txt
compile --python-version 3.13 --group large-uploads -c requirements/local.txt -o requirements/service-large-uploads.txt
compile --python-version 3.11 --group fuzz -o requirements/fuzz.txt
# The sentry-cli before the one in `dev`, for contract tests: two versions of a package do not fit into one environment.
echo 'sentry-cli>=2,<3' | compile --python-version 3.11 - -o requirements/sentry-cli-2.txt
