"""Arguments of a create call from the data of a model."""

from typing import Any

import pytest

from rushes.catalog.model_entry import ModelEntry
from rushes.errors import InvalidInputFile
from rushes.jobs.request import Input, Role, StoredFile
from rushes.ports.http import JsonFile
from rushes.providers.arguments import model_arguments, model_path
from tests.unit.providers.job import job, with_role


def model(**fields: Any) -> ModelEntry:
    return ModelEntry.model_validate({"name": "one/model", **fields})


def arguments(entry: ModelEntry, **request: Any) -> dict[str, Any]:
    return model_arguments(job(**request), entry)


def test_values_have_the_form_of_the_template() -> None:
    entry = model(
        seconds=[8],
        arguments={
            "text": "{prompt}",
            "duration": "{seconds}s",
            "length": "{seconds!text}",
            "count": "{seconds}",
            "mode": "pro",
            "nested": {"seed": "{seed}"},
        },
        options=["seed"],
    )
    assert arguments(entry, prompt="a ball", seconds=8) == {
        "text": "a ball",
        "duration": "8s",
        "length": "8",
        "count": 8,
        "mode": "pro",
    }
    assert arguments(entry, prompt="a", seconds=8, seed=0)["nested"] == {"seed": 0}


def test_pixels_are_those_of_the_offered_size_that_a_requested_one_stands_for() -> None:
    entry = model(
        resolutions=["480p"],
        aspect_ratios=["16:9"],
        sizes=["864x496"],
        arguments={"ratio": "{width}:{height}", "size": "{size}"},
    )
    assert arguments(entry, size="854x480") == {"ratio": "864:496", "size": "864x496"}
    assert arguments(model(arguments={"size": "{size}"}), size="854x480") == {"size": "854x480"}


def test_only_the_resolution_is_sent_if_the_result_has_the_shape_of_the_input() -> None:
    entry = model(
        inputs=["image"],
        follows_input=True,
        resolutions=["720p", "2160p"],
        aspect_ratios=["16:9"],
        values={"resolution": {"2160p": "4k"}},
        rules=[{"when": {"input": ["image"]}, "allow": {"resolution": ["2160p"]}}],
        arguments={
            "size": "{width}x{height}",
            "aspect_ratio": "{aspect_ratio}",
            "resolution": "{resolution}",
            "image": "{image!type}",
        },
    )
    inputs = [with_role(Role.IMAGE)]
    assert arguments(entry, inputs=inputs) == {"resolution": "4k", "image": "image/png"}


def test_values_are_spelled_as_the_vendor_does() -> None:
    entry = model(
        resolutions=["720p", "2160p"],
        aspect_ratios=["16:9", "9:16"],
        values={
            "resolution": {"2160p": "4k"},
            "aspect_ratio": {"9:16": "portrait"},
            "generate_audio": {"true": "on", "false": "off"},
        },
        options=["generate_audio"],
        arguments={"r": "{resolution}", "a": "{aspect_ratio}", "sound": "{generate_audio}"},
    )
    assert arguments(entry, size="2160x3840") == {"r": "4k", "a": "portrait"}
    sound = arguments(entry, size="1280x720", generate_audio=False)
    assert sound == {"r": "720p", "a": "16:9", "sound": "off"}


def test_frames_replace_seconds() -> None:
    entry = model(
        seconds=[5], frames={"fps": 16, "step": 4, "offset": 1}, arguments={"num": "{frames}"}
    )
    assert arguments(entry, seconds=5) == {"num": 81}


def test_options_without_a_placeholder_are_added() -> None:
    entry = model(
        options=["style", "seed", "negative_prompt"],
        arguments={"parameters": {"style": "{style}"}},
    )
    given = arguments(entry, seed=3, provider_options={"style": "noir"})
    assert given == {"parameters": {"style": "noir"}, "seed": 3}


def test_each_reference_repeats_its_entry() -> None:
    entry = model(
        inputs=["image", "reference"],
        arguments={
            "urls": ["{image}", "{reference}"],
            "content": [
                {"type": "text", "text": "{prompt}"},
                {"type": "image", "image": {"url": "{reference!link}"}, "role": "reference"},
            ],
            "all": "{reference}",
        },
    )
    first, second = with_role(Role.REFERENCE, "r1"), with_role(Role.REFERENCE, "r2")
    given = arguments(entry, prompt="p", inputs=(with_role(Role.IMAGE, "i"), first, second))
    assert [file.file.key for file in given["urls"]] == ["i", "r1", "r2"]
    assert [entry["type"] for entry in given["content"]] == ["text", "image", "image"]
    assert [entry["image"]["url"].form for entry in given["content"][1:]] == ["link", "link"]
    assert [file.file.key for file in given["all"]] == ["r1", "r2"]
    assert arguments(entry, prompt="p") == {"content": [{"type": "text", "text": "p"}]}


def with_size(size: int) -> tuple[Input, ...]:
    file = StoredFile(key="k", content_type="image/webp", size=size)
    return (Input(role=Role.IMAGE, file=file),)


@pytest.mark.parametrize(
    ("size", "placeholder", "form"),
    [
        (100, "{image}", "data_url"),
        (101, "{image}", "link"),
        (100, "{image!base64}", "base64"),
        (100, "{image!link}", "link"),
    ],
)
def test_form_of_a_file_depends_on_its_size(size: int, placeholder: str, form: str) -> None:
    entry = model(
        inputs=["image"],
        arguments={"image": placeholder},
        files={"forms": ["data_url", "link"], "inline_bytes": 100, "max_bytes": 1000},
    )
    file = arguments(entry, inputs=with_size(size))["image"]
    assert isinstance(file, JsonFile)
    assert file.form == form


@pytest.mark.parametrize(
    ("forms", "size", "message"),
    [
        (["data_url", "link"], 1001, "image must have at most 1000 bytes \\(got 1001\\)"),
        (["base64"], 101, "image must have at most 100 bytes \\(got 101\\)"),
    ],
)
def test_file_that_the_vendor_does_not_take_is_refused(
    forms: list[str], size: int, message: str
) -> None:
    entry = model(
        inputs=["image"],
        arguments={"image": "{image}"},
        files={"forms": forms, "inline_bytes": 100, "max_bytes": 1000},
    )
    with pytest.raises(InvalidInputFile, match=message):
        arguments(entry, inputs=with_size(size))


def test_file_that_is_too_large_for_its_only_form_is_not_sent_as_a_link() -> None:
    entry = model(
        inputs=["image"],
        arguments={"image": "{image!base64}"},
        files={"forms": ["base64", "link"], "inline_bytes": 100, "max_bytes": 1000},
    )
    with pytest.raises(InvalidInputFile, match="image must have at most 100 bytes"):
        arguments(entry, inputs=with_size(101))


def test_content_type_of_a_file_has_a_placeholder() -> None:
    entry = model(inputs=["image"], arguments={"i": "{image!base64}", "mime": "{image!type}"})
    assert arguments(entry, inputs=with_size(1))["mime"] == "image/webp"


def test_variant_replaces_path_and_arguments() -> None:
    entry = model(
        inputs=["image"],
        path="/text",
        arguments={"p": "{prompt}"},
        variants=[
            {"when": {"input": ["image"]}, "path": "/image", "arguments": {"i": "{image!type}"}}
        ],
    )
    assert model_path(job(), entry) == "/text"
    assert arguments(entry, prompt="a") == {"p": "a"}
    with_image = job(inputs=with_size(1), prompt="a")
    assert model_path(with_image, entry) == "/image"
    assert model_arguments(with_image, entry) == {"i": "image/webp"}


def test_file_without_a_place_in_the_arguments_is_refused() -> None:
    entry = model(
        inputs=["image"],
        arguments={"i": "{image}"},
        variants=[{"when": {"input": ["image"]}, "arguments": {"p": "{prompt}"}}],
    )
    with pytest.raises(InvalidInputFile, match="one/model does not accept image"):
        arguments(entry, prompt="a", inputs=with_size(1))
