"""Each dialect links to the file of the model's modality, although a thumbnail precedes it."""

from collections.abc import Callable

import pytest

from rushes.jobs.result import Artifact
from tests.unit.dialects.api_client import ACCOUNT, OPENAI, Caller, Reply

THUMBNAIL, VIDEO, AUDIO = (
    Artifact(key=f"outputs/{ACCOUNT}/job/{n}", content_type=name, size=5_000_000, sha256="0" * 64)
    for n, name in enumerate(("image/png", "video/mp4", "audio/mpeg"))
)
LINKS: dict[str, Callable[[Reply], str]] = {
    "/v2/videos/{id}": lambda reply: str(reply.json["outputs"]["video_url"]),
    "/v1/videos/{id}": lambda reply: str(reply.json["videos"][0]["url"]),
    "/openai/v1/videos/{id}/content": lambda reply: reply.headers["location"],
    "/v1/videos/{id}/content": lambda reply: reply.headers["location"],
    "/fal/any/model/requests/{id}": lambda reply: str(reply.json["video"]["url"]),
    "/pipelet/queue/any/requests/{id}": lambda reply: str(reply.json["data_url"]),
    "/v1/async/requests/{id}": lambda reply: str(reply.json["result"]["outputs"][0]["url"]),
}


@pytest.mark.parametrize("path", LINKS)
def test_video_is_the_primary_file_of_a_video_job(caller: Caller, path: str):
    job_id = caller.complete(caller.job(caller.create(OPENAI)), THUMBNAIL, AUDIO, VIDEO)
    assert VIDEO.key in LINKS[path](caller.call("GET", path.format(id=job_id)))


@pytest.mark.parametrize("path", ["/v1/videos/{id}", "/v1/async/requests/{id}"])
def test_lists_of_files_have_the_others_after_it(caller: Caller, path: str):
    job_id = caller.complete(caller.job(caller.create(OPENAI)), THUMBNAIL, AUDIO, VIDEO)
    body = caller.call("GET", path.format(id=job_id)).json
    files = body["videos"] if "videos" in body else body["result"]["outputs"]
    types = [file["content_type"] for file in files]
    assert types == ["video/mp4", "image/png", "audio/mpeg"]


def test_images_of_fal_exclude_other_files(caller: Caller):
    job = caller.job(caller.create(OPENAI))
    job_id = caller.complete(job, VIDEO, THUMBNAIL, modality="image")
    images = caller.call("GET", f"/fal/any/model/requests/{job_id}").json["images"]
    assert [image["content_type"] for image in images] == ["image/png"]


def test_file_of_another_type_is_linked_if_there_is_no_other(caller: Caller):
    """Earlier versions completed such a job."""
    job_id = caller.complete(caller.job(caller.create(OPENAI)), AUDIO)
    content = caller.call("GET", f"/openai/v1/videos/{job_id}/content")
    assert AUDIO.key in content.headers["location"]
