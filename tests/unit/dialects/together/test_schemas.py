"""Tests of Together's create fields and files."""

import base64
import json
from itertools import product
from typing import Any

import pytest

from rushes.jobs.request import Input, Role
from tests.unit.dialects.api_client import PNG, VIDEO, assert_refused, cases
from tests.unit.dialects.together.together_client import PATHS, TogetherCaller

URL = "https://files.example/one?width=1#top"
BASE64 = base64.b64encode(PNG).decode()
IMAGE_DATA_URL = f"data:image/png;base64,{BASE64}"
AUDIO_DATA_URL = "data:audio/mpeg;base64," + base64.b64encode(b"ID3\x04" + bytes(16)).decode()
VIDEO_DATA_URL = "data:video/mp4;base64," + base64.b64encode(VIDEO).decode()


def test_create_accepts_every_published_field(caller: TogetherCaller):
    options: dict[str, Any] = {"fps": 30, "steps": 30, "guidance_scale": 8}
    options |= {"output_format": "WEBM", "output_quality": 20}
    fields = {"width": 720, "height": 1280, "seconds": "8", "seed": 0, "negative_prompt": "dogs"}
    request = caller.created_job(**fields, generate_audio=False, **options).request
    assert (request.size, request.seconds, request.seed) == ("720x1280", 8, 0)
    assert (request.negative_prompt, request.generate_audio) == ("dogs", False)
    assert request.provider_options == options


@pytest.mark.parametrize("options", [{"guidance_scale": 7.5}, {"camera": {"pan": 1}}])
def test_create_keeps_fractions_of_older_sdks_and_fields_that_the_catalog_lists(
    caller: TogetherCaller, options: dict[str, Any]
):
    assert caller.created_job(**options).request.provider_options == options


def test_create_accepts_absent_prompt_if_the_model_needs_none(caller: TogetherCaller):
    assert caller.call("POST", PATHS[0], {"model": "short"}).status == 200
    reply = caller.call("POST", PATHS[0], {"model": "together/plain"})
    assert_refused(reply, PATHS[0], 400, param="prompt")


FRAMES: tuple[tuple[list[Any], list[Role]], ...] = (
    (["first"], [Role.IMAGE]),
    (["last"], [Role.LAST_FRAME]),
    ([0], [Role.IMAGE]),
    ([0.0], [Role.IMAGE]),
    ([None], [Role.IMAGE]),
    ([48], [Role.FRAME]),
    ([0, 24, 48.0, "last"], [Role.IMAGE, Role.FRAME, Role.FRAME, Role.LAST_FRAME]),
    ([None, None], [Role.IMAGE, Role.LAST_FRAME]),
    (["last", "first"], [Role.LAST_FRAME, Role.IMAGE]),
    ([0, "last"], [Role.IMAGE, Role.LAST_FRAME]),
    (["first", None], [Role.IMAGE, Role.LAST_FRAME]),
)


def frame_images(frames: list[Any]) -> list[dict[str, Any]]:
    return [{"input_image": URL, **({} if frame is None else {"frame": frame})} for frame in frames]


@pytest.mark.parametrize(("frames", "roles"), FRAMES)
def test_create_accepts_first_and_last_frame_images(
    caller: TogetherCaller, frames: list[Any], roles: list[Role]
):
    numbers = [
        int(frame or 0) if role is Role.FRAME else None
        for frame, role in zip(frames, roles, strict=True)
    ]
    expected = tuple(
        Input(role=role, url=URL, frame=number) for role, number in zip(roles, numbers, strict=True)
    )
    new = caller.created_job(media={"frame_images": frame_images(frames)})
    old = caller.created_job(frame_images=frame_images(frames))
    assert new.request.inputs == old.request.inputs == expected


@pytest.mark.parametrize(
    "frames",
    [
        [4.5], [100_001], [-1], ["middle"], ["0"], [True], [False], [[]], [{}], [48, 48],
        [None, None, None], ["first", "first"], [0, "first"], ["last", None], [None, "first"],
    ],
)  # fmt: skip
def test_create_refuses_other_frames(caller: TogetherCaller, frames: list[Any]):
    fields: dict[str, Any] = {"frame_images": frame_images(frames)}
    assert_refused(caller.create(media=fields), PATHS[0], 400, param="media.frame_images")
    assert_refused(caller.create(**fields), PATHS[0], 400, param="frame_images")


@pytest.mark.parametrize("image", [IMAGE_DATA_URL, BASE64])
def test_create_accepts_images_as_data_url_or_base64(caller: TogetherCaller, image: str):
    """Together's guide has bare base64."""
    frame: dict[str, Any] = {"frame_images": [{"input_image": image}]}
    reference: dict[str, Any] = {"reference_images": [image]}
    for media, role in ((frame, Role.IMAGE), (reference, Role.REFERENCE)):
        for fields in ({"media": media}, media):
            (file,) = caller.created_job(**fields).request.files(role)
            assert (file.content_type, caller.blobs.objects[file.key]) == ("image/png", PNG)


def test_create_accepts_several_references_and_audio_files(caller: TogetherCaller):
    audio = [AUDIO_DATA_URL, {"audio": URL}]
    media = {"reference_images": [URL, IMAGE_DATA_URL], "audio_inputs": audio}
    request = caller.created_job(media=media).request
    found = {(file.role, file.url is None) for file in request.inputs}
    assert found == {*product((Role.REFERENCE, Role.AUDIO), (False, True))}


@pytest.mark.parametrize(
    ("name", "role"),
    [("frame_videos", Role.FRAME_VIDEO), ("reference_videos", Role.REFERENCE_VIDEO)],
)
def test_create_accepts_lists_of_videos(caller: TogetherCaller, name: str, role: Role):
    media = {name: [{"video": URL}, URL, {"video": VIDEO_DATA_URL}, VIDEO_DATA_URL]}
    inputs = caller.created_job(media=media).request.inputs
    assert {entry.role for entry in inputs} == {role}
    assert [entry.url for entry in inputs] == [URL, URL, None, None]
    assert {entry.file.content_type for entry in inputs if entry.file} == {"video/mp4"}


def test_create_keeps_the_number_of_an_uploaded_frame(caller: TogetherCaller):
    frames = [{"input_image": BASE64, "frame": 24}, {"input_image": IMAGE_DATA_URL, "frame": 0}]
    inputs = caller.created_job(media={"frame_images": frames}).request.inputs
    assert [(entry.role, entry.frame) for entry in inputs] == [(Role.FRAME, 24), (Role.IMAGE, None)]


@pytest.mark.parametrize(
    "fields",
    [
        {"media": None},
        {"frame_images": None, "reference_images": None},
        {"media": {"frame_images": None, "source_video": None, "audio_inputs": None}},
        {"resolution": None, "ratio": "", "negative_prompt": None, "output_format": None},
    ],
)
def test_null_and_empty_fields_are_absent(caller: TogetherCaller, fields: dict[str, Any]):
    request = caller.created_job(**fields).request
    assert (request.inputs, request.provider_options) == ((), {})


@pytest.mark.parametrize("video", [URL, {"video": URL}])
def test_create_accepts_source_video_by_url(caller: TogetherCaller, video: Any):
    request = caller.created_job(media={"source_video": video}).request
    assert request.inputs == (Input(role=Role.SOURCE_VIDEO, url=URL),)


@pytest.mark.parametrize("video", [VIDEO_DATA_URL, {"video": VIDEO_DATA_URL}])
def test_create_accepts_source_video_as_data_url(caller: TogetherCaller, video: Any):
    (file,) = caller.created_job(media={"source_video": video}).request.files(Role.SOURCE_VIDEO)
    assert file.content_type == "video/mp4"


INVALID = {
    "model": [None, "", "together/none"],
    "prompt": ["x" * 32_001, 5],
    "seconds": ["5", "4.5", True],
    "fps": ["fast", False],
    "steps": [9, 51],
    "seed": [0.5],
    "guidance_scale": ["much", True],
    "output_format": ["GIF"],
    "output_quality": [[]],
    "negative_prompt": [5],
    "generate_audio": ["perhaps"],
    "resolution": ["480p"],
    "ratio": [1.5],
    "n": [2],
    "model_config": [1],
    "media": [[]],
}
INVALID_SIZES = {
    "height": [{"width": 1280}, {"width": 1280, "height": True}],
    "width": [
        {"height": 720}, {"width": 1, "height": 1}, {"width": 0, "height": 720},
        {"width": 1280.5, "height": 720}, {"size": "1280x720"},
        {"model": "together/plain", "width": 1280, "height": 720},
    ],
}  # fmt: skip
INVALID_MEDIA = {
    "media.images": [{"images": [URL]}],
    "media.frame_images.0": [{"frame_images": [URL]}],
    "media.frame_images.0.input_image": [{"frame_images": [{}]}],
    "media.frame_images": [
        {"frame_images": [{"input_image": image}]}
        for image in ("cat.png", "aac49721-1964", "Y2F0", VIDEO_DATA_URL)
    ],
    "media.frame_videos": [{"frame_videos": [{"url": URL}]}, {"frame_videos": [IMAGE_DATA_URL]}],
    "media.reference_videos": [{"reference_videos": [{"video": 5}]}],
    "media.reference_images.0": [{"reference_images": [5]}],
    "media.reference_images": [{"reference_images": URL}],
    "media.source_video": [{"source_video": video} for video in (5, {"url": URL}, IMAGE_DATA_URL)],
    "media.audio_inputs": [{"audio_inputs": [{"sound": URL}]}, {"audio_inputs": [None]}],
}
FRAME, REFERENCE = {"frame_images": [{"input_image": URL}]}, {"reference_images": [URL]}
REFUSED: list[tuple[str, dict[str, Any]]] = [
    *((name, {name: value}) for name, value in cases(INVALID)),
    *cases(INVALID_SIZES),
    *((name, {"media": media}) for name, media in cases(INVALID_MEDIA)),
    ("body", {"negative_prompt": "x" * 200_000}),
    ("reference_images", {**REFERENCE, "media": REFERENCE}),
    ("frame_images", {**FRAME, "media": FRAME}),
    ("seconds", {"model": "together/plain", "seconds": "4"}),
    ("reference_images", {"model": "together/plain", **REFERENCE}),
]


@pytest.mark.parametrize(
    ("param", "fields"), REFUSED, ids=lambda value: json.dumps(value)[:60] if value else None
)
def test_create_refuses_invalid_field_by_name(
    caller: TogetherCaller, fields: dict[str, Any], param: str
):
    assert_refused(caller.create(**fields), PATHS[0], param=param)


LISTS = ("frame_images", "reference_images")
MEDIA_LISTS = (*LISTS, "frame_videos", "reference_videos", "audio_inputs")


@pytest.mark.parametrize("member", [1, None, {}, URL, {"input_image": URL}])
@pytest.mark.parametrize("name", LISTS)
def test_create_refuses_a_long_list_at_its_first_error(
    caller: TogetherCaller, name: str, member: object
):
    fields: dict[str, Any] = {name: [member] * 10_000}
    reply = caller.create(**fields)
    assert_refused(reply, PATHS[0], 400)
    assert str(reply.param).startswith(name)
    assert len(reply.text) < 500


@pytest.mark.parametrize("name", MEDIA_LISTS)
def test_create_refuses_more_than_32_members_in_media(caller: TogetherCaller, name: str):
    member: Any = {"input_image": URL} if name == "frame_images" else URL
    reply = caller.create(media={name: [member] * 33})
    assert_refused(reply, PATHS[0], 400, param=f"media.{name}")
    assert "must have at most 32 members" in reply.text


@pytest.mark.parametrize(
    "image",
    [
        "data:" + ";a" * 100_000,
        "data:image/" + "x" * 10_000 + ";base64,AAAA",
        "data:image/png" + ";a=b" * 100 + ";base64,AAAA",
    ],
)
def test_create_refuses_a_data_url_whose_base64_begins_late(caller: TogetherCaller, image: str):
    reply = caller.create(reference_images=[image])
    assert_refused(reply, PATHS[0], 400, param="reference_images")
    assert "must be a base64 data URL" in reply.text


def test_create_accepts_a_data_url_with_parameters(caller: TogetherCaller):
    image = IMAGE_DATA_URL.replace(";base64", ";name=a-fox.png;charset=utf-8;base64")
    assert caller.created_job(reference_images=[image]).request.file(Role.REFERENCE)
