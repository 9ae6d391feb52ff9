"""What a container starts with: it fetches its bundles from S3 and becomes the service. So no image is built.

The text of this file is the command of the task: ``python3 -c <text>``. It runs before anything of Cairn is there, in
an image that has boto3. ``CAIRN_BUNDLES`` has the addresses of zips, ``s3://<bucket>/<key>``, with spaces between;
``CAIRN_SERVICE`` is the module that runs.
"""

import io
import os
import sys
import tempfile
import zipfile

import boto3

folder = tempfile.mkdtemp(prefix="cairn-")
s3 = boto3.client("s3")
for address in os.environ["CAIRN_BUNDLES"].split():
    bucket, _, key = address.removeprefix("s3://").partition("/")
    content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    zipfile.ZipFile(io.BytesIO(content)).extractall(folder)
layer = os.path.join(folder, "python")  # noqa: PTH118 - the text stays short
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [folder, layer, os.environ.get("PYTHONPATH")]))
os.environ["PYTHONUNBUFFERED"] = "1"  # a log is read while it is written
os.environ["MALLOC_ARENA_MAX"] = "2"  # glibc keeps freed memory for each thread
options = sys.orig_argv[1:-2]
os.execv(sys.executable, [sys.executable, *options, "-m", os.environ["CAIRN_SERVICE"]])  # noqa: S606 - it is the stack's
