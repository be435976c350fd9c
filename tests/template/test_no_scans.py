"""Nothing reads the whole table, but the one command that adopts keys of older releases."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.packaging import ROOT
from tests.template.test_template import FUNCTIONS, logical_id, of_type, statements

FOLDERS = ("layers/rushes", "functions", "cli", "scripts", "local", "statemachine", "docs")
SUFFIXES = {".py", ".json", ".yaml", ".sh", ".md", ".toml"}
SCAN = re.compile(
    r"\.scan\(|paginator\(\s*['\"]scan['\"]|execute_statement\(|dynamodb:Scan|dynamodb:PartiQL"
    r"|dynamodb scan\b|dynamodb:\*"
)
ALLOWED = {
    "cli/adopted_keys.py": {'paginator("scan"'},
    "cli/doctor/permission_table.py": {"dynamodb:Scan"},  # that no function may have
}
"""Keys of releases without a list of keys cannot be found otherwise: an operator adopts them."""


def sources() -> Iterator[Path]:
    yield from (ROOT / name for name in ("template.yaml", "Makefile"))
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in SUFFIXES and path.is_file():
                yield path


def scans_of(text: str) -> set[str]:
    return {match[0] for match in SCAN.finditer(text)}


def test_no_source_scans_the_table():
    found = {
        str(path.relative_to(ROOT)): scans
        for path in sources()
        if (scans := scans_of(path.read_text("utf-8")))
    }
    operator_docs = {name: scans for name, scans in found.items() if name.startswith("docs/")}
    assert {name: scans for name, scans in found.items() if name not in operator_docs} == ALLOWED
    assert all(scans == {"dynamodb:Scan"} for scans in operator_docs.values()), operator_docs


@pytest.mark.parametrize(
    "text",
    [
        "table.scan(Limit=1)",
        'client.get_paginator("scan")',
        "client.get_paginator('scan')",
        "client.execute_statement(Statement=select)",
        "Action: [dynamodb:GetItem, dynamodb:Scan]",
        "Action: dynamodb:*",
        "aws dynamodb scan --table-name jobs",
    ],
)
def test_each_form_of_a_scan_is_found(text: str):
    assert scans_of(text)


def actions(statement: dict[str, Any]) -> list[str]:
    action = statement.get("Action", [])
    return action if isinstance(action, list) else [action]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_function_may_scan(function: str):
    allowed = [
        action
        for statement in statements(f"{logical_id(function)}Role")
        if statement["Effect"] == "Allow"
        for action in actions(statement)
    ]
    assert allowed
    assert not [action for action in allowed if scans_of(action) or action == "*"]


def test_no_other_role_reaches_the_table():
    for name, policy in of_type("AWS::IAM::Policy").items():
        for statement in policy["PolicyDocument"]["Statement"]:
            assert not any(one.startswith("dynamodb:") for one in actions(statement)), name
