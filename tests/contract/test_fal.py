"""fal's published endpoints: generation requests are expressible, result files are found."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.vendor_data import read_vendor
from rushes.ports.http import JsonFile
from rushes.providers.base import Succeeded
from rushes.providers.fal_queue.fal_queue import Fal
from sandbox.protocols.fal_queue.published_models import endpoints
from scripts import generate_fal_models
from scripts.fal_models.published import inputs
from tests.contract.vendors import extract_fal, fal, report
from tests.contract.vendors.published_files import read
from tests.unit.providers.job import json_reply

GENERATION = re.compile(
    r"(text|image|reference|first-last-frame|start-end)-to-video|/(t2v|i2v)$|flf2v"
)
MIN_EXPRESSIBLE = 186
MIN_FOUND = 0.99
"""Share of the output types that carry files."""
OPERATION = {"result": "/owner/app/requests/1"}
CURRENT = (
    *("bytedance/seedance-2.5/text-to-video", "bytedance/seedance-2.0/image-to-video"),
    *("fal-ai/veo3.1/fast", "fal-ai/kling-video/v3/pro/image-to-video"),
    *("fal-ai/kling-video/o3/4k/reference-to-video", "minimax/h3/text-to-video"),
    *("alibaba/wan-3.0/image-to-video", "lightricks/ltx-2.5/text-to-video/fast"),
)


@cache
def models() -> dict[str, ModelEntry]:
    return {model.model_at_provider: model for model in read_vendor("fal").entries()}


def generation_endpoints() -> list[str]:
    return [endpoint for endpoint in read("fal")["inputs"] if GENERATION.search(endpoint)]


def bodies(model: ModelEntry) -> Iterator[dict[str, Any]]:
    for request in report.requests_of(model, fal):
        yield dict(Fal().submit_request(report.job_of(model, request), model).json or {})


def shortcomings(endpoint: str) -> list[str]:
    """Return the arguments of the endpoint that no request carries."""
    model = models().get(endpoint)
    if model is None:
        return ["not in the catalog"]
    carried: dict[str, Any] = {}
    for body in bodies(model):
        carried |= body
    return list(fal.not_expressed(model, carried))


def test_generation_endpoints_are_expressible() -> None:
    generation = generation_endpoints()
    assert len(generation) == 191
    lacking = {name: found for name in generation if (found := shortcomings(name))}
    assert len(generation) - len(lacking) >= MIN_EXPRESSIBLE, lacking
    assert lacking == {}


def test_sandbox_accepts_a_request_for_each_model() -> None:
    assert set(endpoints()) == set(models())
    for endpoint, model in models().items():
        endpoints()[endpoint].check(as_text(next(bodies(model))))


def as_text(value: Any) -> Any:
    """Replace the files of a body by URLs."""
    if isinstance(value, JsonFile):
        return "https://files.example/1"
    if isinstance(value, dict):
        return {name: as_text(member) for name, member in value.items()}
    return [as_text(member) for member in value] if isinstance(value, list) else value


@pytest.mark.parametrize("endpoint", CURRENT)
def test_current_generation_is_in_the_catalog(endpoint: str) -> None:
    assert models()[endpoint].modality == "video"


@pytest.mark.parametrize(
    ("endpoint", "request_fields", "expected"),
    [
        ("fal-ai/veo3.1/fast", {"seconds": 8}, {"duration": "8s"}),
        (
            "fal-ai/veo3.1/fast/image-to-video",
            {"size": "3840x2160"},
            {"resolution": "4k", "aspect_ratio": "16:9"},
        ),
        ("fal-ai/ltx-2/text-to-video/fast", {"seconds": 6}, {"duration": 6}),
        ("fal-ai/kling-video/v2.6/pro/text-to-video", {"seconds": 10}, {"duration": "10"}),
        (
            "fal-ai/minimax/hailuo-02/standard/image-to-video",
            {"size": "1366x768"},
            {"resolution": "768P"},
        ),
        (
            "fal-ai/wan/v2.2-a14b/text-to-video",
            {"seconds": 4},
            {"num_frames": 65, "frames_per_second": 16},
        ),
        (
            "fal-ai/ltx-2-19b/text-to-video",
            {"size": "1024x576"},
            {"video_size": {"width": 1024, "height": 576}},
        ),
    ],
)
def test_length_and_size_are_sent_as_the_endpoint_requires(
    endpoint: str, request_fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    model = models()[endpoint]
    sent = [
        body
        for request in report.requests_of(model, fal)
        if all(getattr(request, name) == value for name, value in request_fields.items())
        for body in [Fal().submit_request(report.job_of(model, request), model).json or {}]
    ]
    assert sent or "size" in request_fields
    if not sent:  # a size of the input's ratio
        request = next(iter(report.requests_of(model, fal))).model_copy(update=request_fields)
        sent = [Fal().submit_request(report.job_of(model, request), model).json or {}]
    for body in sent:
        assert {name: body.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("endpoint", "first", "last"),
    [
        ("fal-ai/veo3.1/fast/first-last-frame-to-video", "first_frame_url", "last_frame_url"),
        ("fal-ai/kling-video/v2.6/pro/image-to-video", "start_image_url", "end_image_url"),
        ("fal-ai/kling-video/v3/pro/image-to-video", "start_image_url", "end_image_url"),
        ("fal-ai/kling-video/v2.5-turbo/pro/image-to-video", "image_url", "tail_image_url"),
        ("alibaba/wan-3.0/image-to-video", "start_image_url", "end_image_url"),
    ],
)
def test_first_and_last_frame_have_the_names_of_the_endpoint(
    endpoint: str, first: str, last: str
) -> None:
    names = {name for body in bodies(models()[endpoint]) for name in body}
    assert {first, last} <= names


def filled(form: Any, name: str = "result") -> Any:
    """Return a result of the published form."""
    if isinstance(form, dict):
        return {key: filled(member, key) for key, member in form.items()}
    if isinstance(form, list):
        return [filled(form[0], name)]
    url = f"https://files.example/{name}"
    return url if form == "url" else {"url": url, "content_type": "video/mp4", "file_size": 1}


def test_files_of_the_published_output_types_are_found() -> None:
    outputs = read("fal")["outputs"]
    missed = []
    for endpoint, form in outputs.items():
        result = Fal().parse_result(OPERATION, json_reply(filled(form)))
        assert isinstance(result, Succeeded)
        if not result.outputs:
            missed.append(endpoint)
    assert len(outputs) == 1156
    assert len(outputs) - len(missed) >= MIN_FOUND * len(outputs), missed
    assert missed == []


def test_vendor_data_and_sandbox_schemas_are_generated_from_the_published_types() -> None:
    schemas = inputs()
    tables = generate_fal_models.models(schemas)
    assert generate_fal_models.VENDOR.read_text() == generate_fal_models.vendor_text(tables)
    written = generate_fal_models.SANDBOX.read_text()
    assert written == generate_fal_models.sandbox_text(schemas, tables)


TYPES = """
export type Clip = {
    /**
     * The file.
     */
    url: string;
};
export type Style = "calm" | "loud";
export type ClipInput = {
    /**
     * Number of frames to generate. Must be between 17 to 161 (inclusive). Default value: `81`
     */
    num_frames?: number;
    image_url: string | Blob | File;
    /** The size. Default value: `"square"` */
    size?: { width?: number } | "square";
    style?: Style;
    loops?: Array<Style>;
    lengths?: 5 | 6;
};
export type ClipOutput = {
    video_url: string;
    extras?: Array<Clip>;
    seed: number;
    video: Clip;
};
export type EndpointTypeMap = {
    "a/clip": {
        input: ClipInput;
        output: ClipOutput;
    };
};
"""


def test_types_are_extracted_as_json_schema() -> None:
    document = extract_fal.extract(TYPES)
    styles = {"enum": ["calm", "loud"]}
    assert document["inputs"]["a/clip"] == {
        "type": "object",
        "properties": {
            "num_frames": {"type": "number", "default": 81, "minimum": 17, "maximum": 161},
            "image_url": {"type": "string"},
            "size": {
                "anyOf": [
                    {"enum": ["square"]},
                    {
                        "type": "object",
                        "properties": {"width": {"type": "number"}},
                        "additionalProperties": False,
                    },
                ],
                "default": "square",
            },
            "style": styles,
            "loops": {"type": "array", "items": styles},
            "lengths": {"enum": [5, 6]},
        },
        "additionalProperties": False,
        "required": ["image_url"],
    }
    assert document["outputs"]["a/clip"] == {
        "video_url": "url",
        "extras": ["file"],
        "video": "file",
    }


@pytest.mark.parametrize("source", ["export type A = {", "export type = §", "export type A = ("])
def test_unknown_syntax_is_an_error(source: str) -> None:
    with pytest.raises((ValueError, IndexError)):
        extract_fal.extract(source)
