from typing import Any

import pytest
from pydantic import ValidationError

from rushes.catalog.model_entry import Frames, ModelEntry


def model(**fields: Any) -> ModelEntry:
    return ModelEntry.model_validate({"name": "one/model", **fields})


def test_range_of_seconds_begins_with_the_default() -> None:
    assert model(seconds={"min": 4, "max": 7, "default": 5}).seconds == (5, 4, 6, 7)
    assert model(seconds={"min": 5, "max": 15, "step": 5}).seconds == (5, 10, 15)


def test_sizes_are_derived_from_resolutions_and_aspect_ratios() -> None:
    entry = model(resolutions=["720p", "480p"], aspect_ratios=["16:9", "9:16"])
    assert entry.sizes == ("1280x720", "720x1280", "854x480", "480x854")
    assert [tuple(offered) for offered in entry.formats()][2] == ("854x480", "480p", "16:9")


def test_exact_sizes_of_resolutions_are_kept() -> None:
    entry = model(resolutions=["480p"], aspect_ratios=["16:9"], sizes=["864x496"])
    found = entry.format_of("864x496")
    assert found is not None
    assert found.resolution == "480p"


def test_model_survives_json() -> None:
    entry = model(
        resolutions=["720p"],
        seconds={"min": 4, "max": 8},
        options=["seed"],
        prices=[{"when": {"seconds": [4]}, "per_job": 1}],
    )
    assert ModelEntry.model_validate_json(entry.model_dump_json()) == entry


@pytest.mark.parametrize(
    ("seconds", "count"), [(5, 81), (3, 49), (1, 17), (8, 121), (0, 17), (100, 121)]
)
def test_frames_are_a_multiple_of_the_step_plus_the_offset(seconds: int, count: int) -> None:
    assert Frames(fps=16, step=4, offset=1, min=17, max=121).count(seconds) == count


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"seconds": {"min": 4, "max": 8, "default": 9}}, "default must be one of"),
        ({"aspect_ratios": ["16:9"]}, "aspect_ratios requires resolutions"),
        ({"resolutions": ["720p"], "aspect_ratios": ["wide"]}, "aspect_ratios.0"),
        ({"resolutions": ["4k"]}, "resolutions.0"),
        ({"resolutions": ["720p"], "sizes": ["1280x720"]}, "3 (got 1)"),
        ({"rules": [{"when": {"colour": ["red"]}}]}, "rules.0 has a condition on the unknown"),
        ({"prices": [{"when": {"fps": [24]}, "per_job": 1}]}, "prices.0 has a condition"),
        ({"variants": [{"when": {"fps": [24]}}]}, "variants.0 has a condition"),
        ({"prices": [{"per_second": 1}]}, "price_per_second requires seconds"),
        ({"prices": [{"per_job": 1}], "price_unknown": "secret"}, "price_unknown excludes"),
        ({"count_option": "n"}, "count_option 'n' is not an option"),
        ({"arguments": {"text": "{promt}"}}, "unknown placeholder {promt}"),
        ({"arguments": {"p": "{prompt!base64}"}}, "prompt has no form 'base64'"),
        ({"arguments": {"i": "{image!url}"}, "inputs": ["image"]}, "image has no form 'url'"),
        ({"arguments": {"p": "{prompt}"}, "seconds": [4, 8]}, "no placeholder for seconds"),
        ({"arguments": {"p": "{prompt}"}, "inputs": ["image"]}, "no placeholder for image"),
        ({"arguments": {"p": "{prompt}"}, "resolutions": ["720p"]}, "no placeholder for size"),
        ({"arguments": {"n": "{frames}"}, "seconds": [4, 8]}, "the model has no frames"),
    ],
)
def test_contradictory_fields_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        model(**fields)
    places = [".".join(map(str, error["loc"])) for error in caught.value.errors()]
    assert message in str(caught.value) or message in places


def test_each_variant_may_have_the_place_of_a_field() -> None:
    entry = model(
        inputs=["image"],
        arguments={"p": "{prompt}"},
        variants=[{"when": {"input": ["image"]}, "arguments": {"i": "{image}"}}],
    )
    assert entry.variants
