"""What a description makes of jobs and replies, beyond what the transcripts show."""

import json
import re
from typing import Any

import pytest

from local.packaging import ROOT
from rushes.catalog.models import read_catalog
from rushes.catalog.provider_config import FILES, SHAPES, WORDS, HttpProviderSpec
from rushes.errors import UpstreamProtocolError, UpstreamRefused, UpstreamThrottled
from rushes.jobs.job import Job
from rushes.jobs.request import GenerationRequest, Input, Role, StoredFile
from rushes.ports import HttpReply, JsonFile
from rushes.providers.base import Cancels, Failed, FetchResult, Pending, Succeeded
from rushes.providers.declarative.adapter import Declarative, described
from tests.examples import catalog_with_examples

LEAST: dict[str, Any] = {
    "create": {"path": "/tasks", "body": {"prompt": "{prompt}"}},
    "id": "/id",
    "poll": {"path": "/tasks/{id}"},
    "status": "/status",
    "statuses": {"done": "succeeded", "ill": "failed", "wait": "queued", "run": "pending"},
    "outputs": ["/url"],
}
ERROR_MAPPING = {"code": "/code", "message": "/message", "fine": ["0"], "busy": ["9"]}


def provider(**more: Any) -> Any:
    return described(HttpProviderSpec.model_validate({**LEAST, **more}))


def body(template: dict[str, Any], **fields: Any) -> Any:
    made = provider(create={"path": "/tasks", "body": template})
    return made.submit(job(**fields)).json


def job(**fields: Any) -> Job:
    return Job(
        id="job_1",
        account="demo",
        dialect="openai",
        provider="one",
        upstream_model="film-1",
        request=GenerationRequest.model_validate({"model": "one/film-1", **fields}),
        created_at=0,
        updated_at=0,
        deadline_at=3600,
    )


def reply(code: int = 200, /, **fields: Any) -> HttpReply:
    return HttpReply(code, {}, json.dumps(fields).encode())


def polled(made: Any, **fields: Any) -> Any:
    return made.polled({"id": "1"}, reply(**fields))


def file(name: str) -> StoredFile:
    return StoredFile(key=name, content_type="image/png", size=1)


def test_each_placeholder_stands_for_what_was_asked_for():
    words = {
        "model": "film-1",
        "prompt": "a fox",
        "seconds": 5,
        "seed": 0,
        "negative_prompt": "rain",
        "generate_audio": False,
        "size": "1280x720",
        "width": 1280,
        "height": 720,
        "aspect_ratio": "16:9",
        "resolution": "720p",
        "job_id": "job_1",
    }
    asked = {name: words[name] for name in ("prompt", "seconds", "seed", "size")}
    more = {"negative_prompt": "rain", "generate_audio": False}
    assert body({name: f"{{{name}}}" for name in words}, **asked, **more) == words


def test_text_where_a_provider_wants_numbers_as_text():
    template = {"duration": "{seconds!text}", "audio": "{generate_audio!text}", "no": "{seed!text}"}
    sent = {"duration": "5", "audio": "true"}
    assert body(template, seconds=5, generate_audio=True) == sent


def test_what_was_not_asked_for_is_left_out():
    template = {
        name: f"{{{name}}}" for name in ("prompt", "seconds", "width", "image", "reference")
    }
    assert body(template) == {}


def test_files_go_as_data_url_as_base64_or_as_a_link_and_references_are_a_list():
    files = (
        Input(role=Role.IMAGE, file=file("first")),
        Input(role=Role.REFERENCE, file=file("a")),
        Input(role=Role.REFERENCE, file=file("b")),
    )
    template = {"x": "{image}", "y": "{image!base64}", "z": "{image!link}", "r": "{reference}"}
    assert body(template, inputs=files) == {
        "x": JsonFile(file("first"), "data_url"),
        "y": JsonFile(file("first"), "base64"),
        "z": JsonFile(file("first"), "link"),
        "r": [JsonFile(file("a"), "data_url"), JsonFile(file("b"), "data_url")],
    }


def test_options_of_the_provider_stand_beside_the_rest():
    sent = body({"prompt": "{prompt}"}, prompt="a fox", provider_options={"steps": 3})
    assert sent == {"prompt": "a fox", "steps": 3}


def test_the_model_may_be_in_the_path_and_headers_go_with_every_call():
    create = {"path": "/{model}/tasks", "body": {}}
    made = provider(create=create, headers={"x-async": "enable"}, cancel={"path": "/{id}/stop"})
    calls = made.submit(job()), made.poll({"id": "1"}), made.cancel({"id": "1"})
    assert [call.path for call in calls] == ["/film-1/tasks", "/tasks/1", "/1/stop"]
    assert all(call.headers == {"x-async": "enable"} for call in calls)


def test_the_profile_is_as_described():
    made = provider(key_header="x-key", key_scheme="", shortest_wait=5)
    profile = made.profile
    assert (profile.key_header, profile.key_scheme, profile.shortest_wait) == ("x-key", "", 5)


def test_it_can_be_told_to_stop_only_where_the_description_says_how():
    assert not isinstance(provider(), Cancels)
    made = provider(cancel={"method": "POST", "path": "/cancel", "body": {"task": "{id}"}})
    assert isinstance(made, Cancels)
    call = made.cancel({"id": "a/b"})
    assert (call.method, call.path, call.json) == ("POST", "/cancel", {"task": "a/b"})


def test_an_id_is_one_segment_of_the_path_whatever_is_in_it():
    assert provider().poll({"id": "a/../b?c#d"}).path == "/tasks/a%2F..%2Fb%3Fc%23d"


@pytest.mark.parametrize(("told", "kept"), [("a", "a"), (7, "7")])
def test_an_id_is_a_text_or_a_number(told: object, kept: str):
    assert provider().submitted(reply(id=told)).operation == {"id": kept}


@pytest.mark.parametrize("told", [None, "", [], {}, 1.5])
def test_without_an_id_the_answer_makes_no_sense(told: object):
    with pytest.raises(UpstreamProtocolError, match="no id at /id"):
        provider().submitted(reply(id=told))


def test_statuses_mean_what_the_description_says():
    made = provider(progress="/share", progress_when_done=1)
    assert polled(made, status="wait") == Pending(queued=True)
    assert polled(made, status="run", share=0.4) == Pending(40)
    assert polled(made, status="run", share="0.4") == Pending(40)
    assert polled(made, status="run", share="soon") == Pending()
    assert isinstance(polled(made, status="ill"), Failed)
    assert isinstance(polled(made, status="done", url="https://x.example/1"), Succeeded)


@pytest.mark.parametrize(("word", "meaning"), [(2, "2"), (True, "true")])
def test_a_status_may_be_a_number_or_a_truth(word: object, meaning: str):
    made = provider(statuses={meaning: "succeeded"})
    assert isinstance(polled(made, status=word), Succeeded)


@pytest.mark.parametrize("fields", [{}, {"status": None}, {"status": []}, {"status": {"a": 1}}])
def test_without_a_status_the_answer_makes_no_sense(fields: dict[str, Any]):
    with pytest.raises(UpstreamProtocolError, match="no status at /status"):
        polled(provider(), **fields)


def test_outputs_are_at_any_of_their_places():
    made = provider(outputs=["/url", "/all/*/a~1b", "/deep/*/*"], outputs_need_key=True)
    urls = {"url": "1", "all": [{"a/b": "2"}, {}, {"a/b": ""}], "deep": [["3", "4"], "no"]}
    found = polled(made, status="done", **urls)
    assert [(it.url, it.needs_key) for it in found.outputs] == [
        (url, True) for url in ("1", "2", "3", "4")
    ]


def test_an_output_that_is_no_address_makes_no_sense():
    with pytest.raises(UpstreamProtocolError, match="/url is no address"):
        polled(provider(), status="done", url=5)


@pytest.mark.parametrize(
    ("cost", "dollars"),
    [
        (250, 0.25),
        ("250", 0.25),
        (0, 0.0),
        (None, None),
        ("free", None),
        (True, None),
        ("nan", None),
    ],
)
def test_the_cost_is_in_dollars_where_it_is_told(cost: object, dollars: float | None):
    made = provider(cost="/cost", cost_unit=0.001)
    assert polled(made, status="done", url="u", cost=cost).cost == dollars


def test_a_second_call_has_what_the_poll_told():
    made = provider(result={"path": "/files?f={file}&t={id}", "values": {"file": "/file"}})
    also = polled(made, status="done", file=7)
    assert isinstance(also, FetchResult)
    assert also.call.path == "/files?f=7&t=1"
    with pytest.raises(UpstreamProtocolError, match="no file at /file"):
        polled(made, status="done")


def test_a_refusal_is_read_only_where_the_description_says_where_it_stands():
    assert provider().submitted(reply(id="1", code="5")).operation == {"id": "1"}
    with pytest.raises(UpstreamRefused, match="the provider refused: no"):
        provider(refusal=ERROR_MAPPING).submitted(reply(id="1", code=5, message="no"))
    assert provider(refusal=ERROR_MAPPING).submitted(reply(id="1", code=0)).operation == {"id": "1"}


def test_a_refusal_in_words_that_are_not_described_is_told_as_far_as_it_can_be():
    with pytest.raises(UpstreamRefused, match="refused \\(400\\): odd"):
        provider(refusal=ERROR_MAPPING).submitted(reply(400, error={"message": "odd"}))
    with pytest.raises(UpstreamRefused, match="refused \\(400\\)"):
        provider(refusal=ERROR_MAPPING).submitted(HttpReply(400, {}, b"<html>"))


def test_a_busy_provider_says_how_long():
    with pytest.raises(UpstreamThrottled) as busy:
        provider(refusal=ERROR_MAPPING).submitted(
            HttpReply(429, {"retry-after": "4"}, b'{"code": 9}')
        )
    assert busy.value.wait_seconds == 4


def test_a_failure_without_words_has_its_status():
    error = polled(provider(), status="ill").error
    assert (error.code, error.upstream_code) == ("upstream_failed", "ill")
    assert error.message == "the provider gave no reason"


def test_long_words_are_cut():
    made = provider(refusal=ERROR_MAPPING)
    error = polled(made, status="ill", code="c" * 500, message="m" * 500).error
    assert (len(error.upstream_code), len(error.message)) == (80, 300)


@pytest.mark.parametrize("name", ["minimax", "kling", "modelark", "gemini-omni"])
def test_the_examples_of_the_catalog_describe_providers(name: str):
    entry = catalog_with_examples().providers[name]
    assert entry.spec
    assert isinstance(described(entry.spec), Declarative)


def test_the_example_of_the_documentation_is_sound():
    page = (ROOT / "docs/describing-a-provider.md").read_text("utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    read = read_catalog('default_model = "tasks/film-1"\n' + example)
    entry = read.providers["tasks"].spec
    assert entry
    sent = described(entry).submit(job(prompt="a fox", seconds=5)).json
    assert sent == {"model": "film-1", "prompt": "a fox", "seconds": 5}


def test_every_member_of_a_description_is_documented():
    page = (ROOT / "docs/describing-a-provider.md").read_text("utf-8")
    for name in (*HttpProviderSpec.model_fields, *(f"{{{it}}}" for it in FILES | SHAPES | WORDS)):
        assert f"`{name}`" in page
