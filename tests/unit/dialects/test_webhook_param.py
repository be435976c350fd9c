"""Where a create call wants its job told of: read in each API's way, and judged at once."""

import json
import socket
from typing import Any

import pytest

from rushes.http import ssrf
from rushes.jobs.request import WebhookTarget
from tests.unit.dialects.api_client import ACCOUNT, FIELDS, Caller, Reply

HOOK = "https://hooks.example/film?token=1"
VIDEOS = {
    "/v1/videos": "rushes",
    "/bifrost/v1/videos": "rushes",
    "/openai/v1/videos": "openai",
    "/v2/videos": "rushes",
}
TOGETHER = "/v2/videos"
TOGETHER_FIELDS = {"prompt": "a cat", "model": "sandbox/film", "seconds": "4"}
FORMATS = ("rushes", "openai", "fal", "pipelet")
NAMES = {"hooks.example": "203.0.114.7", "inside.example": "10.0.0.7"}
"""What our resolver knows."""


@pytest.fixture(autouse=True)
def _resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(host: str, _port: int) -> tuple[str, ...]:
        if host not in NAMES:
            raise socket.gaierror(f"{host} is unknown")
        return (NAMES[host],)

    monkeypatch.setattr(ssrf, "resolve", resolve)


@pytest.fixture(params=VIDEOS)
def base(request: pytest.FixtureRequest) -> str:
    path: str = request.param
    return path


def create(caller: Caller, base: str, webhook: Any) -> Reply:
    fields = TOGETHER_FIELDS if base == TOGETHER else FIELDS
    return caller.call("POST", base, {**fields, "webhook": webhook})


def target(caller: Caller, reply: Reply) -> WebhookTarget | None:
    assert reply.status == 200, reply
    told = reply.json
    job_id = (told.get("request_id") or told["id"]).partition(":")[0]
    job = caller.jobs.get(ACCOUNT, job_id)
    assert job
    assert "webhook" not in job.request.provider_options
    return job.webhook


def test_without_one_there_is_none(caller: Caller, base: str):
    assert target(caller, create(caller, base, None)) is None


def test_an_address_is_told_in_the_apis_own_words(caller: Caller, base: str):
    expected = WebhookTarget(url=HOOK, format=VIDEOS[base])
    assert target(caller, create(caller, base, HOOK)) == expected
    assert target(caller, create(caller, base, {"url": HOOK})) == expected


@pytest.mark.parametrize("form", FORMATS)
def test_the_words_can_be_chosen(caller: Caller, base: str, form: str):
    reply = create(caller, base, {"url": HOOK, "format": form})
    assert target(caller, reply) == WebhookTarget(url=HOOK, format=form)


@pytest.mark.parametrize("base", ["/v1/videos", "/openai/v1/videos"])
@pytest.mark.parametrize(
    ("parts", "form"),
    [
        ([("webhook", HOOK)], None),
        ([("webhook[url]", HOOK)], None),
        ([("webhook[url]", HOOK), ("webhook[format]", "fal")], "fal"),
    ],
)
def test_it_may_come_in_a_form(caller: Caller, base: str, parts: Any, form: str | None):
    reply = caller.form(base, *FIELDS.items(), *parts)
    assert target(caller, reply) == WebhookTarget(url=HOOK, format=form or VIDEOS[base])


@pytest.mark.parametrize(
    ("webhook", "param"),
    [
        (5, "webhook"),
        ([HOOK], "webhook"),
        ("", "webhook"),
        ("hooks.example", "webhook"),
        ("ftp://hooks.example/", "webhook"),
        ("https://[", "webhook"),
        ({}, "webhook.url"),
        ({"url": None}, "webhook.url"),
        ({"url": [HOOK]}, "webhook.url"),
        ({"url": HOOK, "format": "xml"}, "webhook.format"),
        ({"url": HOOK, "format": ["fal"]}, "webhook.format"),
        ({"url": HOOK, "secret": "whsec_x"}, "webhook"),
    ],
)
def test_what_is_no_webhook_is_refused_by_name(caller: Caller, base: str, webhook: Any, param: str):
    reply = create(caller, base, webhook)
    assert (reply.status, reply.param) == (400, param)
    assert caller.traces() == ({}, {}, {})


UNWANTED = {
    "http": "http://hooks.example/",
    "another port": "https://hooks.example:8443/",
    "private": "https://inside.example/",
    "loopback": "https://127.0.0.1/",
    "metadata": "https://169.254.169.254/latest",
    "mapped": "https://[::ffff:10.0.0.1]/",
    "user": "https://me:secret@hooks.example/",
    "unknown": "https://nowhere.example/",
    "fragment": f"{HOOK}#part",
    "long": f"{HOOK}&{'x' * 2048}",
    "odd number": "https://0x7f.1/",
}


@pytest.mark.parametrize("url", UNWANTED.values(), ids=UNWANTED)
def test_an_address_that_nothing_would_be_sent_to_is_refused(caller: Caller, base: str, url: str):
    reply = create(caller, base, url)
    assert (reply.status, reply.param) == (400, "webhook")
    assert reply.code == "address_refused"
    assert "secret" not in reply.text
    assert caller.traces() == ({}, {}, {})


Place = tuple[str, str, dict[str, str], dict[str, str]]
"""A prefix, a kind of key, headers and queries."""
QUEUES = [
    (("/fal", "Key", {}, {"fal_webhook": HOOK}), "fal"),
    (("/queue", "Key", {}, {"fal_webhook": HOOK}), "fal"),
    (("/queue", "Bearer", {}, {"fal_webhook": HOOK}), "fal"),
    (("/pipelet/queue", "Bearer", {"x-pipelet-webhook": HOOK}, {}), "pipelet"),
    (("/queue", "Bearer", {"x-pipelet-webhook": HOOK}, {}), "pipelet"),
    (("/queue", "Key", {"x-pipelet-webhook": HOOK}, {}), "pipelet"),
    (("/fal", "Key", {"x-pipelet-webhook": HOOK}, {}), "pipelet"),
]


def queue(
    caller: Caller, prefix: str, scheme: str, headers: dict[str, str], query: dict[str, str]
) -> Reply:
    key = {"authorization": f"{scheme} {caller.key}"}
    return caller.call("POST", f"{prefix}/sora-2", {"prompt": "x"}, {**key, **headers}, query)


@pytest.mark.parametrize(("place", "form"), QUEUES)
def test_queues_have_their_own_places_for_it(caller: Caller, place: Place, form: str):
    prefix, scheme, headers, query = place
    reply = queue(caller, prefix, scheme, headers, query)
    assert target(caller, reply) == WebhookTarget(url=HOOK, format=form)


@pytest.mark.parametrize(("place", "_form"), QUEUES)
@pytest.mark.parametrize("url", ["hooks.example", *UNWANTED.values()])
def test_queues_refuse_what_nothing_would_be_sent_to(
    caller: Caller, place: Place, _form: str, url: str
):
    prefix, scheme, headers, query = place
    bad_headers, bad_query = dict.fromkeys(headers, url), dict.fromkeys(query, url)
    reply = queue(caller, prefix, scheme, bad_headers, bad_query)
    assert reply.status == 400
    assert next(iter({**headers, **query})) in json.loads(reply.text)["detail"]
    assert caller.traces() == ({}, {}, {})


def test_two_places_at_once_are_refused(caller: Caller):
    reply = queue(caller, "/queue", "Bearer", {"x-pipelet-webhook": HOOK}, {"fal_webhook": HOOK})
    assert reply.status == 400
    assert "fal_webhook" in reply.json["detail"]
    assert caller.traces() == ({}, {}, {})
