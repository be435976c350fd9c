"""The API for endpoints: what it takes, what it shows, and what it never shows again."""

import base64
import json
from typing import Any

import pytest
from openai.types.webhooks import DeletedWebhookEndpoint, WebhookEndpoint
from openai.types.webhooks.webhook_endpoint_with_secret import WebhookEndpointWithSecret
from openai.types.webhooks.webhook_event_type_list import WebhookEventTypeList

from rushes.api.webhooks.endpoint_service import MOST_ENDPOINTS
from rushes.errors import AwsUnavailable
from tests.unit.webhooks.client import URL, Client, refused
from tests.unit.webhooks.harness import DAY, HOUR

ENDPOINTS = "webhook_endpoints"
EVERY = ["job.started", "job.completed", "job.failed", "job.cancelled", "endpoint.disabled"]
OWN_SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    return Client(monkeypatch)


def path(shown: dict[str, Any], rest: str = "") -> str:
    return f"{ENDPOINTS}/{shown['id']}{rest}"


def test_a_new_endpoint_is_shown_with_its_secret_once(client: Client):
    shown = client.made(name="gallery", event_types=["job.completed", "job.failed"])
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
def test_it_is_wherever_the_sdks_base_urls_are(client: Client, prefix: str):
    shown = client.post(f"{prefix}/{ENDPOINTS}", {"url": URL}).json
    assert client.get(f"{prefix}/{path(shown)}").status == 200
    assert client.get(f"{prefix}/webhook_event_types").status == 200
    assert client.get(f"{prefix}/webhook_secret").status == 200


def test_the_event_types_are_listed(client: Client):
    shown = client.get("webhook_event_types").json
    WebhookEventTypeList.model_validate(shown, strict=True)
    assert shown["data"] == ["job.started", "job.completed", "job.failed", "job.cancelled",
                             "endpoint.disabled", "video.completed", "video.failed"]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "form", "shown", "kept"),
    [
        ({}, "rushes", ["*"], ()),
        ({"event_types": ["*"]}, "rushes", ["*"], ()),
        ({"event_types": ["*", "job.failed"]}, "rushes", ["*"], ()),
        ({"event_types": ["job.failed"]}, "rushes", ["job.failed"], ("job.failed",)),
        ({"event_types": EVERY[::-1]}, "rushes", EVERY, tuple(EVERY)),
        ({"event_types": ["job.failed"] * 2}, "rushes", ["job.failed"], ("job.failed",)),
        (
            {"event_types": ["video.failed"]},
            "openai", ["video.failed"], ("job.failed", "job.cancelled"),
        ),
        ({"format": "openai"}, "openai", ["video.completed", "video.failed"], ()),
        ({"format": "fal"}, "fal", EVERY[1:4], ()),
        ({"format": "pipelet", "event_types": ["job.started"]},
         "pipelet", ["job.started"], ("job.started",)),
    ],
)  # fmt: skip
def test_event_types_tell_the_format_or_the_other_way_round(
    client: Client, fields: dict[str, Any], form: str, shown: list[str], kept: tuple[str, ...]
):
    made = client.made(**fields)
    assert (made["format"], made["event_types"]) == (form, shown)
    stored = client.harness.endpoints.get("one", made["id"])
    assert stored
    assert stored.event_types == kept


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
    "unknown": "https://nowhere.example/",
    "partly private": "https://mixed.example/",
    "fragment": f"{URL}#part",
    "newline": f"{URL}\nx",
    "long": f"{URL}?{'x' * 2048}",
}


@pytest.mark.parametrize(("fields", "param"), BAD_TYPES)
def test_what_cannot_be_honoured_is_refused_by_name(
    client: Client, fields: dict[str, Any], param: str
):
    refused(client.post(ENDPOINTS, {"url": URL, **fields}), param)
    assert client.get(ENDPOINTS).json["data"] == []


@pytest.mark.parametrize("url", BAD_URLS.values(), ids=BAD_URLS)
def test_an_address_that_nothing_would_be_sent_to_is_refused(client: Client, url: str):
    reply = client.post(ENDPOINTS, {"url": url})
    refused(reply, "url")
    assert reply.code == "address_refused"
    assert "canary" not in reply.text
    shown = client.made()
    refused(client.post(path(shown), {"url": url}), "url")
    assert client.get(path(shown)).json["url"] == URL


@pytest.mark.parametrize("url", [None, 5, [URL], {"a": URL}])
def test_an_address_is_text(client: Client, url: Any):
    refused(client.post(ENDPOINTS, {"url": url}), "url")
    refused(client.post(ENDPOINTS, {}), "url")


def test_on_one_machine_it_may_be_that_machine(monkeypatch: pytest.MonkeyPatch):
    client = Client(monkeypatch, local_mode=True)
    assert client.made(url="http://127.0.0.1:9000/in")["url"] == "http://127.0.0.1:9000/in"
    refused(client.post(ENDPOINTS, {"url": "http://me@127.0.0.1:9000/in"}), "url")
    refused(client.post(ENDPOINTS, {"url": "ftp://127.0.0.1/in"}), "url")


@pytest.mark.parametrize("secret", BAD_SECRETS)
def test_a_secret_that_is_none_is_refused(client: Client, secret: str):
    refused(client.post(ENDPOINTS, {"url": URL, "signing_secret": secret}), "signing_secret")
    shown = client.made()
    refused(
        client.post(path(shown, "/rotate_secret"), {"signing_secret": secret}), "signing_secret"
    )
    refused(client.post("webhook_secret/rotate", {"signing_secret": secret}), "signing_secret")


def test_who_has_a_secret_may_bring_it(client: Client):
    assert client.made(signing_secret=OWN_SECRET)["signing_secret"] == OWN_SECRET


def test_a_hundred_endpoints_are_enough(client: Client):
    first = client.made()
    for _ in range(MOST_ENDPOINTS - 1):
        client.made()
    reply = client.post(ENDPOINTS, {"url": URL})
    refused(reply, None)
    assert reply.code == "too_many_endpoints"
    assert "100" in reply.json["error"]["message"]
    client.call("DELETE", path(first))
    client.made()
    other = client.post(
        ENDPOINTS, {"url": URL}, {"authorization": f"Bearer {client.other_accounts_key}"}
    )
    assert other.status == 200


def test_they_are_listed_newest_first_a_page_at_a_time(client: Client):
    ids: list[str] = []
    for _ in range(5):
        client.harness.clock.advance(1)
        ids.insert(0, client.made()["id"])
    seen: list[str] = []
    query: dict[str, str] = {"limit": "2"}
    while True:
        page = client.get(ENDPOINTS, **query).json
        seen += [it["id"] for it in page["data"]]
        assert (page["first_id"], page["last_id"]) == (
            page["data"][0]["id"], page["data"][-1]["id"],
        )  # fmt: skip
        if not page["has_more"]:
            break
        query["after"] = page["last_id"]
    assert seen == ids
    assert client.get(ENDPOINTS, after=ids[-1]).json == {
        "object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "param"),
    [({"limit": "0"}, "limit"), ({"limit": "101"}, "limit"), ({"limit": "x"}, "limit"),
     ({"after": "we_x"}, "after"), ({"order": "asc"}, "order")],
)  # fmt: skip
def test_a_list_is_asked_for_properly(client: Client, query: dict[str, str], param: str):
    refused(client.get(ENDPOINTS, **query), param)
    shown = client.made()
    refused(client.get(path(shown, "/attempts"), **query), param)


def test_an_update_changes_what_it_names(client: Client):
    made = client.made(name="gallery", event_types=["job.completed"])
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


def test_a_format_can_be_changed_where_it_has_the_words(client: Client):
    made = client.made(event_types=["job.started", "job.failed"])
    refused(client.post(path(made), {"format": "fal"}), "format")
    shown = client.post(path(made), {"format": "pipelet"}).json
    assert (shown["format"], shown["event_types"]) == ("pipelet", ["job.started", "job.failed"])
    types = {"format": "openai", "event_types": ["video.failed"]}
    shown = client.post(path(made), types).json
    assert (shown["format"], shown["event_types"]) == ("openai", ["video.failed"])
    refused(client.post(path(made), {"event_types": ["job.failed"]}), "event_types")


@pytest.mark.parametrize(("fields", "param"), [it for it in BAD_TYPES if "format" not in it[0]])
def test_a_bad_update_is_refused_and_changes_nothing(
    client: Client, fields: dict[str, Any], param: str
):
    made = client.made(event_types=["job.completed"])
    before = client.get(path(made)).json
    refused(client.post(path(made), {"name": "changed", **fields}), param)
    assert client.get(path(made)).json == before


def test_an_owner_can_disable_and_enable(client: Client):
    made = client.made()
    shown = client.post(path(made), {"status": "disabled"}).json
    assert (shown["status"], shown["disabled_reason"]) == ("disabled", "owner")
    shown = client.post(path(made), {"status": "enabled"}).json
    assert (shown["status"], shown["disabled_reason"]) == ("enabled", None)
    refused(client.post(path(made), {"status": "paused"}), "status")


def test_a_deleted_endpoint_is_gone(client: Client):
    made = client.made()
    gone = client.call("DELETE", path(made)).json
    DeletedWebhookEndpoint.model_validate(gone, strict=True)
    assert gone == {"id": made["id"], "object": "webhook_endpoint.deleted", "deleted": True}
    refused(client.call("DELETE", path(made)), "webhook_endpoint_id", 404)
    assert client.get(ENDPOINTS).json["data"] == []


ON_ONE = [
    ("GET", "", None), ("POST", "", {"name": "mine"}), ("DELETE", "", None),
    ("POST", "/rotate_secret", {}), ("POST", "/test", {}), ("GET", "/attempts", None),
    ("POST", "/resend", {"message_id": "evt_1"}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "rest", "body"), ON_ONE)
def test_a_strangers_endpoint_is_as_absent_as_one_that_never_was(
    client: Client, method: str, rest: str, body: Any
):
    made = client.made()
    key = {"authorization": f"Bearer {client.other_accounts_key}"}
    foreign = client.call(method, path(made, rest), body, key)
    absent = client.call(method, path({"id": "we_0"}, rest), body)
    for reply in (foreign, absent):
        refused(reply, "webhook_endpoint_id", 404)
    assert foreign.text.replace(made["id"], "we_0") == absent.text
    assert client.get(path(made)).json["name"] == ""


@pytest.mark.parametrize(("method", "rest", "body"), ON_ONE)
@pytest.mark.parametrize("key", ["", "Bearer rk_0000000000000000_" + "x" * 43, "Key x"])
def test_nothing_is_told_without_a_key(client: Client, method: str, rest: str, body: Any, key: str):
    refused(client.call(method, path(client.made(), rest), body, {"authorization": key}),
            "authorization" if not key.startswith("Bearer") else None, 401)  # fmt: skip


def test_rotating_ends_the_old_secret_at_once_or_after_a_day(client: Client):
    made = client.made(signing_secret=OWN_SECRET)

    def live(after: float = 0.0) -> tuple[str, ...]:
        kept = client.harness.endpoints.get("one", made["id"])
        assert kept
        return kept.live_secrets(client.harness.clock() + after)

    keep = {"keep_old_secret_active_for_24_hours": True}
    second = client.post(path(made, "/rotate_secret"), keep).json
    WebhookEndpointWithSecret.model_validate(second, strict=True)
    assert live() == (second["signing_secret"], OWN_SECRET)
    assert live(DAY - 1) == live()
    assert live(DAY) == (second["signing_secret"],)
    client.harness.clock.advance(HOUR)
    third = client.post(path(made, "/rotate_secret"), keep).json["signing_secret"]
    assert live() == (third, second["signing_secret"], OWN_SECRET)
    assert live(DAY - HOUR) == (third, second["signing_secret"])
    fourth = client.post(path(made, "/rotate_secret")).json["signing_secret"]
    assert live() == (fourth,)


def test_old_secrets_do_not_pile_up(client: Client):
    """None of them is ended before its time, either."""
    made, keep = client.made(), {"keep_old_secret_active_for_24_hours": True}
    where = path(made, "/rotate_secret")
    assert [client.post(where, keep).status for _ in range(10)] == [200] * 10
    before = client.harness.endpoints.get("one", made["id"])
    refused(client.post(where, keep), "keep_old_secret_active_for_24_hours")
    assert client.harness.endpoints.get("one", made["id"]) == before
    client.harness.clock.advance(DAY)
    assert client.post(where, keep).status == 200
    for _ in range(9):
        client.post(where, keep)
    refused(client.post(where, keep), "keep_old_secret_active_for_24_hours")
    assert client.post(where).status == 200


def test_what_signs_messages_to_requests_addresses_is_shown_when_it_is_new(client: Client):
    before = client.get("webhook_secret").json
    assert before.keys() == {"object", "signing_secret_hint"}
    rotated = client.post("webhook_secret/rotate", {"keep_old_secret_active_for_24_hours": True})
    secret = rotated.json["signing_secret"]
    assert rotated.json["signing_secret_hint"] == f"whsec_…{secret[-4:]}"
    live = client.harness.endpoints.request_secrets("one").live_secrets(client.harness.clock())
    assert (live[0], len(live)) == (secret, 2)
    assert secret not in client.get("webhook_secret").text
    refused(client.post("webhook_secret/rotate", {"keep": True}), "keep")


@pytest.mark.parametrize("body", [b"[", b"[]", b'{"url": "a", "url": "b"}', b"\xff", b'{"a": NaN}'])
def test_what_is_no_body_is_refused(client: Client, body: bytes):
    reply = client.post(ENDPOINTS, body)
    assert reply.status == 400
    assert set(reply.json["error"]) == {"message", "type", "param", "code"}


def test_our_own_faults_tell_nothing(client: Client, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise KeyError("canary")

    monkeypatch.setattr(client.harness.endpoints, "all", fail)
    reply = client.get(ENDPOINTS)
    assert reply.status == 500
    assert "canary" not in reply.text
    assert json.loads(reply.text)["error"]["type"] == "server_error"


LONG = "x" * 201


@pytest.mark.parametrize(
    ("method", "where", "body", "status"),
    [
        ("GET", f"{ENDPOINTS}/{LONG}", None, 404),
        ("POST", f"{ENDPOINTS}/{LONG}/rotate_secret", {}, 404),
        ("GET", f"webhook_messages/{LONG}", None, 404),
        ("POST", f"webhook_messages/{LONG}/resend", {}, 404),
    ],
)
def test_what_is_too_long_for_an_id_is_none(
    client: Client, method: str, where: str, body: Any, status: int, monkeypatch: pytest.MonkeyPatch
):
    def no_key(*_: object) -> None:
        raise AwsUnavailable("GetItem answered ValidationException")

    for port in (client.harness.endpoints, client.harness.deliveries):
        monkeypatch.setattr(port, "get", no_key)
    monkeypatch.setattr(client.harness.deliveries, "of_message", no_key)
    assert client.call(method, where, body).status == status


def test_a_cursor_that_is_too_long_is_refused_by_name(client: Client):
    made = client.made()
    refused(client.get(ENDPOINTS, after=LONG), "after")
    refused(client.get(path(made, "/attempts"), after=LONG), "after")
    for asked in ({"message_id": LONG}, {"since": 1, "after": LONG}):
        refused(client.post(path(made, "/resend"), asked), list(asked)[-1])


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("prefix", ["/v1", "/openai/v1"])
def test_a_method_that_means_nothing_is_refused_in_the_same_words(
    client: Client, method: str, prefix: str
):
    made = client.made()
    for where in (path(made), ENDPOINTS, path(made, "/test"), "webhook_messages/evt_1"):
        reply = client.call(method, f"{prefix}/{where}", {"name": "x"})
        refused(reply, None, 404)
        assert reply.code == "unknown_url"
    assert client.get(path(made)).json["name"] == ""


def test_another_address_begins_without_the_failures_of_the_old_one(client: Client):
    made = client.made()
    now = client.harness.clock()
    client.harness.endpoints.change("one", made["id"], lambda it: it.failing(now, timed_out=True))
    assert client.post(path(made), {"url": URL, "name": "same"}).json["failing_since"] == int(now)
    changed = client.post(path(made), {"url": f"{URL}/new"}).json
    assert changed["failing_since"] is None
    kept = client.harness.endpoints.get("one", made["id"])
    assert kept
    assert (kept.failed_at, kept.held_until) == (None, 0.0)


def test_refusals_are_in_the_words_of_the_format(client: Client):
    made = client.made(format="openai", event_types=["video.failed"])
    told = client.post(path(made, "/test"), {"event_type": "x"}).json["error"]["message"]
    assert told.endswith("video.completed, video.failed")
    made = client.made(event_types=["job.started"])
    told = client.post(path(made), {"format": "openai"}).json["error"]["message"]
    assert "job.started" in told
