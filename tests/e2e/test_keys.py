"""Keys and accounts by an operator's key, on the running stack with the roles of the template."""

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from local.stack import Stack
from rushes.api.keys.key_service import KeyService
from rushes.api.keys.schemas import NewKey
from rushes.aws.dynamodb.key_registry import KeyRegistryTable
from tests.e2e.small_jobs import SMALL
from tests.waiting import wait_for

KEYS, ACCOUNTS = "/rushes/v1/admin/keys", "/rushes/v1/admin/accounts"
Act = Callable[..., httpx.Response]


@pytest.fixture
def operator(stack: Stack, aws: Any) -> str:
    """A key with the scope `admin`."""
    registry = KeyRegistryTable(aws("dynamodb"), stack.outputs["TableName"])
    request = NewKey(account="operators", scopes=("admin",))
    return KeyService(registry, time.time).create(request, "test").secret


def test_operator_creates_rotates_and_revokes_a_key(client: httpx.Client, operator: str):
    account = f"team-{uuid4().hex[:8]}"

    def act(method: str, path: str, key: str = operator, **options: Any) -> httpx.Response:
        return client.request(method, path, headers={"authorization": f"Bearer {key}"}, **options)

    created = act("POST", KEYS, json={"account": account, "name": "e2e", "scopes": ["read"]})
    assert created.status_code == 201, created.text
    key, path = created.json()["key"], f"{KEYS}/{created.json()['id']}"
    assert act("GET", "/rushes/v1/keys", key).json()["data"][0]["name"] == "e2e"
    assert act("POST", "/openai/v1/videos", key, json=SMALL).status_code == 403
    assert act("GET", KEYS, key).status_code == 403
    assert act("PATCH", path, json={"scopes": ["read", "submit"]}).status_code == 200
    assert wait_for(lambda: act("POST", "/openai/v1/videos", key, json=SMALL).status_code == 200)
    rotated = act("POST", f"{path}/rotate", json={})
    assert rotated.status_code == 201, rotated.text
    assert act("GET", "/rushes/v1/keys", rotated.json()["key"]).status_code == 200
    assert act("POST", f"{path}/revoke").json()["status"] == "revoked"
    assert wait_for(lambda: act("GET", "/rushes/v1/keys", key).status_code == 401)
    disabled = act("PATCH", f"{ACCOUNTS}/{account}", json={"disabled": True})
    assert disabled.json()["disabled_at"], disabled.text
    successor = rotated.json()["key"]
    assert wait_for(
        lambda: act("POST", "/openai/v1/videos", successor, json=SMALL).status_code == 403
    )
    found = act("GET", "/rushes/v1/admin/audit", params={"limit": 50}).json()["data"]
    about = [entry["action"] for entry in found if account in str(entry)]
    assert about == [
        *("account.disable", "key.revoke", "key.rotate", "key.update", "key.create"),
    ]
    assert account in act("GET", ACCOUNTS, params={"limit": 100}).text
