from typing import Any

import pytest

from scripts.fal_models.mapping import model_of

TEXT = {"type": "string"}
BOOLEAN = {"type": "boolean"}


def endpoint(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def mapped(schema: dict[str, Any], modality: str = "video", **hints: Any) -> dict[str, Any]:
    return model_of("owner/app", schema, modality, hints)


def test_texts_and_the_audio_switch_are_mapped():
    schema = endpoint(
        ("prompt",),
        prompt=TEXT,
        negative_prompt=TEXT,
        seed={"type": "number"},
        audio=BOOLEAN | {"default": True},
    )
    model = mapped(schema)
    assert model["needs_prompt"]
    assert model["arguments"] == {
        "prompt": "{prompt}",
        "negative_prompt": "{negative_prompt}",
        "seed": "{seed}",
        "audio": "{generate_audio}",
    }
    assert model["options"] == {
        "seed": {"type": "integer"},
        "negative_prompt": {"type": "string"},
        "generate_audio": {"type": "boolean", "default": True},
    }


def test_audio_of_another_type_than_boolean_is_an_option():
    assert mapped(endpoint(audio=TEXT))["options"] == {"audio": {"type": "string"}}


def test_optional_prompt_is_not_needed():
    assert not mapped(endpoint(prompt=TEXT))["needs_prompt"]


@pytest.mark.parametrize("name", ["text", "text_input", "gen_text"])
def test_prompt_has_other_names(name: str):
    assert mapped(endpoint((name,), **{name: TEXT}))["arguments"] == {name: "{prompt}"}


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("image_url", "end_image_url"),
        ("start_image_url", "tail_image_url"),
        ("first_frame_url", "last_frame_url"),
    ],
)
def test_first_and_last_frame_are_mapped(first: str, last: str):
    model = mapped(endpoint((first,), **{first: TEXT, last: TEXT}))
    assert (model["inputs"], model["needs"]) == (["image", "last_frame"], ["image"])
    assert model["arguments"] == {first: "{image}", last: "{last_frame}"}


def test_lists_of_files_are_mapped():
    urls = {"type": "array", "items": TEXT}
    model = mapped(endpoint(("video_urls",), image_urls=urls, video_urls=urls))
    assert model["arguments"] == {"image_urls": "{reference}", "video_urls": ["{source_video}"]}
    assert model["needs"] == ["source_video"]


def test_files_within_objects_are_mapped():
    condition = {"type": "object", "properties": {"image_url": TEXT}}
    images = {"type": "array", "items": condition}
    model = mapped(endpoint(images=images, video={"type": "object", "properties": {}}))
    assert model["arguments"] == {
        "images": [{"image_url": "{image}"}],
        "video": {"video_url": "{source_video}"},
    }


def test_second_argument_for_a_role_is_an_option():
    model = mapped(endpoint(image_url=TEXT, subject_reference_image_url=TEXT))
    assert model["arguments"] == {"image_url": "{image}"}
    assert list(model["options"]) == ["subject_reference_image_url"]


def test_other_arguments_are_options_with_their_types_and_limits():
    schema = endpoint(
        ("style",),
        style={"enum": ["calm", "loud"]},
        steps={"type": "number", "minimum": 1, "maximum": 50},
        num_images={"type": "number", "default": 1},
        loras={"type": "array"},
        size_or_text={"anyOf": [TEXT, {"type": "object"}]},
    )
    model = mapped(schema, "image")
    assert model["options"] == {
        "style": {"type": "string", "values": ["calm", "loud"], "required": True},
        "steps": {"type": "number", "min": 1, "max": 50},
        "num_images": {"type": "integer"},
        "loras": {"type": "array"},
        "size_or_text": {},
    }
    assert model["count_option"] == "num_images"


def test_arguments_named_like_a_request_field_are_not_offered():
    assert "options" not in mapped(endpoint(model=TEXT, sync_mode=BOOLEAN))


def test_hints_add_constants_and_drop_arguments():
    schema = endpoint(("mode", "voice"), mode=TEXT, debug=BOOLEAN, voice=TEXT)
    hints: dict[str, Any] = {
        "constants": {"mode": "fast"},
        "drop": ["debug"],
        "optional": ["voice"],
    }
    model = mapped(schema, **hints)
    assert model["arguments"] == {"mode": "fast"}
    assert model["options"] == {"voice": {"type": "string"}}


def test_hint_gives_the_role_of_an_argument():
    model = mapped(endpoint(portrait_url=TEXT), roles={"portrait_url": "image"})
    assert model["arguments"] == {"portrait_url": "{image}"}
