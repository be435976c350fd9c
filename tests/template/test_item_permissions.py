"""Items of the table that each function may read and write, by the family in the partition key."""

import ast
import fnmatch
from collections.abc import Iterator
from typing import Any

import pytest

from local.packaging import ROOT
from tests.template.test_template import FUNCTIONS, logical_id, statements

ADAPTERS = ROOT / "layers/rushes/rushes/aws/dynamodb"
READ = ("dynamodb:GetItem", "dynamodb:Query", "dynamodb:BatchGetItem")
WRITE = ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem")
WEBHOOKS = "DELIVERY ENDPOINTS REQUESTS"
CREATES = "JOB ONCE CALL SPENT"
OPERATORS = "KEY ACCOUNT ACCOUNTS AUDIT"
USED = {
    "api": (
        f"{OPERATORS} {CREATES} {WEBHOOKS} ENDPOINTS_ADDED PROVIDER PROVIDER_CALLS",
        f"{OPERATORS} {CREATES} COUNTER {WEBHOOKS} ENDPOINTS_ADDED PROVIDER",
    ),
    "submit": ("JOB SPENT PROVIDER SLOTS TIMING", "JOB SPENT PROVIDER PROVIDER_CALLS SLOTS"),
    "poll": ("JOB TIMING", "JOB SPENT PROVIDER_CALLS"),
    "collect": ("JOB SLOTS", "JOB SPENT PROVIDER_CALLS SLOTS"),
    "finish": ("JOB TIMING", "JOB SPENT TIMING"),
    "sweep": (f"JOB {WEBHOOKS}", "JOB DELIVERY"),
    "notify": ("JOB ENDPOINTS", "DELIVERY"),
    "deliver": (f"JOB {WEBHOOKS}", WEBHOOKS),
}
"""Families that a function reads, and those that it writes. A new family, or a new use of one,
needs an entry here and the permission in template.yaml; the local stack refuses what has none."""
OWN_KEY = {"Fn::GetAtt": ["WebhookKey", "Id"]}
KEY = {"Fn::If": ["OwnWebhookKey", OWN_KEY, {"Ref": "ExistingWebhookKeyArn"}]}
READ_HOSTILE_REPLIES = ("submit", "poll", "collect")


def families_in_code() -> set[str]:
    """Return the first argument of every call of `key` in the adapters."""
    found: set[Any] = set()
    for file in ADAPTERS.glob("*.py"):
        tree = ast.parse(file.read_text())
        constants = dict(constants_of(tree))
        for call in ast.walk(tree):
            if not isinstance(call, ast.Call) or name_of(call.func) != "key":
                continue
            family = call.args[0]
            found.add(family.value if isinstance(family, ast.Constant) else constants[family.id])  # type: ignore[attr-defined]
    return found


def constants_of(tree: ast.Module) -> Iterator[tuple[str, Any]]:
    """Yield the module's constants: `NAME = "text"`, also several in one statement."""
    for statement in tree.body:
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            continue
        target, value = statement.targets[0], statement.value
        names = target.elts if isinstance(target, ast.Tuple) else [target]
        values = value.elts if isinstance(value, ast.Tuple) else [value]
        for name, one in zip(names, values, strict=False):
            if isinstance(name, ast.Name) and isinstance(one, ast.Constant):
                yield name.id, one.value


def name_of(function: ast.expr) -> str:
    return getattr(function, "id", getattr(function, "attr", ""))


def on_table(function: str) -> list[dict[str, Any]]:
    """Return the statements of a role that are about the table itself, not an index."""
    return [
        statement
        for statement in statements(f"{logical_id(function)}Role")
        if statement["Resource"] == {"Fn::GetAtt": ["TableArn", "Value"]}
    ]


def actions_of(statement: dict[str, Any]) -> list[str]:
    actions = statement["Action"]
    return actions if isinstance(actions, list) else [actions]


def patterns(function: str, actions: tuple[str, ...]) -> set[str]:
    return {
        pattern
        for statement in on_table(function)
        if set(actions_of(statement)) & set(actions)
        for pattern in statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    }


def allows(function: str, action: str, *keys: str) -> bool:
    """Evaluate the role for a request of items with these partition keys, as IAM does."""
    return any(
        keys and all(any(fnmatch.fnmatchcase(key, one) for one in allowed) for key in keys)
        for statement in on_table(function)
        if action in actions_of(statement)
        for allowed in [statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]]
    )


def test_every_family_of_the_code_is_used_by_a_function():
    used = {family for sides in USED.values() for side in sides for family in side.split()}
    assert families_in_code() == used


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_may_read_and_write_the_families_that_it_uses_and_no_others(function: str):
    for side, actions in zip(USED[function], (READ, WRITE), strict=True):
        assert patterns(function, actions) == {f"{family}#*" for family in side.split()}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_permission_for_items_names_their_keys(function: str):
    """ForAllValues alone allows a request without keys, such as a scan."""
    assert on_table(function)
    for statement in on_table(function):
        assert statement["Condition"].keys() == {"Null", "ForAllValues:StringLike"}
        assert statement["Condition"]["Null"] == {"dynamodb:LeadingKeys": "false"}
        assert set(actions_of(statement)) <= {*READ, *WRITE}


@pytest.mark.parametrize("function", READ_HOSTILE_REPLIES)
@pytest.mark.parametrize("action", [*READ, *WRITE])
@pytest.mark.parametrize(
    "key",
    ["KEY#0123456789abcdef", "ENDPOINTS#team", "REQUESTS#team", "DELIVERY#team#msg", "ONCE#x"],
)
def test_functions_that_read_hostile_replies_reach_neither_keys_nor_webhooks(
    function: str, action: str, key: str
):
    assert not allows(function, action, key)
    assert not allows(function, action, "JOB#team#job_1", key)


def test_functions_reach_what_they_need():
    assert allows("submit", "dynamodb:GetItem", "JOB#team#job_1")
    assert allows("poll", "dynamodb:PutItem", "JOB#team#job_1", "SPENT#team#2026-01-01")
    assert allows("api", "dynamodb:GetItem", "KEY#0123456789abcdef")
    assert allows("deliver", "dynamodb:GetItem", "REQUESTS#team")
    assert not allows("poll", "dynamodb:GetItem")


@pytest.mark.parametrize("function", [name for name in FUNCTIONS if name != "api"])
@pytest.mark.parametrize("action", [*READ, *WRITE])
@pytest.mark.parametrize(
    "key", ["KEY#0123456789abcdef", "ACCOUNT#team", "ACCOUNTS#all", "AUDIT#2026"]
)
def test_only_api_reaches_keys_accounts_and_the_audit_log(function: str, action: str, key: str):
    assert not allows(function, action, key)


def test_api_deletes_no_key_and_neither_changes_nor_deletes_audit_entries():
    assert allows("api", "dynamodb:PutItem", "AUDIT#2026")
    assert not allows("api", "dynamodb:UpdateItem", "AUDIT#2026")
    for key in ("KEY#0123456789abcdef", "ACCOUNT#team", "ACCOUNTS#all", "AUDIT#2026"):
        assert not allows("api", "dynamodb:DeleteItem", key)


@pytest.mark.parametrize("function", ["notify", "sweep"])
def test_functions_without_the_key_of_signing_secrets_write_no_endpoint(function: str):
    for action in WRITE:
        assert not allows(function, action, "ENDPOINTS#team")
        assert not allows(function, action, "REQUESTS#team")


def test_only_api_and_deliver_may_read_the_key_of_signing_secrets():
    readers = {
        function: statement["Action"]
        for function in FUNCTIONS
        for statement in statements(f"{logical_id(function)}Role")
        if statement["Resource"] == KEY
    }
    assert readers == dict.fromkeys(("api", "deliver"), "secretsmanager:GetSecretValue")
