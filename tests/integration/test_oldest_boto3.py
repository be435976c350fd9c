"""The AWS adapters' tests with the oldest boto3 that the functions support (tools/boto3-oldest)."""

import os
import re
import subprocess
import sys
import tomllib

from local.packaging import ROOT

TOOL = ROOT / "tools/boto3-oldest/pyproject.toml"
(PACKAGES,) = (ROOT / ".local/envs/boto3-oldest/lib").glob("python3.*/site-packages")
BOUNDS = dict(
    requirement.split("==")
    for requirement in tomllib.loads(TOOL.read_text("utf-8"))["project"]["dependencies"]
)
LARGE = ("*_large.py", "*/dynamodb/test_due.py", "*/dynamodb/test_idempotency.py")
"""Tests with thousands of items, whose operations the others use, too."""
VERSIONS = "import boto3, botocore; print(boto3.__version__, botocore.__version__)"


def run(*arguments: str) -> str:
    """Run the tests' interpreter, in which the old packages precede its own."""
    paths = (str(PACKAGES), str(ROOT / "layers/rushes"), str(ROOT))
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_adapters_work_with_the_oldest_boto3():
    assert run("-c", VERSIONS).split() == [BOUNDS["boto3"], BOUNDS["botocore"]]
    options = ("-q", "-n", "0", "-p", "no:cacheprovider", "tests/unit/aws")
    output = run("-m", "pytest", *options, *(f"--ignore-glob={name}" for name in LARGE))
    assert re.search(r"\d+ passed", output)


def test_bound_is_that_of_the_newest_feature():
    versions = re.findall(r"^#   (\d+\.\d+\.\d+)", TOOL.read_text("utf-8"), re.MULTILINE)
    newest = max(versions, key=lambda version: [int(part) for part in version.split(".")])
    assert newest == BOUNDS["botocore"]
