"""Tests of the API for webhook endpoints and secrets."""

import base64
import json
from typing import Any

import pytest
from openai.types.webhooks import DeletedWebhookEndpoint, WebhookEndpoint
from openai.types.webhooks.webhook_endpoint_with_secret import WebhookEndpointWithSecret
from openai.types.webhooks.webhook_event_type_list import WebhookEventTypeList

from rushes.errors import AwsUnavailable
from rushes.webhooks.endpoint import MAX_ENDPOINTS
from tests.unit.webhooks.client import ENDPOINTS, Client, assert_refused, path
from tests.unit.webhooks.harness import DAY, HOUR, URL

EVERY = ["job.started", "job.completed", "job.failed", "job.cancelled", "endpoint.disabled"]
KEEP_OLD = "keep_old_secret_active_for_24_hours"
KEEP = {KEEP_OLD: True}
OWN_SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    return Client(monkeypatch)


def test_create_returns_the_secret_once(client: Client):
    shown = client.create_endpoint(name="gallery", event_types=["job.completed", "job.failed"])
    WebhookEndpointWithSecret.model_validate(shown, strict=True)
    secret = shown.pop("signing_secret")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert shown["signing_secret_hint"] == f"whsec_…{secret[-4:]}"
    again = client.get(path(shown))
    assert again.json == shown
    listed = client.get(ENDPOINTS)
    assert listed.json["data"] == [shown]
    WebhookEndpoint.model_validate(shown, strict=True)
    for reply in (again, listed, client.post(path(shown), {"name": "other"})):
        assert secret not in reply.text
        assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("prefix", ["/v1", "/openai/v1"])
def test_routes_exist_at_each_base_url(client: Client, prefix: str):
    shown = client.post(f"{prefix}/{ENDPOINTS}", {"url": URL}).json
    assert client.get(f"{prefix}/{path(shown)}").status == 200
    assert client.get(f"{prefix}/webhook_event_types").status == 200
    assert client.get(f"{prefix}/webhook_secret").status == 200


def test_list_event_types_returns_all(client: Client):
    shown = client.get("webhook_event_types").json
    WebhookEventTypeList.model_validate(shown, strict=True)
    assert shown["data"] == ["job.started", "job.progress", "job.completed", "job.failed",
                             "job.cancelled", "budget.threshold_reached", "endpoint.disabled",
                             "video.completed", "video.failed"]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "form", "shown", "stored_types"),
    [
        ({}, "rushes", ["*"], ()),
        ({"event_types": ["*"]}, "rushes", ["*"], ()),
        ({"event_types": ["*", "job.failed"]}, "rushes", ["*"], ()),
        ({"event_types": ["*", "job.progress"]}, "rushes", ["*", "job.progress"],
         ("*", "job.progress")),
        ({"event_types": ["job.progress"]}, "rushes", ["job.progress"], ("job.progress",)),
        ({"event_types": ["job.failed"]}, "rushes", ["job.failed"], ("job.failed",)),
        ({"event_types": EVERY[::-1]}, "rushes", EVERY, tuple(EVERY)),
        ({"event_types": ["job.failed"] * 2}, "rushes", ["job.failed"], ("job.failed",)),
        ({"event_types": ["video.failed"]},
         "openai", ["video.failed"], ("job.failed", "job.cancelled")),
        ({"format": "openai"}, "openai", ["video.completed", "video.failed"], ()),
        ({"format": "fal"}, "fal", EVERY[1:4], ()),
        ({"format": "pipelet", "event_types": ["job.started"]},
         "pipelet", ["job.started"], ("job.started",)),
    ],
)  # fmt: skip
def test_create_derives_event_types_and_format_from_each_other(
    client: Client, fields: Any, form: str, shown: list[str], stored_types: tuple[str, ...]
):
    made = client.create_endpoint(**fields)
    assert (made["format"], made["event_types"]) == (form, shown)
    assert client.harness.stored_endpoint(made["id"]).event_types == stored_types


BAD_TYPES: list[tuple[dict[str, Any], str]] = [
    ({"event_types": []}, "event_types"),
    ({"event_types": ["job.lost"]}, "event_types"),
    ({"event_types": ["job.completed", "video.completed"]}, "event_types"),
    ({"event_types": ["job.completed"], "format": "openai"}, "event_types"),
    ({"event_types": ["video.completed"], "format": "rushes"}, "event_types"),
    ({"event_types": ["job.started"], "format": "fal"}, "event_types"),
    ({"event_types": ["endpoint.disabled"], "format": "pipelet"}, "event_types"),
    ({"event_types": "job.completed"}, "event_types"),
    ({"event_types": [5]}, "event_types.0"),
    ({"event_types": ["x"] * 51}, "event_types"),
    ({"format": "xml"}, "format"),
    ({"name": "x" * 201}, "name"),
    ({"name": 5}, "name"),
    ({"description": "x"}, "description"),
    ({"secret": "x"}, "secret"),
]
BAD_SECRETS = [
    "", "secret", OWN_SECRET.removeprefix("whsec_"), "whsec_", "whsec_???",
    "whsec_" + base64.b64encode(bytes(23)).decode(),
    "whsec_" + base64.b64encode(bytes(65)).decode(),
]  # fmt: skip
BAD_URLS = {
    "http": "http://hooks.example/in",
    "other scheme": "ftp://hooks.example/in",
    "no scheme": "hooks.example/in",
    "empty": "",
    "another port": "https://hooks.example:8443/",
    "private": "https://10.1.2.3/",
    "loopback": "https://127.0.0.1/",
    "own machine": "https://localhost/",
    "metadata": "https://169.254.169.254/latest",
    "mapped": "https://[::ffff:10.0.0.1]/",
    "nat64": "https://[64:ff9b::a00:1]/",
    "octal": "https://0177.0.0.1/",
    "user": "https://me:canary@hooks.example/",
    "unknown": "https://unknown.example/",
    "partly private": "https://mixed.example/",
    "fragment": f"{URL}#part",
    "newline": f"{URL}\nx",
    "long": f"{URL}?{'x' * 2048}",
}


@pytest.mark.parametrize(("fields", "param"), BAD_TYPES)
def test_create_refuses_invalid_fields_by_name(client: Client, fields: dict[str, Any], param: str):
    assert_refused(client.post(ENDPOINTS, {"url": URL, **fields}), param)
    assert client.get(ENDPOINTS).json["data"] == []


@pytest.mark.parametrize("url", BAD_URLS.values(), ids=BAD_URLS)
def test_create_and_update_refuse_a_forbidden_url(client: Client, url: str):
    reply = client.post(ENDPOINTS, {"url": url})
    assert_refused(reply, "url", code="address_refused")
    assert "canary" not in reply.text
    shown = client.create_endpoint()
    assert_refused(client.post(path(shown), {"url": url}), "url")
    assert client.get(path(shown)).json["url"] == URL


@pytest.mark.parametrize("url", [None, 5, [URL], {"a": URL}])
def test_create_refuses_a_url_that_is_no_string(client: Client, url: Any):
    assert_refused(client.post(ENDPOINTS, {"url": url}), "url")
    assert_refused(client.post(ENDPOINTS, {}), "url")


def test_create_accepts_a_loopback_url_in_local_mode(monkeypatch: pytest.MonkeyPatch):
    client, local = Client(monkeypatch, local_mode=True), "http://127.0.0.1:9000/in"
    assert client.create_endpoint(url=local)["url"] == local
    for url in ("http://me@127.0.0.1:9000/in", "ftp://127.0.0.1/in"):
        assert_refused(client.post(ENDPOINTS, {"url": url}), "url")


@pytest.mark.parametrize("secret", BAD_SECRETS)
def test_create_and_rotate_refuse_an_invalid_secret(client: Client, secret: str):
    body = {"signing_secret": secret}
    rotate = path(client.create_endpoint(), "/rotate_secret")
    assert_refused(client.post(ENDPOINTS, {"url": URL, **body}), "signing_secret")
    for where in (rotate, "webhook_secret/rotate"):
        assert_refused(client.post(where, body), "signing_secret")


def test_create_accepts_the_clients_secret(client: Client):
    assert client.create_endpoint(signing_secret=OWN_SECRET)["signing_secret"] == OWN_SECRET


def test_create_refuses_more_than_100_endpoints(client: Client):
    first, *_ = [client.create_endpoint() for _ in range(MAX_ENDPOINTS)]
    reply = client.post(ENDPOINTS, {"url": URL})
    assert_refused(reply, None, code="too_many_endpoints")
    assert "100" in reply.json["error"]["message"]
    client.call("DELETE", path(first))
    client.create_endpoint()
    assert client.post(ENDPOINTS, {"url": URL}, client.other_account).status == 200


def test_list_pages_endpoints_newest_first(client: Client):
    ids: list[str] = []
    for _ in range(5):
        client.harness.clock.advance(1)
        ids.insert(0, client.create_endpoint()["id"])
    seen: list[str] = []
    for page in client.pages(ENDPOINTS, limit="2"):
        listed = [entry["id"] for entry in page.json["data"]]
        assert (page.json["first_id"], page.json["last_id"]) == (listed[0], listed[-1])
        seen += listed
    assert seen == ids
    assert client.get(ENDPOINTS, after=ids[-1]).json == {
        "object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "param"),
    [({"limit": "0"}, "limit"), ({"limit": "101"}, "limit"), ({"limit": "x"}, "limit"),
     ({"after": "we_x"}, "after"), ({"order": "asc"}, "order")],
)  # fmt: skip
def test_list_refuses_invalid_query_parameters(client: Client, query: dict[str, str], param: str):
    assert_refused(client.get(ENDPOINTS, **query), param)
    shown = client.create_endpoint()
    assert_refused(client.get(path(shown, "/attempts"), **query), param)


def test_update_changes_only_the_named_fields(client: Client):
    made = client.create_endpoint(name="gallery", event_types=["job.completed"])
    made.pop("signing_secret")
    client.harness.clock.advance(10)
    other = "https://hooks.example/other"
    changed = client.post(path(made), {"url": other, "name": "", "event_types": ["*"]}).json
    later = made["updated_at"] + 10
    expected = {**made, "url": other, "name": "", "event_types": ["*"], "updated_at": later}
    assert changed == expected
    client.harness.clock.advance(10)
    assert client.post(path(made), {"url": other}).json == expected
    assert client.post(path(made), {}).json == expected
    assert client.post(path(made)).json == expected


def test_update_refuses_a_format_that_does_not_support_the_event_types(client: Client):
    made = client.create_endpoint(event_types=["job.started", "job.failed"])
    assert_refused(client.post(path(made), {"format": "fal"}), "format")
    shown = client.post(path(made), {"format": "pipelet"}).json
    assert (shown["format"], shown["event_types"]) == ("pipelet", ["job.started", "job.failed"])
    types = {"format": "openai", "event_types": ["video.failed"]}
    shown = client.post(path(made), types).json
    assert (shown["format"], shown["event_types"]) == ("openai", ["video.failed"])
    assert_refused(client.post(path(made), {"event_types": ["job.failed"]}), "event_types")


@pytest.mark.parametrize(("fields", "param"), [c for c in BAD_TYPES if "format" not in c[0]])
def test_update_with_an_invalid_field_changes_nothing(client: Client, fields: Any, param: str):
    made = client.create_endpoint(event_types=["job.completed"])
    before = client.get(path(made)).json
    assert_refused(client.post(path(made), {"name": "changed", **fields}), param)
    assert client.get(path(made)).json == before


def test_update_disables_and_enables(client: Client):
    made = client.create_endpoint()
    shown = client.post(path(made), {"status": "disabled"}).json
    assert (shown["status"], shown["disabled_reason"]) == ("disabled", "owner")
    shown = client.post(path(made), {"status": "enabled"}).json
    assert (shown["status"], shown["disabled_reason"]) == ("enabled", None)
    assert_refused(client.post(path(made), {"status": "paused"}), "status")


def test_delete_removes_the_endpoint(client: Client):
    made = client.create_endpoint()
    gone = client.call("DELETE", path(made)).json
    DeletedWebhookEndpoint.model_validate(gone, strict=True)
    assert gone == {"id": made["id"], "object": "webhook_endpoint.deleted", "deleted": True}
    assert_refused(client.call("DELETE", path(made)), "webhook_endpoint_id", 404)
    assert client.get(ENDPOINTS).json["data"] == []


ON_ONE = [
    ("GET", "", None), ("POST", "", {"name": "mine"}), ("DELETE", "", None),
    ("POST", "/rotate_secret", {}), ("POST", "/test", {}), ("GET", "/attempts", None),
    ("POST", "/resend", {"message_id": "evt_1"}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "rest", "body"), ON_ONE)
def test_endpoint_of_another_account_is_answered_like_an_unknown_one(
    client: Client, method: str, rest: str, body: Any
):
    made = client.create_endpoint()
    foreign = client.call(method, path(made, rest), body, client.other_account)
    absent = client.call(method, path({"id": "we_0"}, rest), body)
    for reply in (foreign, absent):
        assert_refused(reply, "webhook_endpoint_id", 404)
    assert foreign.text.replace(made["id"], "we_0") == absent.text
    assert client.get(path(made)).json["name"] == ""


@pytest.mark.parametrize(("method", "rest", "body"), ON_ONE)
@pytest.mark.parametrize("key", ["", "Bearer rk_0000000000000000_" + "x" * 43, "Key x"])
def test_requests_without_a_valid_key_are_refused(
    client: Client, method: str, rest: str, body: Any, key: str
):
    reply = client.call(method, path(client.create_endpoint(), rest), body, {"authorization": key})
    assert_refused(reply, None if key.startswith("Bearer") else "authorization", 401)


def test_rotate_expires_the_old_secret_at_once_or_after_a_day(client: Client):
    made = client.create_endpoint(signing_secret=OWN_SECRET)

    def active(after: float = 0.0) -> tuple[str, ...]:
        harness = client.harness
        stored = harness.stored_endpoint(made["id"])
        return harness.signing_secrets.active(stored, harness.clock() + after)

    second = client.post(path(made, "/rotate_secret"), KEEP).json
    WebhookEndpointWithSecret.model_validate(second, strict=True)
    assert active() == (second["signing_secret"], OWN_SECRET)
    assert active(DAY - 1) == active()
    assert active(DAY) == (second["signing_secret"],)
    client.harness.clock.advance(HOUR)
    third = client.post(path(made, "/rotate_secret"), KEEP).json["signing_secret"]
    assert active() == (third, second["signing_secret"], OWN_SECRET)
    assert active(DAY - HOUR) == (third, second["signing_secret"])
    fourth = client.post(path(made, "/rotate_secret")).json["signing_secret"]
    assert active() == (fourth,)


def test_rotate_refuses_more_than_ten_old_secrets(client: Client):
    """A refused rotation expires no secret early."""
    made = client.create_endpoint()
    where = path(made, "/rotate_secret")
    assert [client.post(where, KEEP).status for _ in range(10)] == [200] * 10
    before = client.harness.stored_endpoint(made["id"])
    assert_refused(client.post(where, KEEP), KEEP_OLD)
    assert client.harness.stored_endpoint(made["id"]) == before
    client.harness.clock.advance(DAY)
    assert [client.post(where, KEEP).status for _ in range(10)] == [200] * 10
    assert_refused(client.post(where, KEEP), KEEP_OLD)
    assert client.post(where).status == 200


def test_rotate_secret_returns_the_request_secret_once(client: Client):
    before = client.get("webhook_secret").json
    assert before.keys() == {"object", "signing_secret_hint"}
    rotated = client.post("webhook_secret/rotate", KEEP)
    secret = rotated.json["signing_secret"]
    assert rotated.json["signing_secret_hint"] == f"whsec_…{secret[-4:]}"
    harness = client.harness
    secrets = harness.signing_secrets.active(harness.request_secrets(), harness.clock())
    assert (secrets[0], len(secrets)) == (secret, 2)
    assert secret not in client.get("webhook_secret").text
    assert_refused(client.post("webhook_secret/rotate", {"keep": True}), "keep")


@pytest.mark.parametrize("body", [b"[", b"[]", b'{"url": "a", "url": "b"}', b"\xff", b'{"a": NaN}'])
def test_create_refuses_an_invalid_body(client: Client, body: bytes):
    reply = client.post(ENDPOINTS, body)
    assert reply.status == 400
    assert set(reply.json["error"]) == {"message", "type", "param", "code"}


def test_unexpected_error_reveals_nothing(client: Client, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise KeyError("canary")

    monkeypatch.setattr(client.harness.endpoints, "all", fail)
    reply = client.get(ENDPOINTS)
    assert reply.status == 500
    assert "canary" not in reply.text
    assert json.loads(reply.text)["error"]["type"] == "server_error"


LONG = "x" * 201


@pytest.mark.parametrize(
    ("method", "where"),
    [("GET", f"{ENDPOINTS}/{LONG}"), ("POST", f"{ENDPOINTS}/{LONG}/rotate_secret"),
     ("GET", f"webhook_messages/{LONG}"), ("POST", f"webhook_messages/{LONG}/resend")],
)  # fmt: skip
def test_too_long_id_is_not_found(
    client: Client, method: str, where: str, monkeypatch: pytest.MonkeyPatch
):
    def no_key(*_: object) -> None:
        raise AwsUnavailable("GetItem returned ValidationException")

    for port in (client.harness.endpoints, client.harness.deliveries):
        monkeypatch.setattr(port, "get", no_key)
    monkeypatch.setattr(client.harness.deliveries, "of_message", no_key)
    assert client.call(method, where, {}).status == 404


def test_too_long_cursor_is_refused_by_name(client: Client):
    made = client.create_endpoint()
    assert_refused(client.get(ENDPOINTS, after=LONG), "after")
    assert_refused(client.get(path(made, "/attempts"), after=LONG), "after")
    for body in ({"message_id": LONG}, {"since": 1, "after": LONG}):
        assert_refused(client.post(path(made, "/resend"), body), list(body)[-1])


@pytest.mark.parametrize("name", ["status", "colour", "Limit"])
def test_unknown_query_parameter_is_refused_by_name(client: Client, name: str):
    made = client.create_endpoint()
    for where in (ENDPOINTS, path(made), path(made, "/attempts"), "webhook_secret"):
        reply = client.call("GET", where, query={name: "x"})
        assert_refused(reply, name)
        allowed = "limit" if where.endswith(("attempts", ENDPOINTS)) else "none"
        assert allowed in reply.text


def test_null_is_an_absent_field(client: Client):
    names = ("name", "event_types", "format", "signing_secret", "unknown")
    made = client.create_endpoint(**dict.fromkeys(names))
    assert made["name"] == ""
    changed = client.post(path(made), {"name": "mine", "url": None, "status": None})
    assert (changed.status, changed.json["url"]) == (200, made["url"])
    body = {"keep_old_secret_active_for_24_hours": None}
    assert client.post(path(made, "/rotate_secret"), body).status == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("prefix", ["/v1", "/openai/v1"])
def test_other_method_of_a_url_is_refused(client: Client, method: str, prefix: str):
    made = client.create_endpoint()
    for where in (path(made), ENDPOINTS, path(made, "/test"), "webhook_messages/evt_1"):
        reply = client.call(method, f"{prefix}/{where}", {"name": "x"})
        assert_refused(reply, None, 405, "method_not_allowed")
    assert client.get(path(made)).json["name"] == ""


def test_update_of_the_url_resets_the_failure_series(client: Client):
    made = client.create_endpoint()
    now = client.harness.clock()
    client.harness.change_endpoint(
        lambda current: current.record_failure(now, timed_out=True), made["id"]
    )
    assert client.post(path(made), {"url": URL, "name": "same"}).json["failing_since"] == int(now)
    changed = client.post(path(made), {"url": f"{URL}/new"}).json
    assert changed["failing_since"] is None
    stored = client.harness.stored_endpoint(made["id"])
    assert (stored.failed_at, stored.paused_until) == (None, 0.0)


def test_errors_name_the_event_types_of_the_format(client: Client):
    made = client.create_endpoint(format="openai", event_types=["video.failed"])
    message = client.post(path(made, "/test"), {"event_type": "x"}).json["error"]["message"]
    assert "video.completed, video.failed" in message
    assert "job." not in message
    made = client.create_endpoint(event_types=["job.started"])
    message = client.post(path(made), {"format": "openai"}).json["error"]["message"]
    assert "job.started" in message
