"""Tests of requests with a resolution and an aspect ratio in place of a size."""

from typing import Any

import pytest

from rushes.api.choose_models import choose_models
from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.models import Catalog, read_catalog
from rushes.errors import InvalidRequest, UnknownModel
from rushes.jobs.request import CreateRequest, GenerationRequest, Input, Role

CATALOG = read_catalog("""
default_model = "a/sized"
[providers.a]
protocol = "openai_compatible"
[providers.b]
protocol = "openai_compatible"
[aliases]
both = ["a/named", "b/large"]
[aliases.near]
models = ["a/sized"]
on_mismatch = "nearest"
[[models]]
name = "a/sized"
seconds = [4, 8]
sizes = ["720x1280", "1280x720", "1792x1024", "832x480"]
[[models]]
name = "a/named"
seconds = [4, 8]
resolutions = ["720p", "1080p"]
aspect_ratios = ["16:9", "9:16", "1:1"]
inputs = ["image"]
follows_input = true
price_per_second = 0.1
[[models.prices]]
when = { resolution = ["1080p"] }
per_second = 0.2
[[models.rules]]
when = { resolution = ["1080p"] }
allow = { seconds = [8] }
[[models]]
name = "a/open"
options = ["resolution", "ratio"]
[[models]]
name = "a/shapeless"
[[models]]
name = "b/large"
seconds = [4, 8]
resolutions = ["1080p", "2160p", "720p"]
aspect_ratios = ["16:9", "9:16"]
inputs = ["image"]
[[models]]
name = "b/shared"
[[models]]
name = "a/shared"
""")
IMAGE = Input(role=Role.IMAGE, url="https://images.example/1")


def filled(model: str, **fields: Any) -> GenerationRequest:
    request = GenerationRequest(model=model, prompt="x", **fields)
    return CATALOG.find(model).validate_and_fill(request)


@pytest.mark.parametrize(
    ("model", "fields", "size"),
    [
        ("a/sized", {"resolution": "720p"}, "720x1280"),
        ("a/sized", {"aspect_ratio": "16:9"}, "1280x720"),
        ("a/sized", {"resolution": "480p", "aspect_ratio": "16:9"}, "832x480"),
        ("a/sized", {"resolution": "1024p"}, "1792x1024"),
        ("a/named", {"resolution": "720P", "aspect_ratio": "1:1"}, "720x720"),
        ("a/named", {"aspect_ratio": "9:16"}, "720x1280"),
        ("a/named", {"resolution": "1080", "seconds": 8}, "1920x1080"),
        ("a/named", {"resolution": "1080p"}, "1920x1080"),
        ("b/large", {"resolution": "4k"}, "3840x2160"),
        ("b/large", {"resolution": "4K", "aspect_ratio": "9:16"}, "2160x3840"),
        ("b/large", {"aspect_ratio": "1920:1080"}, "1920x1080"),
    ],
)
def test_names_select_the_first_size_that_has_them(
    model: str, fields: dict[str, Any], size: str
) -> None:
    request = filled(model, **fields)
    assert (request.size, request.resolution, request.aspect_ratio) == (size, None, None)


def test_resolution_selects_a_legal_length() -> None:
    assert filled("a/named", resolution="1080p").seconds == 8
    with pytest.raises(InvalidRequest, match="seconds must be one of 8"):
        filled("a/named", resolution="1080p", seconds=4)


@pytest.mark.parametrize(
    ("fields", "size", "resolution"),
    [
        ({"resolution": "1080p"}, None, "1080p"),
        ({}, None, None),
        ({"resolution": "1080p", "aspect_ratio": "1:1"}, "1080x1080", None),
        ({"aspect_ratio": "1:1"}, "720x720", None),
    ],
)
def test_resolution_is_kept_in_the_shape_of_the_input(
    fields: dict[str, Any], size: str | None, resolution: str | None
) -> None:
    request = filled("a/named", inputs=(IMAGE,), **fields)
    assert (request.size, request.resolution, request.aspect_ratio) == (size, resolution, None)
    assert CATALOG.find("a/named").validate_and_fill(request) == request


def test_price_follows_the_resolution_in_the_shape_of_the_input() -> None:
    model = CATALOG.find("a/named")
    cheap = filled("a/named", inputs=(IMAGE,), seconds=8)
    dear = filled("a/named", inputs=(IMAGE,), resolution="1080p", seconds=8)
    assert (model.price(cheap), model.price(dear)) == (0.8, 1.6)


@pytest.mark.parametrize(
    ("model", "fields", "param", "allowed"),
    [
        ("a/sized", {"resolution": "4k"}, "resolution", "720p, 1024p, 480p (got 4k)"),
        ("a/sized", {"aspect_ratio": "1:1"}, "aspect_ratio", "9:16, 16:9"),
        ("a/named", {"aspect_ratio": "0:0"}, "aspect_ratio", "16:9, 9:16, 1:1 (got 0:0)"),
        ("a/named", {"aspect_ratio": "wide"}, "aspect_ratio", "16:9, 9:16, 1:1"),
        ("a/sized", {"resolution": "480p", "aspect_ratio": "9:16"}, "aspect_ratio", "16:9"),
        ("a/sized", {"resolution": "720p", "size": "1280x720"}, "resolution", "exclusive"),
        ("a/shapeless", {"resolution": "720p"}, "resolution", "does not accept resolution"),
        ("a/shapeless", {"aspect_ratio": "1:1"}, "aspect_ratio", "does not accept aspect_ratio"),
    ],
)
def test_other_names_are_refused_with_those_of_the_model(
    model: str, fields: dict[str, Any], param: str, allowed: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        filled(model, **fields)
    assert refused.value.param == param
    assert allowed in refused.value.message


def test_names_are_options_of_a_model_that_lists_them() -> None:
    request = filled("a/open", resolution="720p", aspect_ratio="16:9")
    assert request.provider_options == {"resolution": "720p", "ratio": "16:9"}
    assert (request.resolution, request.aspect_ratio) == (None, None)


@pytest.mark.parametrize(
    ("fields", "size", "warnings"),
    [
        ({"resolution": "720p", "aspect_ratio": "16:9"}, "1280x720", 0),
        ({"resolution": "720p", "aspect_ratio": "16:9", "seconds": 5}, "1280x720", 1),
        ({"resolution": "2160p", "aspect_ratio": "16:9"}, "1792x1024", 1),
        ({"resolution": "540p", "aspect_ratio": "9:16"}, "720x1280", 1),
        ({"aspect_ratio": "1:1"}, "832x480", 1),
        ({"resolution": "480p"}, "832x480", 0),
    ],
)
def test_nearest_size_of_names(fields: dict[str, Any], size: str, warnings: int) -> None:
    request = GenerationRequest(model="near", prompt="x", **fields)
    chosen = choose_models(CATALOG, CreateRequest(request)).first
    assert (chosen.request.size, len(chosen.warnings)) == (size, warnings)


@pytest.mark.parametrize(
    ("inputs", "first", "second"),
    [((), "1920x1080", "1920x1080"), ((IMAGE,), None, "1920x1080")],
)
def test_fallback_has_the_resolution_of_the_request(
    inputs: tuple[Input, ...], first: str | None, second: str
) -> None:
    request = GenerationRequest(model="both", prompt="x", resolution="1080p", inputs=inputs)
    chosen = choose_models(CATALOG, CreateRequest(request))
    assert chosen.first.request.size == first
    assert [entry.request.size for entry in chosen.fallbacks] == [second]
    assert chosen.requested.resolution == (None if first else "1080p")


def test_name_without_provider_is_a_vendors_id_if_one_provider_has_it() -> None:
    assert CATALOG.find("large").name == "b/large"
    with pytest.raises(UnknownModel):
        CATALOG.find("shared")


def entry(**fields: Any) -> ModelEntry:
    arguments = {"prompt": "{prompt}", "first": "{image}", "clips": ["{reference_video}"]}
    fields = {"inputs": ["image", "reference_video"], "arguments": arguments, **fields}
    return ModelEntry.model_validate({"name": "a/b", **fields})


def test_files_beyond_the_place_of_a_template_are_refused() -> None:
    videos = (Input(role=Role.REFERENCE_VIDEO, url="https://files.example/1"),) * 3
    accepted = GenerationRequest(model="a/b", prompt="x", inputs=(IMAGE, *videos))
    assert entry().validate_and_fill(accepted).inputs == accepted.inputs
    refused = accepted.model_copy(update={"inputs": (IMAGE, IMAGE)})
    with pytest.raises(InvalidRequest, match="accepts one image file"):
        entry().validate_and_fill(refused)


@pytest.mark.parametrize("kept", [{"first": "auto"}, {"quality": "best"}, {"option": None}])
def test_vendor_arguments_of_another_model_are_dropped(kept: dict[str, Any]) -> None:
    model = entry(options=["option"], other_values={"quality": ["best"]})
    given = {**kept, "unknown": 1}
    request = GenerationRequest(model="a/b", prompt="x", vendor_arguments=given)
    assert model.validate_and_fill(request).vendor_arguments == kept
    assert catalog_of(model).find("a/b").validate_and_fill(request).vendor_arguments == kept


def catalog_of(model: ModelEntry) -> Catalog:
    return CATALOG.model_copy(update={"models": (model,)})
