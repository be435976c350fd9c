"""Combinations, nearest values and prices of a model."""

from typing import Any

import pytest

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.validation import allowed_combinations, parameters_of
from rushes.errors import InvalidRequest
from rushes.jobs.request import GenerationRequest, Input, Role, StoredFile

FIELDS: dict[str, Any] = {
    "name": "one/model",
    "inputs": ["image", "last_frame", "reference"],
    "max_references": 2,
    "seconds": [6, 4, 8],
    "resolutions": ["720p", "1080p"],
    "aspect_ratios": ["16:9", "9:16"],
    "options": {
        "generate_audio": {"type": "boolean", "default": True},
        "mode": {"values": ["standard", "pro"]},
    },
    "rules": [
        {"when": {"resolution": ["1080p"]}, "allow": {"seconds": [8]}},
        {"when": {"input": ["last_frame"]}, "needs": ["image"]},
        {"when": {"input": ["reference"]}, "allow": {"input": ["reference"]}},
        {"when": {"mode": ["pro"]}, "allow": {"aspect_ratio": ["16:9"], "generate_audio": [False]}},
    ],
    "prices": [
        {"when": {"generate_audio": [False]}, "per_second": 0.1},
        {"when": {"resolution": ["1080p"]}, "per_second": 0.3},
        {"per_second": 0.2},
    ],
}


def model(**changes: Any) -> ModelEntry:
    return ModelEntry.model_validate({**FIELDS, **changes})


def request(*roles: Role, **fields: Any) -> GenerationRequest:
    file = StoredFile(key="k", content_type="image/png", size=1)
    inputs = tuple(Input(role=role, file=file) for role in roles)
    return GenerationRequest(model="m", prompt="a ball", inputs=inputs, **fields)


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


@pytest.mark.parametrize(
    ("given", "seconds", "size", "changes"),
    [
        ({"seconds": 12}, 8, "1280x720", ["seconds 12 was changed to 8"]),
        ({"seconds": 4}, 4, "1280x720", []),
        (
            {"size": "1024x1792", "seconds": 4},
            4,
            "720x1280",  # 1080p would force 8 seconds
            ["size 1024x1792 was changed to 720x1280"],
        ),
        (
            {"size": "1024x1792", "seconds": 12},
            8,
            "1080x1920",
            ["seconds 12 was changed to 8", "size 1024x1792 was changed to 1080x1920"],
        ),
        ({"size": "1280x720"}, 6, "1280x720", []),
        ({"size": "1276x720"}, 6, "1276x720", []),
    ],
)
def test_nearest_keeps_the_orientation_then_the_length_then_the_resolution(
    given: dict[str, Any], seconds: int, size: str, changes: list[str]
) -> None:
    adapted, warnings = model().nearest(request(**given))
    assert (adapted.seconds, adapted.size) == (seconds, size)
    assert len(warnings) == len(changes)
    for warning, change in zip(warnings, changes, strict=True):
        assert warning == f"{change}, the nearest that one/model accepts"
    assert model().accepts(adapted)


@pytest.mark.parametrize(
    ("changes", "size", "nearest"),
    [
        # Accepted sizes are kept, although the exact ratio of another size is nearer.
        ({"resolutions": ["720p", "480p"]}, "832x480", "832x480"),
        ({"aspect_ratios": []}, "1000x720", "1000x720"),
        # Ratios within the tolerance are equal: the number of pixels decides.
        (
            {"resolutions": [], "aspect_ratios": [], "sizes": ["864x496", "1920x1080"]},
            "1792x1024",
            "1920x1080",
        ),
        ({"resolutions": ["480p", "1080p"]}, "1366x768", "1920x1080"),
        # The width is absent: the model's own shape is kept.
        ({"resolutions": ["480p"]}, "x720", "854x480"),
        (
            {"resolutions": [], "aspect_ratios": [], "sizes": ["1248x704", "544x736"]},
            "x720",
            "1248x704",
        ),
    ],
)
def test_nearest_size(changes: dict[str, Any], size: str, nearest: str) -> None:
    entry = model(rules=[], prices=[], **changes)
    adapted, warnings = entry.nearest(request(size=size, seconds=12))
    assert adapted.size == nearest
    assert len(warnings) == 1 + (size != nearest)


def test_nearest_leaves_an_accepted_size_that_a_rule_forbids() -> None:
    adapted, _ = model(resolutions=["720p", "480p"]).nearest(
        request(size="480x832", provider_options={"mode": "pro"}, generate_audio=False)
    )
    assert adapted.size == "854x480"  # the mode has 16:9 only


def test_nearest_of_a_model_without_seconds_and_sizes_drops_them_with_a_warning() -> None:
    plain = ModelEntry(name="one/plain")
    adapted, warnings = plain.nearest(request(seconds=4, size="1280x720"))
    assert (adapted.seconds, adapted.size) == (None, None)
    assert warnings == (
        "seconds 4 was ignored: one/plain does not accept seconds",
        "size 1280x720 was ignored: one/plain does not accept size",
    )


def test_nearest_refuses_other_fields() -> None:
    with pytest.raises(InvalidRequest, match="does not accept fps"):
        model().nearest(request(seconds=12, provider_options={"fps": 1}))


@pytest.mark.parametrize(
    ("given", "dollars"),
    [
        ({"seconds": 4, "size": "1280x720"}, 0.8),
        ({"seconds": 4, "size": "1280x720", "generate_audio": True}, 0.8),
        ({"seconds": 4, "size": "1280x720", "generate_audio": False}, 0.4),
        ({"seconds": 8, "size": "1920x1080"}, 2.4),
        ({}, 1.2),  # the defaults
    ],
)
def test_price_is_of_the_first_row_that_applies(given: dict[str, Any], dollars: float) -> None:
    assert model().price(request(**given)) == dollars


def test_price_counts_the_outputs_and_the_input_images() -> None:
    images = ModelEntry.model_validate(
        {
            "name": "one/image",
            "inputs": ["reference"],
            "options": {"n": {"type": "integer", "default": 1}},
            "count_option": "n",
            "prices": [{"per_job": 0.04, "per_input_image": 0.01}],
        }
    )
    assert images.price(request()) == 0.04
    given = request(Role.REFERENCE, Role.REFERENCE, provider_options={"n": 3})
    assert images.price(given) == 0.14


def test_price_of_input_seconds_is_of_the_longest_input_that_the_vendor_accepts() -> None:
    prices = [{"per_second": 0.1, "per_input_second": 0.1}]
    edit = model(inputs=["source_video"], rules=[], prices=prices, max_input_seconds=15)
    assert edit.price(request(Role.SOURCE_VIDEO, seconds=4)) == 1.9
    unlimited = model(inputs=["source_video"], rules=[], prices=prices)
    assert unlimited.price(request(Role.SOURCE_VIDEO, seconds=4)) == 6.4


def test_simple_price_applies_if_no_row_does() -> None:
    entry = model(prices=[{"when": {"seconds": [4]}, "per_job": 9}], price_per_second=0.5)
    assert entry.price(request(seconds=4)) == 9
    assert entry.price(request(seconds=8)) == 4


def test_combinations_are_accepted_and_complete() -> None:
    entry = model()
    found = list(allowed_combinations(entry))
    assert len(found) == len(set(found))
    for seconds, size, audio, roles in found:
        given = request(*roles, seconds=seconds, size=size, generate_audio=audio)
        assert entry.accepts(given)
    # (3 lengths x 2 formats of 720p + 1 x 2 of 1080p) x 3 states of audio, for each set of files:
    # none, image, image + last frame, reference
    assert len(found) == 8 * 3 * 4


@pytest.mark.parametrize(
    "size", ["large", "720p", "0x720", "1280x", "x", "1280x720x1", "\u0661x720"]
)
def test_nearest_refuses_a_size_that_is_none(size: str) -> None:
    with pytest.raises(InvalidRequest, match="size must be one of"):
        model().nearest(request(size=size))


def test_nearest_reports_another_height_than_the_requested_one() -> None:
    adapted, warnings = model().nearest(request(size="x480"))
    assert adapted.size == "1280x720"
    assert warnings == ("size x480 was changed to 1280x720, the nearest that one/model accepts",)
    assert model().nearest(request(size="x720"))[1] == ()


def test_size_is_left_to_the_provider_if_it_follows_the_input_and_none_is_requested() -> None:
    follows = model(follows_input=True)
    assert follows.validate_and_fill(request(Role.IMAGE)).size is None
    assert follows.validate_and_fill(request()).size == "1280x720"
    assert follows.validate_and_fill(request(Role.IMAGE, size="720x1280")).size == "720x1280"
    assert follows.nearest(request(Role.IMAGE, seconds=12))[0].size is None
    assert follows.price(follows.validate_and_fill(request(Role.IMAGE, seconds=4))) == 0.8


def test_resolution_is_the_first_that_the_rules_allow_if_the_shape_follows_the_input() -> None:
    follows = model(follows_input=True, rules=[], prices=FIELDS["prices"])
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


def test_nearest_chooses_a_default_size_that_the_length_allows() -> None:
    entry = model(resolutions=["1080p", "720p"], seconds=[8, 4])
    adapted, _ = entry.nearest(request(seconds=4))
    assert (adapted.seconds, adapted.size) == (4, "1280x720")
    assert entry.accepts(adapted)
