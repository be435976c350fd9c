"""Routes about keys, accounts and the audit log."""

import json
from dataclasses import replace
from typing import Any

import pytest

from rushes.api.account_states import AccountStates
from rushes.api.key_hashing import KEY
from rushes.api.native.resource import PREFIX, Route
from rushes.api.native.routes import ROUTES
from rushes.ports.api_keys import Scope
from tests.unit.api.native.native_caller import NativeCaller, assert_problem
from tests.unit.dialects.api_client import Reply

KEYS, ADMIN = f"{PREFIX}/keys", f"{PREFIX}/admin"


class Operator:
    """`act` sends a request with an operator's key, `native.send` with one of account alice."""

    def __init__(self, native: NativeCaller) -> None:
        self.native = native
        self.key = native.new_key("operators")
        self.key_id = self.key.split("_")[1]
        record = native.keys.rows[self.key_id]
        native.keys.rows[self.key_id] = replace(record, scopes=frozenset({Scope.ADMIN}))

    def act(self, method: str, path: str, body: Any = None, **query: str) -> Reply:
        headers = {"authorization": f"Bearer {self.key}"}
        return self.native.send(method, ADMIN + path, body, headers, query)

    def create_key(self, account: str = "alice", **fields: Any) -> Any:
        reply = self.act("POST", "/keys", {"account": account, **fields})
        assert reply.status == 201, reply
        return reply.json

    @property
    def entries(self) -> list[Any]:
        return self.native.keys.accounts.audit.entries

    def check_accounts(self) -> None:
        """Refuse create calls of disabled accounts, with an empty cache."""
        api = self.native.jobs_api
        accounts = AccountStates(self.native.keys.accounts)
        create_job = replace(api.service.create_job, accounts=accounts)
        self.native.jobs_api = replace(api, service=replace(api.service, create_job=create_job))


@pytest.fixture
def operator(native: NativeCaller) -> Operator:
    return Operator(native)


def test_created_key_works_at_once_and_is_shown_once(operator: Operator):
    created = operator.create_key(name="shop", scopes=["read"], models=["sandbox/*"])
    assert KEY.fullmatch(created["key"])
    assert (created["name"], created["scopes"]) == ("shop", ["read"])
    headers = {"authorization": f"Bearer {created['key']}"}
    assert operator.native.send("GET", KEYS, headers=headers).status == 200
    shown = operator.act("GET", f"/keys/{created['id']}")
    assert "key" not in shown.json
    assert shown.json["models"] == ["sandbox/*"]
    assert shown.json["created_by"] == f"key:{operator.key_id}"


def test_account_lists_its_own_keys_only(operator: Operator):
    own = operator.create_key(name="mine")
    other = operator.create_key("bob", name="theirs")
    reply = operator.native.send("GET", KEYS)
    ids = {key["id"] for key in reply.json["data"]}
    assert own["id"] in ids
    assert other["id"] not in reply.text
    assert operator.native.send("GET", f"{KEYS}/{own['id']}").json["name"] == "mine"
    missing = operator.native.send("GET", f"{KEYS}/{other['id']}")
    unknown = operator.native.send("GET", f"{KEYS}/{'0' * 16}")
    assert_problem(missing, 404, "key_id", "not_found")
    assert missing.text.replace(other["id"], "0" * 16) == unknown.text
    for text in (reply.text, missing.text):
        assert "operators" not in text
        assert operator.key_id not in text
        assert "digest" not in text


def test_keys_are_paged(operator: Operator):
    for number in range(5):
        operator.native.clock.advance(1)
        operator.create_key(name=str(number))
    first = operator.native.send("GET", KEYS, query={"limit": "3"}).json
    rest = operator.native.send("GET", KEYS, query={"cursor": first["next_cursor"]}).json
    names = [key["name"] for key in (*first["data"], *rest["data"])]
    assert names == ["4", "3", "2", "1", "0", ""]
    assert rest["next_cursor"] is None


def test_cursor_of_another_account_is_unknown(operator: Operator):
    other = operator.create_key("bob")
    for cursor in (other["id"], "0" * 16, "x"):
        reply = operator.native.send("GET", KEYS, query={"cursor": cursor})
        assert_problem(reply, 400, "cursor", "unknown_cursor")


def test_key_is_changed_rotated_and_revoked(operator: Operator):
    created = operator.create_key()
    path = f"/keys/{created['id']}"
    changed = operator.act("PATCH", path, {"name": "new", "scopes": ["submit"]}).json
    assert (changed["name"], changed["scopes"]) == ("new", ["submit"])
    rotated = operator.act("POST", f"{path}/rotate", {"overlap_hours": 1})
    assert rotated.status == 201
    assert rotated.json["replaces"]["replaced_by"] == rotated.json["id"]
    again = operator.act("POST", f"{path}/rotate")
    assert_problem(again, 409, "key_id", "key_conflict", "was rotated before")
    assert operator.act("POST", f"{path}/revoke").json["status"] == "revoked"
    headers = {"authorization": f"Bearer {created['key']}"}
    assert operator.native.send("GET", KEYS, headers=headers).status == 401


@pytest.mark.parametrize(
    ("method", "path", "body", "param"),
    [
        ("POST", "/keys", {}, "account"),
        ("POST", "/keys", {"account": "x", "scopes": ["root"]}, "scopes.0"),
        ("POST", "/keys", {"account": "x", "key": "rk_x"}, "key"),
        ("PATCH", "/keys/KEY", {}, "body"),
        ("PATCH", "/keys/KEY", {"account": "bob"}, "account"),
        ("POST", "/keys/KEY/rotate", {"overlap_hours": 721}, "overlap_hours"),
        ("POST", "/keys/KEY/revoke", {"now": True}, "now"),
        ("POST", "/accounts", {"account": "A"}, "account"),
        ("PATCH", "/accounts/alice", {"contact": "x"}, "contact"),
        ("PATCH", "/accounts/alice", {"disabled": "maybe"}, "disabled"),
    ],
)
def test_invalid_bodies_are_refused_by_field(
    operator: Operator, method: str, path: str, body: Any, param: str
):
    created = operator.create_key()
    before = len(operator.entries)
    reply = operator.act(method, path.replace("KEY", created["id"]), body)
    assert_problem(reply, 400, param)
    assert len(operator.entries) == before


@pytest.mark.parametrize(
    ("path", "query", "param"),
    [
        ("/keys", {}, "account"),
        ("/keys", {"account": "a", "status": "active"}, "status"),
        ("/keys", {"account": "a", "limit": "101"}, "limit"),
        ("/accounts", {"limit": "0"}, "limit"),
        ("/accounts", {"name": "a"}, "name"),
        ("/audit", {"action": "key.made"}, "action"),
        ("/audit", {"since": "now"}, "since"),
        ("/audit", {"cursor": "x"}, "cursor"),
        ("/audit", {"until": "2026-01-01T00:00:00Z"}, "until"),
    ],
)
def test_invalid_queries_are_refused_by_name(
    operator: Operator, path: str, query: dict[str, str], param: str
):
    assert_problem(operator.act("GET", path, **query), 400, param)


def test_disabled_account_reads_and_creates_nothing(operator: Operator):
    native = operator.native
    job = native.new_job()
    operator.create_key()
    assert operator.act("PATCH", "/accounts/alice", {"disabled": True}).json["disabled_at"]
    operator.check_accounts()
    assert_problem(native.create_job(), 403, "authorization", "account_disabled", "alice")
    assert native.retrieve(job.id)["id"] == job.id
    own = native.send("GET", f"{PREFIX}/account").json
    assert own["disabled_at"]
    assert "notes" not in own
    operator.act("PATCH", "/accounts/alice", {"disabled": False})
    operator.check_accounts()
    assert native.create_job().status == 201


def test_account_without_a_record_sees_itself(operator: Operator):
    own = operator.native.send("GET", f"{PREFIX}/account").json
    assert (own["account"], own["disabled_at"], own["limits"]) == ("alice", None, [])


def test_accounts_are_listed_and_created_once(operator: Operator):
    for name in ("carol", "dave"):
        reply = operator.act("POST", "/accounts", {"account": name, "display_name": name.title()})
        assert reply.status == 201
    again = operator.act("POST", "/accounts", {"account": "carol"})
    assert_problem(again, 409, "account", "account_exists")
    first = operator.act("GET", "/accounts", limit="1").json
    rest = operator.act("GET", "/accounts", cursor=first["next_cursor"]).json
    assert [one["account"] for one in (*first["data"], *rest["data"])] == ["carol", "dave"]
    assert_problem(operator.act("GET", "/accounts/erin"), 404, "account", "not_found")


def test_restricted_key_creates_jobs_of_its_models_only(operator: Operator):
    created = operator.create_key(models=["sandbox/image"])
    headers = {"authorization": f"Bearer {created['key']}"}
    refused = operator.native.create_job(headers)
    assert_problem(refused, 403, "model", "model_not_allowed", "allowed: sandbox/image")
    assert refused.json["allowed"] == ["sandbox/image"]


def test_audit_log_is_listed_with_filters(operator: Operator):
    created = operator.create_key()
    operator.act("POST", f"/keys/{created['id']}/revoke")
    found = operator.act("GET", "/audit").json
    assert [entry["action"] for entry in found["data"]] == ["key.revoke", "key.create"]
    assert created["key"] not in json.dumps(found)
    filtered = operator.act("GET", "/audit", action="key.create", target=f"key:{created['id']}")
    assert len(filtered.json["data"]) == 1
    assert operator.act("GET", "/audit", since="2099-01-01T00:00:00Z").json["data"] == []
    page = operator.act("GET", "/audit", limit="1").json
    rest = operator.act("GET", "/audit", limit="1", cursor=page["next_cursor"]).json
    assert rest["data"][0]["action"] == "key.create"


CHANGES = [route for route in ROUTES if route.path.startswith("/admin/") and route.method != "GET"]
BODIES: dict[str, Any] = {
    "admin.keys.create": {"account": "alice"},
    "admin.keys.update": {"name": "new"},
    "admin.accounts.create": {"account": "carol"},
    "admin.accounts.update": {"notes": "new"},
    "admin.providers.pause": {"reason": "maintenance"},
}
"""Bodies of the routes that need one."""


@pytest.mark.parametrize("route", CHANGES, ids=lambda route: route.name)
def test_every_change_of_an_operator_has_an_entry(operator: Operator, route: Route):
    """A new route of operators that changes something needs a body here, and an entry."""
    created = operator.create_key()
    names = {"<key_id>": created["id"], "<account>": "alice", "<name>": "sandbox"}
    operator.act("POST", "/providers/sandbox/pause", {"reason": "x"})
    operator.entries.clear()
    path = "/".join(names.get(part, part) for part in route.path.split("/"))
    reply = operator.act(route.method, path.removeprefix("/admin"), BODIES.get(route.name))
    assert reply.status == route.status, reply
    (entry,) = operator.entries
    resource, verb = route.name.split(".")[1:]
    assert entry.action == f"{resource.removesuffix('s')}.{verb}"
    assert entry.actor == f"key:{operator.key_id}"


@pytest.mark.parametrize("route", CHANGES, ids=lambda route: route.name)
def test_change_without_an_entry_is_not_made(
    operator: Operator, route: Route, monkeypatch: pytest.MonkeyPatch
):
    created = operator.create_key()
    names = {"<key_id>": created["id"], "<account>": "alice", "<name>": "sandbox"}
    path = "/".join(names.get(part, part) for part in route.path.split("/"))
    operator.act("POST", "/providers/sandbox/pause", {"reason": "x"})
    audit = operator.native.keys.accounts.audit

    def fail(_: object) -> None:
        raise OSError

    monkeypatch.setattr(audit, "record", fail)
    body = BODIES.get(route.name)
    assert operator.act(route.method, path.removeprefix("/admin"), body).status == 500
