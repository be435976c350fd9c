"""fal's published arguments in the fal dialect: accepted, and equal in the call to fal."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from rushes.api.choose_models import choose_models
from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.models import Catalog
from rushes.catalog.vendor_data import read_vendor
from rushes.dialects.base import HttpRequest
from rushes.dialects.fal_queue.fal import FalDialect
from rushes.errors import InvalidRequest
from rushes.jobs.request import Input, StoredFile, role_media_type
from rushes.ports.http import JsonFile
from rushes.providers.fal_queue.fal_queue import Fal
from scripts.fal_models.fields import choices
from scripts.fal_models.published import inputs
from tests.contract.vendors import report

VENDOR, SCHEMAS = read_vendor("fal"), inputs()
MODELS = {model.model_at_provider: model for model in VENDOR.entries("fal")}
CATALOG = Catalog(
    default_model=next(iter(MODELS.values())).name,
    providers={"fal": VENDOR.vendor.provider()},
    models=tuple(MODELS.values()),
)
URL = "https://files.example/input"
FIRST_FRAMES = ("image_url", "start_image_url", "first_frame_url")
SETTINGS = ("duration", "num_frames", "resolution", "aspect_ratio", "image_size", "video_size")
NOT_OFFERED = {
    # (argument, value): why the catalog does not offer it
    ("output_format", "hex"): "the result would not be a file",
}
MAX_REFUSED_SETTINGS = 26
"""Values that overrides.toml takes from a model with a reason, such as a length without a price."""


def value_of(name: str, schema: dict[str, Any]) -> Any:
    """Return an example of an argument: its default, or else its first value."""
    listed = [schema.get("default"), *choices(schema)]
    options = (value_of(name, option) for option in schema.get("anyOf", ()))
    values = (value for value in (*listed, value_of_type(name, schema), *options))
    return next((value for value in values if value is not None), None)


def value_of_type(name: str, schema: dict[str, Any]) -> Any:
    members = schema.get("properties", {})
    examples: dict[str, Any] = {
        "string": URL if name.endswith(("_url", "_urls")) else "a cat",
        "number": max(1, schema.get("minimum", 1)),
        "boolean": False,
        "array": [value_of(name, schema["items"])] if "items" in schema else [],
        "object": {key: value_of(key, member) for key, member in members.items()},
    }
    return examples.get(schema.get("type", ""))


def properties(endpoint: str) -> dict[str, Any]:
    found: dict[str, Any] = SCHEMAS[endpoint]["properties"]
    return found


def required(endpoint: str) -> dict[str, Any]:
    schemas = properties(endpoint)
    names = SCHEMAS[endpoint].get("required", [])
    return {name: value_of(name, schemas[name]) for name in names}


def defaults(endpoint: str) -> dict[str, Any]:
    """Return the required arguments, an image, and all defaults, as on fal's pages."""
    schemas = properties(endpoint)
    names = [
        name
        for name, schema in schemas.items()
        if name in FIRST_FRAMES or schema.get("default") not in (None, "")
    ]
    return {**required(endpoint), **{name: value_of(name, schemas[name]) for name in names}}


def settings(endpoint: str) -> Iterator[dict[str, Any]]:
    """Yield arguments with each listed value of a length and a size, and with each file."""
    schemas = properties(endpoint)
    base = required(endpoint)
    base |= {name: URL for name in FIRST_FRAMES if name in schemas}
    base |= {"prompt": "a cat"} if "prompt" in schemas else {}
    for name, schema in schemas.items():
        if name in SETTINGS or name.endswith(("_url", "_urls")):
            for value in choices(schema) or [value_of(name, schema)]:
                yield {**base, name: value}


def sent(endpoint: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of the call to fal for a call in the fal dialect."""
    path, body = f"/fal/{endpoint}", json.dumps(arguments).encode()
    request = HttpRequest("POST", path, {}, {}, {"content-type": "application/json"}, body)
    create_request = FalDialect().read_create_for(request, CATALOG)
    chosen = choose_models(CATALOG, create_request).first
    files = tuple(_stored(number, entry) for number, entry in enumerate(chosen.request.inputs))
    filled = chosen.request.model_copy(update={"inputs": files})
    assert chosen.model.price(filled) >= 0
    call = Fal().submit_request(report.job_of(chosen.model, filled), chosen.model)
    plain: dict[str, Any] = _plain(call.json)
    return plain


def _stored(number: int, entry: Input) -> Input:
    content_type = {"image": "image/png", "video": "video/mp4", "audio": "audio/mpeg"}
    kind = content_type[role_media_type(entry.role)]
    return Input(role=entry.role, file=StoredFile(key=str(number), content_type=kind, size=9))


def _plain(value: Any) -> Any:
    if isinstance(value, JsonFile):
        return URL
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    return [_plain(member) for member in value] if isinstance(value, list) else value


def changed(given: dict[str, Any], body: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return the arguments that differ; each file counts as equal."""
    return {
        name: (value, body.get(name))
        for name, value in given.items()
        if body.get(name) != value and not str(value).startswith("https://")
    }


@pytest.mark.parametrize("endpoint", MODELS)
def test_published_defaults_are_accepted_and_sent_unchanged(endpoint: str) -> None:
    arguments = {
        name: value
        for name, value in defaults(endpoint).items()
        if (name, str(value)) not in NOT_OFFERED
    }
    assert changed(arguments, sent(endpoint, arguments)) == {}


def test_published_lengths_sizes_and_files_are_accepted_and_sent_unchanged() -> None:
    accepted, refused = 0, []
    for endpoint in MODELS:
        for arguments in settings(endpoint):
            try:
                body = sent(endpoint, arguments)
            except InvalidRequest as error:
                refused.append((endpoint, error.message))
                continue
            accepted += 1
            given = {name: value for name, value in arguments.items() if value != ""}
            assert changed(given, body) == {}, endpoint
    assert accepted > 2700
    assert len(refused) <= MAX_REFUSED_SETTINGS, refused


PAGE_EXAMPLES: list[tuple[str, dict[str, Any]]] = [
    # Arguments as on fal's pages of the models.
    (
        "fal-ai/veo3.1",
        {"prompt": "x", "aspect_ratio": "16:9", "duration": "8s", "resolution": "720p",
         "generate_audio": True, "auto_fix": True, "safety_tolerance": "4"},
    ),
    (
        "fal-ai/veo3.1/fast/first-last-frame-to-video",
        {"prompt": "x", "first_frame_url": URL, "last_frame_url": URL, "aspect_ratio": "auto",
         "duration": "8s", "resolution": "1080p", "generate_audio": False},
    ),
    (
        "fal-ai/veo3.1/reference-to-video",
        {"prompt": "x", "image_urls": [URL, URL, URL], "duration": "8s", "resolution": "720p"},
    ),
    (
        "fal-ai/kling-video/v2.6/pro/text-to-video",
        {"prompt": "x", "duration": "10", "aspect_ratio": "9:16", "cfg_scale": 0.5,
         "negative_prompt": "blur, distort, and low quality"},
    ),
    (
        "fal-ai/kling-video/v2.5-turbo/pro/image-to-video",
        {"prompt": "x", "image_url": URL, "tail_image_url": URL, "duration": "5"},
    ),
    (
        "fal-ai/kling-video/v2.6/pro/image-to-video",
        {"prompt": "x", "start_image_url": URL, "end_image_url": URL, "duration": "5"},
    ),
    (
        "bytedance/seedance-2.0/image-to-video",
        {"prompt": "x", "image_url": URL, "end_image_url": URL, "duration": "auto",
         "aspect_ratio": "auto", "resolution": "720p"},
    ),
    (
        "fal-ai/wan/v2.2-a14b/text-to-video",
        {"prompt": "x", "num_frames": 81, "frames_per_second": 16, "resolution": "720p"},
    ),
    (
        "fal-ai/wan/v2.2-a14b/text-to-video",
        {"prompt": "x", "num_frames": 100, "frames_per_second": 24, "aspect_ratio": "9:16"},
    ),
    ("fal-ai/ltx-2/text-to-video/fast", {"prompt": "x", "duration": 6, "resolution": "2160p"}),
    (
        "fal-ai/ltx-2-19b/text-to-video",
        {"prompt": "x", "video_size": {"width": 1024, "height": 576}, "num_frames": 121},
    ),
    ("fal-ai/ltx-2-19b/image-to-video", {"prompt": "x", "image_url": URL, "video_size": "auto"}),
    (
        "fal-ai/minimax/hailuo-02/standard/image-to-video",
        {"prompt": "x", "image_url": URL, "duration": "6", "resolution": "768P"},
    ),
    ("alibaba/wan-3.0/text-to-video", {"prompt": "x", "audio": True, "aspect_ratio": "adaptive"}),
    ("fal-ai/sora-2/text-to-video", {"prompt": "x", "duration": 8, "resolution": "720p"}),
]  # fmt: skip


@pytest.mark.parametrize(("endpoint", "arguments"), PAGE_EXAMPLES)
def test_examples_of_fals_pages_are_accepted_and_sent_unchanged(
    endpoint: str, arguments: dict[str, Any]
) -> None:
    assert changed(arguments, sent(endpoint, arguments)) == {}


@pytest.mark.parametrize(
    ("endpoint", "arguments", "seconds"),
    [
        ("fal-ai/veo3.1", {"duration": "4s"}, 4),
        ("fal-ai/kling-video/v2.6/pro/text-to-video", {"duration": "10"}, 10),
        ("fal-ai/ltx-2/text-to-video/fast", {"duration": 8}, 8),
        ("fal-ai/wan/v2.2-a14b/text-to-video", {"num_frames": 65}, 4),
        ("fal-ai/wan/v2.2-a14b/text-to-video", {"num_frames": 70}, 5),
        ("fal-ai/wan/v2.2-a14b/text-to-video", {"num_frames": 81, "frames_per_second": 24}, 4),
        ("bytedance/seedance-2.0/text-to-video", {"duration": "auto"}, 5),
        ("fal-ai/veo3.1", {"duration": "auto", "aspect_ratio": "auto"}, 8),
    ],
)
def test_length_is_priced_in_each_of_its_forms(
    endpoint: str, arguments: dict[str, Any], seconds: int
) -> None:
    assert priced_seconds(MODELS[endpoint], arguments) == seconds


def priced_seconds(model: ModelEntry, arguments: dict[str, Any]) -> int | None:
    body = json.dumps({"prompt": "x", **arguments}).encode()
    path = f"/fal/{model.model_at_provider}"
    request = HttpRequest("POST", path, {}, {}, {"content-type": "application/json"}, body)
    create_request = FalDialect().read_create_for(request, CATALOG)
    return choose_models(CATALOG, create_request).first.request.seconds


@pytest.mark.parametrize(
    ("endpoint", "arguments", "param"),
    [
        ("fal-ai/veo3.1", {"duration": "5s"}, "seconds"),
        ("fal-ai/veo3.1", {"duration": "long"}, "duration"),
        ("fal-ai/veo3.1", {"resolution": "480p"}, "resolution"),
        ("fal-ai/veo3.1", {"aspect_ratio": "4:3"}, "aspect_ratio"),
        ("fal-ai/veo3.1", {"aspect_ratio": 5}, "aspect_ratio"),
        ("fal-ai/wan/v2.2-a14b/text-to-video", {"num_frames": 1000}, "num_frames"),
        ("fal-ai/wan/v2.2-a14b/text-to-video", {"num_frames": "many"}, "num_frames"),
        ("fal-ai/wan/v2.2-a14b/text-to-video", {"frames_per_second": 0}, "frames_per_second"),
        ("fal-ai/wan/v2.2-a14b/text-to-video", {"num_frames": 81, "duration": 5}, "num_frames"),
        ("fal-ai/veo3.1/reference-to-video", {"image_urls": URL}, "image_urls"),
        ("fal-ai/veo3.1/reference-to-video", {"image_urls": [URL] * 33}, "image_urls"),
        ("fal-ai/ltx-2-19b/text-to-video", {"video_size": {"width": 5}}, "video_size.height"),
        ("fal-ai/veo3.1", {"sync_mode": True}, "sync_mode"),
    ],
)
def test_other_values_are_refused_by_the_name_of_the_argument(
    endpoint: str, arguments: dict[str, Any], param: str
) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        sent(endpoint, {"prompt": "x", **arguments})
    assert refusal.value.param == param
