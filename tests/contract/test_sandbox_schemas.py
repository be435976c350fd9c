"""The schemas of the sandbox are those of the vendors, and refuse what the vendors would."""

from typing import Any

import pytest

from rushes.catalog import vendor_data
from sandbox.published import FOLDER, PublishedVendor, read_vendor
from tests.contract.vendors.published_files import dump
from tests.contract.vendors.sandbox_schemas import DOCUMENTS
from tests.contract.vendors.schema_checks import body_errors
from tests.contract.vendors.together_schemas import model_schemas, request_schema


@pytest.mark.parametrize("name", DOCUMENTS)
def test_schemas_of_the_sandbox_are_those_of_the_vendor(name: str) -> None:
    """On a difference run `python -m tests.contract.vendors.sandbox_schemas`."""
    assert (FOLDER / f"{name}.json").read_text() == dump(DOCUMENTS[name]())


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_model_of_the_sandbox_has_a_valid_schema_and_defaults(name: str) -> None:
    vendor = read_vendor(name)
    assert vendor.models
    for model in vendor.models.values():
        assert model.defaults.seconds >= 1
        assert "x" in model.defaults.size


def together() -> PublishedVendor:
    return read_vendor("together")


@pytest.mark.parametrize(
    ("model", "fields", "field"),
    [
        ("google/veo-3.0", {"seconds": "4"}, "seconds"),
        ("google/veo-3.0", {"width": 1280, "height": 700}, "height"),
        ("google/veo-3.0", {"media": {"reference_images": ["https://e/1"]}}, "media."),
        ("vidu/vidu-q1", {"width": 1280, "height": 720}, "width"),
        ("Wan-AI/wan2.7-t2v", {"resolution": "720p"}, "resolution"),
        ("Wan-AI/wan2.7-t2v", {"width": 1280, "height": 720}, "width"),
        ("Wan-AI/wan2.7-t2v", {"ratio": "21:9"}, "ratio"),
        ("Wan-AI/wan2.7-t2v", {"seconds": "16"}, "seconds"),
        ("Wan-AI/wan2.7-i2v", {}, "media"),
        ("Wan-AI/wan2.7-r2v", {"media": {"frame_images": [{"input_image": "u"}]}}, "media."),
        ("Wan-AI/wan2.7-videoedit", {}, "media"),
        ("ByteDance/Seedance-2.5", {"ratio": "16:9"}, "ratio"),
        (
            "ByteDance/Seedance-2.5",
            {"media": {"frame_images": [{"input_image": "u"}], "reference_images": ["u"]}},
            "media",
        ),
        ("kwaivgI/kling-2.1-pro", {}, "media"),
        ("minimax/video-01-director", {"prompt": "x" * 3001}, "prompt"),
        ("minimax/video-01-director", {"prompt": "x"}, "prompt"),
    ],
)
def test_together_model_does_not_take_other_values(
    model: str, fields: dict[str, Any], field: str
) -> None:
    body = {"model": model, "prompt": "A fox in the snow", **fields}
    assert body_errors(request_schema(), body) == []
    assert body_errors(model_schemas()[model], body)
    violation = together().models[model].violation(body)
    assert violation is not None
    assert violation.field.startswith(field)


def test_documented_models_are_those_of_the_vendor_data() -> None:
    for name in DOCUMENTS.keys() - {"runway"}:
        assert set(vendor_data.read_vendor(name).ids()) == set(read_vendor(name).models)


def test_runway_has_the_routes_of_its_video_models() -> None:
    types = set(read_vendor("runway").models)
    routes = {name.partition(" ")[0] for name in types}
    for model in vendor_data.read_vendor("runway").entries():
        for path in (model.path, *(variant.path for variant in model.variants)):
            route = (path or "").removeprefix("/")
            assert route not in routes or f"{route} {model.model_at_provider}" in types
