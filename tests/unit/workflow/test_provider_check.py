"""Whether a provider accepts the stored key, by its reply about a job that does not exist."""

from collections.abc import Mapping
from typing import Any

import pytest

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.models import Catalog
from rushes.catalog.provider_config import ProviderEntry
from rushes.errors import ProviderNotConfigured, UpstreamRefused, UpstreamUnreachable
from rushes.ports.http import HttpCall, HttpReply, Upstream
from rushes.ports.provider_checks import KeyCheck
from rushes.providers import PROVIDERS, adapter
from rushes.workflow.provider_check import UNKNOWN_ID, check_key, check_status, unknown_job
from tests.default_config import default_catalog

KEY = {"authorization": "Bearer sk-1"}
SPEC = default_catalog().providers["sandbox-minimax"].spec


def catalog_of(protocol: str) -> Catalog:
    spec = SPEC if protocol == "declarative" else None
    return Catalog(
        default_model="up/video",
        providers={"up": ProviderEntry(protocol=protocol, spec=spec)},
        models=(ModelEntry(name="up/video"),),
    )


class OneReply:
    """An HTTP client with one reply or error; `calls` are the calls that it made."""

    def __init__(self, reply: HttpReply | Exception) -> None:
        self._reply = reply
        self.calls: list[HttpCall] = []

    def send(self, _: Upstream, call: HttpCall) -> HttpReply:
        self.calls.append(call)
        if isinstance(self._reply, Exception):
            raise self._reply
        return self._reply


def checked(
    protocol: str,
    reply: HttpReply | Exception,
    headers: Mapping[str, str] = KEY,
) -> tuple[KeyCheck, list[HttpCall]]:
    client: Any = OneReply(reply)
    upstream = Upstream("https://up.example", headers)
    return check_key(lambda: upstream, client, catalog_of(protocol), "up"), client.calls


@pytest.mark.parametrize("protocol", PROVIDERS)
def test_request_of_each_protocol_polls_a_job_that_does_not_exist(protocol: str):
    made = catalog_of(protocol)
    call = adapter(made.providers["up"]).poll_request(unknown_job(made, "up"))
    assert UNKNOWN_ID[:12] in f"{call.path} {call.json}"
    assert call.method == "GET" or protocol == "vertex"


@pytest.mark.parametrize(
    ("url", "prefix"),
    [
        ("https://bedrock-runtime.us-west-2.amazonaws.com", "arn:aws:bedrock:us-west-2:"),
        ("https://bedrock-runtime.us-gov-west-1.amazonaws.com", "arn:aws-us-gov:bedrock:us-gov-"),
        ("https://bedrock-runtime.cn-north-1.amazonaws.com.cn", "arn:aws-cn:bedrock:cn-north-1:"),
        ("https://proxy.example", "arn:aws:bedrock:us-east-1:"),
    ],
)
def test_arn_of_an_unknown_job_is_in_the_partition_of_its_region(url: str, prefix: str):
    catalog = catalog_of("bedrock")
    entry = catalog.providers["up"].model_copy(update={"base_url": url})
    changed = catalog.model_copy(update={"providers": {"up": entry}})
    assert unknown_job(changed, "up")["arn"].startswith(prefix)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        *((status, b"{}", "accepted") for status in (404, 400, 402, 405, 410, 422)),
        *((status, b"{}", "rejected") for status in (401, 403)),
        (400, b'{"error": {"details": [{"reason": "API_KEY_INVALID"}]}}', "rejected"),
        *((status, b"{}", "unclear") for status in (302, 307, 429, 500, 503)),
    ],
)
def test_status_decides(status: int, body: bytes, expected: str):
    assert check_status(HttpReply(status, {}, body)).status == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"task_id": "1", "status": "Processing"}', "accepted"),
        (b'{"base_resp": {"status_code": 1002, "status_msg": "rate limit"}}', "unclear"),
        (b"not JSON", "unclear"),
    ],
)
def test_errors_in_a_reply_with_status_200_count(body: bytes, expected: str):
    result, calls = checked("declarative", HttpReply(200, {}, body))
    assert result.status == expected
    assert [call.method for call in calls] == ["GET"]


def test_answer_to_a_request_without_a_key_says_so():
    result, _ = checked("openai_compatible", HttpReply(404, {}, b"{}"), {})
    assert result.reason == "HTTP 404 for a job that does not exist; no key is stored"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ProviderNotConfigured("provider 'up' has no base_url"), "rejected"),
        (UpstreamUnreachable("connection refused"), "unclear"),
        (UpstreamRefused("no such account", key_rejected=True), "rejected"),
    ],
)
def test_errors_before_a_reply(error: Exception, expected: str):
    result, _ = checked("openai_compatible", error)
    assert result == KeyCheck(expected, str(error))  # type: ignore[arg-type]
