"""fal's model list."""

import pytest

from tests.unit.dialects.api_client import Caller, assert_refused_in_queue

PATH = "/fal/v1/models"
NAMES = ["sora-2", "video", "sandbox/video", "openai/plain", "sandbox/transcriber"]


def test_list_has_fals_form_and_the_limits(caller: Caller):
    reply = caller.call("GET", PATH, headers={"authorization": f"Key {caller.key}"})
    assert reply.status == 200
    assert (reply.json["next_cursor"], reply.json["has_more"]) == (None, False)
    models = {model["endpoint_id"]: model for model in reply.json["models"]}
    assert list(models) == NAMES
    assert models["sandbox/video"]["seconds"] == [4, 8]
    assert models["sandbox/transcriber"]["metadata"] == {
        "display_name": "sandbox/transcriber",
        "category": "speech-to-text",
        "status": "active",
        "tags": [],
    }


def test_pages_follow_the_cursor(caller: Caller):
    first = caller.call("GET", PATH, query={"limit": "3"}).json
    assert (len(first["models"]), first["has_more"]) == (3, True)
    rest = caller.call("GET", PATH, query={"limit": "3", "cursor": first["next_cursor"]}).json
    assert [model["endpoint_id"] for model in rest["models"]] == NAMES[3:]
    assert (rest["has_more"], rest["next_cursor"]) == (False, None)


@pytest.mark.parametrize(
    ("query", "selected"),
    [
        ({"endpoint_id": "sora-2"}, ["sora-2"]),
        ({"endpoint_id": "sora-2,openai/plain"}, ["sora-2", "openai/plain"]),
        ({"endpoint_id": "absent"}, []),
        ({"q": "Video"}, ["video", "sandbox/video"]),
        ({"category": "speech-to-text"}, ["sandbox/transcriber"]),
    ],
)
def test_query_selects(caller: Caller, query: dict[str, str], selected: list[str]):
    models = caller.call("GET", PATH, query=query).json["models"]
    assert [model["endpoint_id"] for model in models] == selected


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"expand": "openapi-3.0"}, "expand is not supported"),
        ({"status": "deprecated"}, "status is not supported"),
        ({"limit": "0"}, "limit must be at least 1"),
        ({"limit": "5000"}, "limit must be at most 1000"),
        ({"cursor": "Mg=="}, "cursor: unknown cursor"),
    ],
)
def test_other_queries_are_refused(caller: Caller, query: dict[str, str], named: str):
    assert_refused_in_queue(caller.call("GET", PATH, query=query), named)


def test_a_model_may_have_the_name_of_the_list(caller: Caller):
    """A create call is a POST: the same path is model `v1/models`."""
    reply = caller.call("POST", PATH, {"prompt": "a cat"})
    assert_refused_in_queue(reply, "unknown model: 'v1/models'")
