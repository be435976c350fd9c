"""Selection of the models that serve a request, and the errors if none can."""

import re
from typing import Any

import pytest

from rushes.catalog.models import Catalog
from rushes.catalog.selection import Candidate, candidates
from rushes.errors import InvalidRequest, UnknownModel
from rushes.jobs.request import GenerationRequest, Input, Role

MODELS: tuple[dict[str, Any], ...] = (
    {"name": "a/text", "seconds": [4, 8], "sizes": ["1280x720"], "options": ["seed"]},
    {
        "name": "a/image",
        "seconds": [4, 8],
        "sizes": ["1280x720"],
        "inputs": ["image"],
        "needs": ["image"],
    },
    {"name": "b/long", "seconds": [5, 10], "sizes": ["1920x1080"], "options": ["seed"]},
)
NEAREST = {"models": ["a/text", "a/image", "b/long"], "on_mismatch": "nearest"}


def catalog(**aliases: Any) -> Catalog:
    return Catalog.model_validate(
        {
            "default_model": "a/text",
            "providers": {name: {"protocol": "openai_compatible"} for name in ("a", "b")},
            "aliases": {"all": ["a/text", "a/image", "b/long"], "near": NEAREST, **aliases},
            "models": MODELS,
        }
    )


def select(name: str, *roles: Role, **fields: Any) -> tuple[Candidate, ...]:
    inputs = tuple(Input(role=role, url="https://images.example/1") for role in roles)
    request = GenerationRequest(model=name, prompt="a ball", inputs=inputs, **fields)
    return candidates(catalog(), name, request, {role: f"the {role}" for role in roles})


def names(found: tuple[Candidate, ...]) -> list[str]:
    return [candidate.model.name for candidate in found]


def refusal(name: str, *roles: Role, **fields: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as refused:
        select(name, *roles, **fields)
    return refused.value


def test_one_name_serves_requests_with_and_without_an_image() -> None:
    assert names(select("all")) == ["a/text", "b/long"]
    assert names(select("all", Role.IMAGE)) == ["a/image"]


def test_first_model_that_accepts_the_length_is_taken() -> None:
    (found,) = select("all", seconds=10)
    assert (found.model.name, found.request.seconds, found.request.size) == (
        "b/long",
        10,
        "1920x1080",
    )
    assert found.warnings == ()


def test_nearest_is_used_only_if_no_model_accepts_the_request() -> None:
    exact, changed = select("near", seconds=10)
    assert (exact.model.name, exact.warnings) == ("b/long", ())
    assert (changed.model.name, changed.request.seconds) == ("a/text", 8)
    assert changed.warnings == ("seconds 10 was changed to 8, the nearest that a/text accepts",)


def test_nearest_keeps_the_order_of_the_alias_and_reports_each_change() -> None:
    first, second = select("near", seconds=12, size="1792x1024")
    assert names((first, second)) == ["a/text", "b/long"]
    assert (first.request.seconds, first.request.size) == (8, "1280x720")
    assert [text.split(" ")[0] for text in first.warnings] == ["seconds", "size"]
    assert (second.request.seconds, second.request.size) == (10, "1920x1080")


def test_nearest_does_not_change_inputs_or_options() -> None:
    assert names(select("near", Role.IMAGE, seconds=12)) == ["a/image"]
    assert names(select("near", seed=1, seconds=12)) == ["a/text", "b/long"]
    assert refusal("near", Role.AUDIO).param == "the audio"
    assert refusal("near", provider_options={"fps": 24}).param == "fps"
    assert refusal("near", size="large").param == "size"


def test_model_itself_refuses_other_values_by_its_own_error() -> None:
    error = refusal("a/text", seconds=9)
    assert (error.message, error.param) == ("seconds must be one of 4, 8 (got 9)", "seconds")


def test_refusal_names_the_alias_and_the_model_and_lists_the_allowed_values() -> None:
    error = refusal("all", seconds=9)
    assert error.message == (
        "all (a/text): seconds must be one of 4, 8 (got 9);"
        " none of the 3 models of all accepts the request"
    )
    assert (error.param, error.error_code) == ("seconds", "invalid_value")


def test_refusal_of_an_alias_for_one_model_has_no_count() -> None:
    request = GenerationRequest(model="sora-2", prompt="a ball", seconds=9)
    with pytest.raises(InvalidRequest) as refused:
        candidates(catalog(**{"sora-2": "a/text"}), "sora-2", request, {})
    assert refused.value.message == "sora-2 (a/text): seconds must be one of 4, 8 (got 9)"


def test_refusal_is_that_of_the_model_that_passed_the_most_checks() -> None:
    assert "a/image" in refusal("all", Role.IMAGE, seconds=9).message
    assert refusal("all", Role.IMAGE, seed=1).message.startswith(
        "all (a/image) does not accept seed;"
    )
    assert refusal("all", Role.AUDIO).message.startswith("all (a/text) does not accept audio;")
    with_last_frame = refusal("all", Role.IMAGE, Role.LAST_FRAME).message
    assert with_last_frame.startswith("all (a/image) does not accept last_frame;")


def test_unknown_name_is_refused() -> None:
    with pytest.raises(UnknownModel, match=re.escape("similar: near")):
        select("neer")
