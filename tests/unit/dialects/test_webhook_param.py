"""Tests of the webhook URL of a create call in each dialect."""

import socket
from typing import Any

import pytest

from rushes.http import ssrf
from rushes.jobs.request import WebhookTarget
from tests.unit.dialects.api_client import (
    BIFROST,
    FIELDS,
    OPENAI,
    Caller,
    Reply,
    Texts,
    assert_refused,
    assert_refused_in_queue,
    cases,
)

HOOK = "https://hooks.example/job?token=1"
TOGETHER = "/v2/videos"
TOGETHER_FIELDS = {"prompt": "a cat", "model": "sandbox/video", "seconds": "4"}
VIDEOS = {BIFROST: "rushes", f"/bifrost{BIFROST}": "rushes", OPENAI: "openai", TOGETHER: "rushes"}
"""Webhook format by base path."""
FORMATS = ("rushes", "openai", "fal", "pipelet")
NAMES = {"hooks.example": "203.0.114.7", "inside.example": "10.0.0.7"}
"""Addresses by host name of the fake resolver."""


@pytest.fixture(autouse=True)
def _resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(host: str, _port: int) -> tuple[str, ...]:
        if host not in NAMES:
            raise socket.gaierror(f"{host} is unknown")
        return (NAMES[host],)

    monkeypatch.setattr(ssrf, "resolve", resolve)


@pytest.fixture(params=VIDEOS)
def base(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def create(caller: Caller, base: str, webhook: Any) -> Reply:
    fields = TOGETHER_FIELDS if base == TOGETHER else FIELDS
    return caller.call("POST", base, {**fields, "webhook": webhook})


def target(caller: Caller, reply: Reply) -> WebhookTarget | None:
    job = caller.job(reply)
    assert "webhook" not in job.request.provider_options
    return job.webhook


@pytest.mark.parametrize("webhook", [None, ""])
def test_empty_webhook_is_absent(caller: Caller, base: str, webhook: str | None):
    assert target(caller, create(caller, base, webhook)) is None


@pytest.mark.parametrize("webhook", [{"format": None}, {"format": ""}, {"secret": None}])
def test_empty_member_of_a_webhook_is_absent(caller: Caller, base: str, webhook: dict[str, Any]):
    expected = WebhookTarget(url=HOOK, format=VIDEOS[base])
    assert target(caller, create(caller, base, {"url": HOOK, **webhook})) == expected


def test_webhook_format_defaults_to_the_dialects_own(caller: Caller, base: str):
    expected = WebhookTarget(url=HOOK, format=VIDEOS[base])
    assert target(caller, create(caller, base, HOOK)) == expected
    assert target(caller, create(caller, base, {"url": HOOK})) == expected


@pytest.mark.parametrize("form", FORMATS)
def test_webhook_format_can_be_chosen(caller: Caller, base: str, form: str):
    reply = create(caller, base, {"url": HOOK, "format": form})
    assert target(caller, reply) == WebhookTarget(url=HOOK, format=form)


@pytest.mark.parametrize("base", [BIFROST, OPENAI])
@pytest.mark.parametrize(
    ("parts", "form"),
    [
        ([("webhook", HOOK)], None),
        ([("webhook[url]", HOOK)], None),
        ([("webhook[url]", HOOK), ("webhook[format]", "fal")], "fal"),
    ],
)
def test_webhook_may_be_in_a_form(caller: Caller, base: str, parts: Any, form: str | None):
    reply = caller.form(base, *FIELDS.items(), *parts)
    assert target(caller, reply) == WebhookTarget(url=HOOK, format=form or VIDEOS[base])


MALFORMED = {
    "webhook": [5, [HOOK], " ", "hooks.example", "ftp://hooks.example/", "https://[",
                {"url": HOOK, "secret": "whsec_x"}],
    "webhook.url": [{}, {"url": None}, {"url": [HOOK]}],
    "webhook.format": [{"url": HOOK, "format": "xml"}, {"url": HOOK, "format": ["fal"]}],
}  # fmt: skip


@pytest.mark.parametrize(("param", "webhook"), cases(MALFORMED))
def test_malformed_webhook_is_refused_by_name(caller: Caller, base: str, webhook: Any, param: str):
    assert_refused(create(caller, base, webhook), base, 400, param)


REFUSED_URLS = {
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


@pytest.mark.parametrize("url", REFUSED_URLS.values(), ids=REFUSED_URLS)
def test_webhook_url_against_the_url_policy_is_refused(caller: Caller, base: str, url: str):
    reply = create(caller, base, url)
    assert (reply.status, reply.param) == (400, "webhook")
    assert reply.code == "address_refused"
    assert "secret" not in reply.text
    assert not reply.has_side_effects


FAL_QUERY, PIPELET_HEADER = "fal_webhook", "x-pipelet-webhook"
FORMAT_OF = {FAL_QUERY: "fal", PIPELET_HEADER: "pipelet"}
Place = tuple[str, str, str]
"""Prefix, authorization scheme, and the header or query parameter of the webhook."""
QUEUES: list[Place] = [
    ("/fal", "Key", FAL_QUERY),
    ("/queue", "Key", FAL_QUERY),
    ("/queue", "Bearer", FAL_QUERY),
    ("/pipelet/queue", "Bearer", PIPELET_HEADER),
    ("/queue", "Bearer", PIPELET_HEADER),
    ("/queue", "Key", PIPELET_HEADER),
    ("/fal", "Key", PIPELET_HEADER),
]


def queue(caller: Caller, place: Place, url: str, query: Texts = None) -> Reply:
    prefix, scheme, name = place
    headers = {"authorization": f"{scheme} {caller.key}"}
    if name == FAL_QUERY:
        query = {name: url}
    else:
        headers[name] = url
    return caller.call("POST", f"{prefix}/sora-2", {"prompt": "x"}, headers, query)


@pytest.mark.parametrize("place", QUEUES)
def test_queue_webhook_format_follows_the_parameter(caller: Caller, place: Place):
    expected = WebhookTarget(url=HOOK, format=FORMAT_OF[place[-1]])
    assert target(caller, queue(caller, place, HOOK)) == expected


@pytest.mark.parametrize("place", QUEUES)
@pytest.mark.parametrize("url", ["hooks.example", *REFUSED_URLS.values()])
def test_queue_webhook_url_against_the_url_policy_is_refused(
    caller: Caller, place: Place, url: str
):
    assert_refused_in_queue(queue(caller, place, url), place[-1])


def test_queue_refuses_both_webhook_parameters(caller: Caller):
    place = ("/queue", "Bearer", PIPELET_HEADER)
    assert_refused_in_queue(queue(caller, place, HOOK, {FAL_QUERY: HOOK}), FAL_QUERY)
