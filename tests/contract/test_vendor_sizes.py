"""Sizes of real clients at the shipped models."""

import json

import pytest

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.vendor_data import read_vendor, vendor_names
from rushes.jobs.request import GenerationRequest, Input, Role
from rushes.providers import adapter
from tests.contract.vendors import report
from tests.contract.vendors.combinations import allowed_combinations

SHAPE_FIELDS = ("aspect_ratio", "ratio", "size", "video_size", "image_size", "width", "height")
SIZES = ("720x1280", "1080x1920", "1792x1024", "1024x1792", "832x480", "1366x768", "x720")


def request(model: ModelEntry, size: str) -> GenerationRequest:
    options = {
        name: option.values[0] if option.values else EXAMPLES[option.type or "string"]
        for name, option in model.options.items()
        if option.required
    }
    roles = next(allowed_combinations(model)).roles
    inputs = tuple(Input(role=role) for role in roles)
    return GenerationRequest(
        model=model.name, prompt="a", size=size, inputs=inputs, provider_options=options
    )


EXAMPLES = {"string": "a", "integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}


@pytest.mark.parametrize("vendor", vendor_names())
def test_nearest_size_is_accepted_and_an_accepted_one_is_kept(vendor: str) -> None:
    wrong = []
    for model in read_vendor(vendor).entries():
        for size in SIZES if model.sizes else ():
            given = request(model, size)
            nearest, _ = model.nearest(given)
            kept = model.accepts(given) and nearest != model.validate_and_fill(given)
            if kept or not model.accepts(nearest):
                wrong.append((model.name, size, nearest.size))
    assert wrong == []


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("xai/grok-imagine-video-1.5", Role.IMAGE),
        ("byteplus/dreamina-seedance-2-0-260128", Role.IMAGE),
        ("byteplus/seedance-1-0-pro-250528", Role.IMAGE),
        ("fal/alibaba/wan-3.0/image-to-video", Role.IMAGE),
        ("fal/fal-ai/veo3.1/fast/image-to-video", Role.IMAGE),
        ("fal/fal-ai/ltx-2-19b/image-to-video", Role.IMAGE),
        ("fal/fal-ai/flux-pro/kontext", Role.IMAGE),
        ("replicate/google/nano-banana", Role.REFERENCE),
        ("replicate/kwaivgi/kling-v3-video", Role.IMAGE),
        ("google/gemini-3-pro-image", Role.IMAGE),
    ],
)
def test_shape_is_that_of_the_image_if_no_size_is_requested(name: str, role: Role) -> None:
    """A portrait image must not become a landscape video, where the vendor follows the image."""
    data = read_vendor(name.partition("/")[0])
    model = next(model for model in data.entries() if model.name == name)
    given = GenerationRequest(
        model=name, prompt="a", inputs=(Input(role=role, file=report.file_of(role)),)
    )
    provider = adapter(data.vendor.provider())
    call = provider.submit_request(report.job_of(model, model.validate_and_fill(given)), model)
    body = json.dumps(report.rendered(call).json)
    assert not [field for field in SHAPE_FIELDS if f'"{field}"' in body]
