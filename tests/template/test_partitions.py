"""The stack deploys in every AWS partition: no ARN names one, and no URL a partition's domain."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.packaging import ROOT, read_template

DEPLOYED = (
    *("template.yaml", "samconfig.toml", "statemachine", "layers", "functions", "cli", "scripts"),
    *("examples/downstream", "Makefile"),
)
"""Files and folders of what is deployed, and of the commands for a deployed stack."""
DATA = (
    *("layers/rushes/rushes/catalog/vendors", "layers/rushes/rushes/api/openapi"),
    "scripts/scan_template.py",
)
"""Vendors' URLs, documents generated from the code, and the parameters for a linter."""
PARTITION = re.compile(r"arn:aws(?:-[a-z-]+)?:|(?:https?://)?[\w$}.-]*\.amazonaws\.com(?:\.cn)?")
PRINCIPAL = re.compile(r"[a-z-]+\.amazonaws\.com")
"""A service principal has this form in every partition."""


def files() -> Iterator[Path]:
    for name in DEPLOYED:
        path = ROOT / name
        found = [path] if path.is_file() else path.rglob("*")
        yield from (file for file in found if file.is_file() and file.suffix != ".pyc")


def literals(text: str) -> list[str]:
    """Return the parts of a text that are valid in one partition only."""
    return [found for found in PARTITION.findall(text) if not PRINCIPAL.fullmatch(found)]


def test_deployed_files_name_no_partition():
    found = {}
    for file in files():
        name = file.relative_to(ROOT).as_posix()
        names = literals(file.read_text("utf-8", errors="replace"))
        if names and not name.startswith(DATA):
            found[name] = names
    assert found == {}


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:states:::lambda:invoke",
        "arn:aws-cn:s3:::bucket",
        "arn:aws-us-gov:iam::aws:policy/x",
        "https://${Api}.execute-api.${AWS::Region}.amazonaws.com",
        "https://s3.eu-central-1.amazonaws.com/bucket",
        "https://sqs.amazonaws.com/queue",
        "https://queue.amazonaws.com.cn",
    ],
)
def test_literal_of_a_partition_is_found(text: str):
    assert literals(text)


@pytest.mark.parametrize(
    "text",
    [
        "arn:${AWS::Partition}:s3:::bucket",
        "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}",
        "Principal: apigateway.amazonaws.com",
        "https://docs.aws.amazon.com/lambda",
    ],
)
def test_text_for_every_partition_is_not_found(text: str):
    assert literals(text) == []


def test_partition_of_the_state_machine_is_substituted():
    properties = read_template(ROOT / "template.yaml")["Resources"]["MediaJob"]["Properties"]
    assert properties["DefinitionSubstitutions"]["Partition"] == {"Ref": "AWS::Partition"}
