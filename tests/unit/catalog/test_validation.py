"""Allowed combinations and defaults."""

from typing import Any

import pytest

from rushes.catalog.parameters import parameters_of
from rushes.errors import InvalidRequest
from rushes.jobs.request import Role
from tests.contract.vendors.combinations import allowed_combinations
from tests.unit.catalog.video_model import model, request


@pytest.mark.parametrize(
    ("given", "seconds", "size"),
    [
        ({}, 6, "1280x720"),
        ({"seconds": 4}, 4, "1280x720"),
        ({"size": "720x1280"}, 6, "720x1280"),
        ({"size": "1920x1080"}, 8, "1920x1080"),  # the default of 6 is not allowed there
        ({"size": "x1080"}, 8, "1920x1080"),
        ({"size": "1276x720"}, 6, "1276x720"),  # close enough to 16:9
    ],
)
def test_defaults_obey_the_rules(given: dict[str, Any], seconds: int, size: str) -> None:
    filled = model().validate_and_fill(request(**given))
    assert (filled.seconds, filled.size) == (seconds, size)


@pytest.mark.parametrize(
    ("roles", "given", "message", "param"),
    [
        (
            [],
            {"size": "1920x1080", "seconds": 4},
            "seconds must be one of 8 with resolution 1080p (got 4)",
            "seconds",
        ),
        ([], {"seconds": 5}, "seconds must be one of 4, 6, 8 (got 5)", "seconds"),
        (
            [],
            {"size": "640x480"},
            "size must be one of 1280x720, 720x1280, 1920x1080, 1080x1920 (got 640x480)",
            "size",
        ),
        ([], {"size": "wide"}, "(got wide)", "size"),
        ([Role.LAST_FRAME], {}, "one/model requires image with last_frame", "image"),
        (
            [Role.REFERENCE, Role.IMAGE],
            {},
            "one/model does not accept image with reference",
            "image",
        ),
        ([Role.REFERENCE] * 3, {}, "at most 2 reference files (got 3)", "reference"),
        (
            [],
            {"provider_options": {"mode": "pro"}, "size": "720x1280", "generate_audio": False},
            "aspect_ratio must be one of 16:9 with mode pro (got 9:16)",
            "size",
        ),
        (
            [],
            {"provider_options": {"mode": "pro"}},
            "generate_audio must be one of false with mode pro (got true)",
            "generate_audio",
        ),
        ([], {"provider_options": {"mode": "max"}}, "mode must be one of standard, pro", "mode"),
        ([], {"provider_options": {"fps": 1}}, "one/model does not accept fps", "fps"),
    ],
)
def test_forbidden_combination_names_field_value_and_allowed_values(
    roles: list[Role], given: dict[str, Any], message: str, param: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        model().validate_and_fill(request(*roles, **given))
    assert message in caught.value.message
    assert caught.value.param == param


def test_required_option_is_named() -> None:
    strict = model(options={"voice": {"type": "string", "required": True}}, rules=[], prices=[])
    with pytest.raises(InvalidRequest, match="one/model requires voice"):
        strict.validate_and_fill(request())
    assert strict.accepts(request(provider_options={"voice": "Ada"}))


def test_size_with_the_ratio_of_the_input_needs_the_right_height_only() -> None:
    follows = model(aspect_ratios=[], rules=[])
    assert follows.accepts(request(size="1000x720"))
    assert follows.accepts(request(size="720x999"))
    assert not follows.accepts(request(size="1000x700"))


def test_size_is_left_to_the_provider_if_it_follows_the_input_and_none_is_requested() -> None:
    follows = model(follows_input=True)
    assert follows.validate_and_fill(request(Role.IMAGE)).size is None
    assert follows.validate_and_fill(request()).size == "1280x720"
    assert follows.validate_and_fill(request(Role.IMAGE, size="720x1280")).size == "720x1280"
    assert follows.nearest(request(Role.IMAGE, seconds=12))[0].size is None
    assert follows.price(follows.validate_and_fill(request(Role.IMAGE, seconds=4))) == 0.8


def test_resolution_is_the_first_that_the_rules_allow_if_the_shape_follows_the_input() -> None:
    follows = model(follows_input=True, rules=[])
    given = follows.validate_and_fill(request(Role.IMAGE, seconds=4))
    assert parameters_of(follows, given)["resolution"] == "720p"
    limited = model(
        follows_input=True,
        rules=[{"when": {"input": ["image"]}, "allow": {"resolution": ["1080p"]}}],
    )
    given = limited.validate_and_fill(request(Role.IMAGE, seconds=4))
    assert parameters_of(limited, given)["resolution"] == "1080p"
    assert limited.price(given) == 1.2  # of 1080p


EDITS: dict[str, Any] = {
    "inputs": ["source_video"],
    "rules": [],
    "arguments": {"length": "{seconds}", "size": "{size}", "video": "{source_video}"},
    "variants": [
        {"when": {"input": ["source_video"]}, "arguments": {"video": "{source_video}"}},
    ],
}


@pytest.mark.parametrize(
    ("field", "given"), [("seconds", {"seconds": 8}), ("size", {"size": "1280x720"})]
)
def test_value_that_the_arguments_of_an_edit_have_no_place_for_is_refused(
    field: str, given: dict[str, Any]
) -> None:
    with pytest.raises(InvalidRequest, match=f"does not accept {field} with source_video"):
        model(**EDITS).validate_and_fill(request(Role.SOURCE_VIDEO, **given))
    assert model(**EDITS).accepts(request(**given))


def test_length_and_size_of_an_edit_without_a_place_for_them_are_unknown() -> None:
    edit = model(**EDITS)
    filled = edit.validate_and_fill(request(Role.SOURCE_VIDEO))
    assert (filled.seconds, filled.size) == (None, None)
    adapted, warnings = edit.nearest(request(Role.SOURCE_VIDEO, seconds=8, size="1280x720"))
    assert adapted == filled
    assert warnings == (
        "seconds 8 was ignored: one/model does not accept seconds",
        "size 1280x720 was ignored: one/model does not accept size",
    )
    combinations = [entry for entry in allowed_combinations(edit) if entry.roles]
    assert {(entry.seconds, entry.size) for entry in combinations} == {(None, None)}


def test_variant_with_a_place_for_the_length_has_one() -> None:
    timed = {"video": "{source_video}", "frames": "{frames}"}
    variants = [{"when": {"input": ["source_video"]}, "arguments": timed}]
    edit = model(**{**EDITS, "variants": variants, "frames": {"fps": 24}})
    filled = edit.validate_and_fill(request(Role.SOURCE_VIDEO, seconds=8))
    assert (filled.seconds, filled.size) == (8, None)
