import pytest

from rushes.errors import UpstreamNoResponse, UpstreamRefused, UpstreamThrottled
from rushes.ports.http import HttpReply
from rushes.providers import replies
from rushes.providers.error_codes import ErrorCodes
from tests.unit.providers.job import json_reply

CODES = ErrorCodes(statuses={1: 429, 2: 500}, content_filtered=frozenset({3}))
REPLY = json_reply({}, 200, retry_after="4")


def test_code_has_the_meaning_of_its_status():
    with pytest.raises(UpstreamThrottled) as throttled:
        CODES.raise_for_code(1, "slow down", REPLY, replies.raise_for_create_status)
    assert throttled.value.wait_seconds == 4
    with pytest.raises(UpstreamNoResponse):
        CODES.raise_for_code(2, "broken", REPLY, replies.raise_for_create_status)
    with pytest.raises(UpstreamThrottled):
        CODES.raise_for_code(2, "broken", REPLY, replies.raise_for_status)


@pytest.mark.parametrize("status", [200, 400, 429, 500])
def test_other_code_is_a_refusal_whatever_the_http_status_is(status: int):
    with pytest.raises(UpstreamRefused, match="refused the request: no balance") as refused:
        CODES.raise_for_code(9, "no balance", HttpReply(status, {}, b""), replies.raise_for_status)
    assert (refused.value.error_code, refused.value.upstream_code) == ("upstream_refused", "9")


def test_code_of_the_content_filter_is_a_refusal_with_its_message():
    with pytest.raises(UpstreamRefused, match=r"^not this one$") as refused:
        CODES.raise_for_code(3, "not this one", REPLY, replies.raise_for_status)
    assert (refused.value.error_code, refused.value.upstream_code) == ("content_filtered", "3")


def test_absent_and_long_messages():
    with pytest.raises(UpstreamRefused, match="gave no reason"):
        CODES.raise_for_code(9, None, REPLY, replies.raise_for_status)
    with pytest.raises(UpstreamRefused) as refused:
        CODES.raise_for_code(9, "x" * 5000, REPLY, replies.raise_for_status)
    assert len(refused.value.message) < 400
