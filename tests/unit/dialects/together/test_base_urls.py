"""Each generation of Together's SDKs works with each of the three base URLs."""

import pytest

from tests.unit.dialects.together.together_client import BODY, TogetherCaller

AGENTS = {
    "Together/v1 PythonBindings/1.5.35": "../v2/videos",
    "Together/Python 2.42.0": "videos",
    "AsyncTogether/Python 2.0.0": "videos",
    "Together/Python 3.1.1": "v2/videos",
    "AsyncTogether/Python 3.0.0": "v2/videos",
    "Together/JS 0.52.0": "videos",
}
"""Path of the video API below the base URL, by user agent of the SDK."""
BASE_URLS = ("", "/v1", "/v2")


@pytest.mark.parametrize("base_url", BASE_URLS)
@pytest.mark.parametrize("agent", AGENTS)
def test_sdk_creates_and_retrieves(caller: TogetherCaller, agent: str, base_url: str):
    headers = {"user-agent": agent}
    path = f"{base_url}/{AGENTS[agent]}"
    made = caller.call("POST", path, {**BODY, "width": 1280, "height": 720}, headers)
    assert (made.status, made.json["object"], made.json["status"]) == (200, "video", "in_progress")
    assert caller.job(made).dialect == "together"
    found = caller.call("GET", f"{path}/{made.json['id']}", None, headers)
    assert (found.status, found.json) == (200, made.json)


@pytest.mark.parametrize("base_url", BASE_URLS)
@pytest.mark.parametrize("agent", ["Together/Python 2.42.0", "Together/JS 0.52.0"])
def test_sdk_lists_models(caller: TogetherCaller, agent: str, base_url: str):
    reply = caller.call("GET", f"{base_url}/models", None, {"user-agent": agent})
    assert reply.status == 200
    assert isinstance(reply.json, list)


@pytest.mark.parametrize("agent", ["Together/Python 2.42.0", "Together/JS 0.52.0"])
def test_error_below_v1_has_togethers_envelope(caller: TogetherCaller, agent: str):
    reply = caller.call("POST", "/v1/videos", {**BODY, "steps": 3}, {"user-agent": agent})
    assert (reply.status, reply.param) == (400, "steps")
    assert "is_bifrost_error" not in reply.json


@pytest.mark.parametrize("agent", ["", "OpenAI/Python 2.1.0", "NotTogether/1", "curl/8"])
def test_other_clients_below_v1_use_bifrosts_format(caller: TogetherCaller, agent: str):
    reply = caller.call("POST", "/v1/videos", {**BODY, "prompt": "x"}, {"user-agent": agent})
    assert caller.job(reply).dialect == "bifrost"


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/v1/videos/job_1"), ("GET", "/v1/videos/job_1/content")]
)
def test_calls_that_together_lacks_stay_bifrosts(caller: TogetherCaller, method: str, path: str):
    reply = caller.call(method, path, None, {"user-agent": "Together/Python 2.42.0"})
    assert (reply.status, reply.json["is_bifrost_error"]) == (404, True)
