from typing import Any

import pytest

from rushes.catalog.vendor_data import read_vendor
from rushes.errors import InvalidInputFile
from rushes.jobs.request import Role
from rushes.jobs.result import Output
from rushes.providers.base import Failed, FetchResult, PollResult, Succeeded
from rushes.providers.google.interactions import Interactions
from tests.unit.providers.job import job, json_reply, with_role

OPERATION = {"id": "v1_a/b"}


def completed(*content: dict[str, Any], **members: Any) -> PollResult | FetchResult:
    step = {"type": "model_output", "content": list(content)}
    body = {"id": "v1_a/b", "status": "completed", "steps": [step], **members}
    return Interactions().parse_poll(OPERATION, json_reply(body))


def test_id_is_one_segment_of_the_path():
    provider = Interactions()
    assert provider.poll_request(OPERATION).path == "/interactions/v1_a%2Fb"
    assert provider.cancel_request(OPERATION).path == "/interactions/v1_a%2Fb/cancel"


def test_each_inline_image_has_its_own_pointer():
    image = {"type": "image", "mime_type": "image/png", "data": "AAAA"}
    result = completed({"type": "text", "text": "Two."}, image, image)
    assert isinstance(result, Succeeded)
    pointers = [f"/steps/0/content/{place}/data" for place in (1, 2)]
    assert [output.pointer for output in result.outputs] == pointers
    assert {output.url for output in result.outputs} == {"/interactions/v1_a%2Fb"}


def test_files_of_other_steps_are_not_results():
    """The input file is repeated as a step of the user."""
    given = {"type": "user_input", "content": [{"type": "image", "data": "AAAA"}]}
    result = completed(steps=[given])
    assert isinstance(result, Failed)
    assert result.error.code == "content_filtered"


@pytest.mark.parametrize(
    "uri",
    [
        "https://generativelanguage.googleapis.com/v1beta/files/abc-1_2:download?alt=media",
        "https://generativelanguage.googleapis.com/v1beta/files/abc-1_2",
        "https://generativelanguage.googleapis.com/v1beta/files/abc-1_2?alt=media",
    ],
)
def test_item_of_the_files_api_is_looked_up_first(uri: str):
    result = completed({"type": "video", "uri": uri})
    assert isinstance(result, FetchResult)
    assert result.call.path == "/files/abc-1_2"


def test_inline_data_is_preferred_to_a_uri():
    result = completed({"type": "video", "uri": "https://x.example/files/a", "data": "AAAA"})
    assert isinstance(result, Succeeded)
    assert result.outputs[0].pointer == "/steps/0/content/0/data"


def test_other_https_uri_is_the_output():
    result = completed({"type": "audio", "mime_type": "audio/mp3", "uri": "https://x.example/a"})
    output = Output(url="https://x.example/a", needs_key=True, content_type="audio/mp3")
    assert result == Succeeded((output,))


def test_error_beside_a_completed_interaction_without_a_file_is_its_reason():
    result = completed(errors=[{"code": "blocked", "message": "The prompt was blocked."}])
    assert isinstance(result, Failed)
    assert (result.error.code, result.error.upstream_code) == ("content_filtered", "blocked")
    assert result.error.message == "The prompt was blocked."


def test_file_that_has_no_place_is_refused():
    request = job(inputs=[with_role(Role.SOURCE_VIDEO)])
    with pytest.raises(InvalidInputFile, match="Interactions does not accept source_video"):
        Interactions().submit_request(request)


@pytest.mark.parametrize(
    ("roles", "text", "task"),
    [
        ((), "A fox", "text_to_video"),
        ((Role.IMAGE,), "<FIRST_FRAME> A fox", "image_to_video"),
        ((Role.IMAGE, Role.LAST_FRAME), "<FIRST_FRAME> <LAST_FRAME> A fox", "image_to_video"),
        ((Role.REFERENCE, Role.REFERENCE), "A fox", "reference_to_video"),
        ((Role.SOURCE_VIDEO,), "[# Sources <VIDEO_0>@Video1] A fox", "edit"),
    ],
)
def test_prompt_of_an_omni_model_names_the_roles_of_the_files(
    roles: tuple[Role, ...], text: str, task: str
):
    model = next(read_vendor("google").entries())
    inputs = [with_role(role) for role in roles]
    request = job(prompt="A fox", seconds=8, size="1280x720", inputs=inputs)
    body = Interactions().submit_request(request, model).json
    assert body["input"][-1] == {"type": "text", "text": text}
    assert len(body["input"]) == len(roles) + 1
    assert body["generation_config"]["video_config"]["task"] == task
    assert body["response_format"].get("duration") == (None if task == "edit" else "8s")
    assert body["background"] is True


def test_outputs_in_place_of_steps_are_the_result():
    outputs = [{"type": "text", "text": "Done."}, {"type": "video", "data": "AAAA"}]
    result = completed(steps=[], outputs=outputs)
    assert isinstance(result, Succeeded)
    assert [output.pointer for output in result.outputs] == ["/outputs/1/data"]
