"""Content of a job: the redirect, and the file itself for clients that cannot follow it."""

import base64
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from functions.api.app import lambda_handler
from rushes.api.file_response import MAX_FILE_BYTES
from rushes.jobs.result import Artifact
from tests.unit.dialects.api_client import ACCOUNT, BASES, CONTEXT, VIDEO, Caller, Texts, event

KEEPING = (
    "Apache-HttpClient/4.5.14 (Java/17.0.9)",
    "Java-http-client/21.0.2",
    "Java/1.8.0_392",
    "Wget/1.21.3",
    "Python-urllib/3.11",
)
DROPPING = (
    "curl/8.5.0",
    "python-requests/2.31",
    "Apache-HttpClient/5.4.1 (Java/21)",
    "okhttp/4.12",
)
LARGE = b"v" * (MAX_FILE_BYTES + 10)


@dataclass
class Content:
    """The response of the content call, with decoded bytes."""

    status: int
    headers: dict[str, str]
    body: bytes


def finished(caller: Caller, content: bytes = VIDEO, **thumbnails: bytes) -> str:
    """Complete a job with a video and files of other types; return its id."""
    job = caller.job(caller.create())
    artifacts: list[Artifact] = []
    for name, stored in {**thumbnails, "video/mp4": content}.items():
        key = f"outputs/{ACCOUNT}/{job.id}/{len(artifacts)}"
        caller.blobs.objects[key] = stored
        artifacts.append(Artifact(key=key, content_type=name, size=len(stored), sha256="0" * 64))
    return caller.complete(job, *artifacts)


def fetch(
    caller: Caller, job_id: str, method: str = "GET", query: Texts = None, **headers: str
) -> Content:
    sent = {"authorization": f"Bearer {caller.key}"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    path = f"/v1/videos/{job_id}/content"
    response: Any = lambda_handler(event(method, path, None, sent, query), CONTEXT)
    body = response.get("body") or ""
    content = base64.b64decode(body) if response["isBase64Encoded"] else body.encode()
    lower = {name.lower(): value for name, value in response["headers"].items()}
    return Content(response["statusCode"], lower, content)


@pytest.mark.parametrize("agent", ["", *DROPPING])
def test_content_redirects_by_default(caller: Caller, agent: str):
    reply = fetch(caller, finished(caller), user_agent=agent)
    assert reply.status == 302
    assert "method=" not in reply.headers["location"]


@pytest.mark.parametrize("agent", KEEPING)
def test_client_that_keeps_authorization_gets_a_small_file(caller: Caller, agent: str):
    reply = fetch(caller, finished(caller), user_agent=agent)
    assert (reply.status, reply.body) == (200, VIDEO)
    assert reply.headers["content-type"] == "video/mp4"
    assert reply.headers["content-length"] == str(len(VIDEO))


@pytest.mark.parametrize("agent", KEEPING)
def test_client_that_keeps_authorization_is_redirected_to_a_large_file(caller: Caller, agent: str):
    assert fetch(caller, finished(caller, LARGE), user_agent=agent).status == 302


@pytest.mark.parametrize("agent", [*KEEPING, *DROPPING])
@pytest.mark.parametrize(("redirect", "status"), [("true", 302), ("false", 200), ("False", 200)])
def test_query_parameter_decides_for_every_client(
    caller: Caller, agent: str, redirect: str, status: int
):
    query = {"redirect": redirect}
    assert fetch(caller, finished(caller), query=query, user_agent=agent).status == status


@pytest.mark.parametrize("value", ["", "no", "none", "0"])
def test_other_value_of_redirect_is_refused(caller: Caller, value: str):
    reply = fetch(caller, finished(caller), query={"redirect": value})
    assert reply.status == 400
    assert b"redirect must be true or false" in reply.body


def test_large_file_without_redirect_is_refused_with_the_limit(caller: Caller):
    reply = fetch(caller, finished(caller, LARGE), query={"redirect": "false"})
    assert reply.status == 400
    assert f"at most {MAX_FILE_BYTES} bytes (the file has {len(LARGE)})".encode() in reply.body


@pytest.mark.parametrize(
    ("requested", "first", "last"),
    [
        ("bytes=0-9", 0, 9),
        ("Bytes = 0-9", 0, 9),
        ("bytes=5-", 5, 31),
        ("bytes=-4", 28, 31),
        ("bytes=-400", 0, 31),
        ("bytes=30-99", 30, 31),
    ],
)
def test_range_of_a_file(caller: Caller, requested: str, first: int, last: int):
    content = bytes(range(32))
    reply = fetch(caller, finished(caller, content), query={"redirect": "false"}, range=requested)
    assert (reply.status, reply.body) == (206, content[first : last + 1])
    assert reply.headers["content-range"] == f"bytes {first}-{last}/32"


def test_ranges_of_a_large_file_are_cut_to_the_limit(caller: Caller):
    job_id, found = finished(caller, LARGE), b""
    while len(found) < len(LARGE):
        reply = fetch(caller, job_id, query={"redirect": "false"}, range=f"bytes={len(found)}-")
        assert reply.status == 206
        found += reply.body
    assert found == LARGE


@pytest.mark.parametrize("requested", ["bytes=32-", "bytes=9-3", "bytes=-0"])
def test_range_outside_of_the_file_is_refused(caller: Caller, requested: str):
    job_id = finished(caller, bytes(32))
    assert fetch(caller, job_id, query={"redirect": "false"}, range=requested).status == 416


@pytest.mark.parametrize("requested", ["", "bytes=-", "bytes=0-1,4-5", "items=0-1", "bytes=x-"])
def test_other_range_is_ignored(caller: Caller, requested: str):
    reply = fetch(caller, finished(caller), query={"redirect": "false"}, range=requested)
    assert (reply.status, reply.body) == (200, VIDEO)


def test_head_redirects_to_a_url_for_head(caller: Caller):
    reply = fetch(caller, finished(caller), "HEAD")
    assert (reply.status, reply.body) == (302, b"")
    assert reply.headers["location"].endswith("&method=HEAD")


@pytest.mark.parametrize("content", [VIDEO, LARGE], ids=len)
def test_head_without_redirect_has_type_and_length(caller: Caller, content: bytes):
    reply = fetch(caller, finished(caller, content), "HEAD", query={"redirect": "false"})
    assert (reply.status, reply.body) == (200, b"")
    assert reply.headers["content-length"] == str(len(content))
    assert reply.headers["content-type"] == "video/mp4"


def test_thumbnail_of_the_provider_is_returned(caller: Caller):
    job_id = finished(caller, **{"image/jpeg": b"jpeg"})
    query = {"variant": "thumbnail", "redirect": "false"}
    reply = fetch(caller, job_id, query=query)
    assert (reply.status, reply.body) == (200, b"jpeg")
    assert fetch(caller, job_id, query={"variant": "spritesheet"}).status == 404
    assert fetch(caller, job_id, query={"redirect": "false"}).body == VIDEO


@pytest.mark.parametrize("variant", ["thumbnail", "spritesheet"])
def test_absent_variant_is_not_found(caller: Caller, variant: str):
    assert fetch(caller, finished(caller), query={"variant": variant}).status == 404


@pytest.mark.parametrize("base", BASES)
def test_content_of_each_base_path(caller: Caller, base: str):
    job_id = finished(caller)
    assert caller.call("GET", f"{base}/{job_id}/content").status == 302
    assert caller.call("HEAD", f"{base}/{job_id}/content/").status == 302


def test_client_that_keeps_authorization_is_redirected_to_the_download_host(caller: Caller):
    caller.jobs_api = replace(caller.jobs_api, download_url="https://d1.cloudfront.example")
    small, large = finished(caller), finished(caller, LARGE)
    direct = fetch(caller, large).headers["location"]
    for agent in KEEPING:
        reply = fetch(caller, large, user_agent=agent)
        assert reply.status == 302
        location = urlsplit(reply.headers["location"])
        assert location.netloc == "d1.cloudfront.example"
        assert (location.path, location.query) == urlsplit(direct)[2:4]
        assert fetch(caller, small, user_agent=agent).status == 200
    for agent in DROPPING:
        assert fetch(caller, large, user_agent=agent).headers["location"] == direct


@pytest.mark.parametrize("agent", KEEPING)
def test_client_that_keeps_authorization_gets_the_length_of_a_large_file(
    caller: Caller, agent: str
):
    reply = fetch(caller, finished(caller, LARGE), "HEAD", user_agent=agent)
    assert (reply.status, reply.headers["content-length"]) == (200, str(len(LARGE)))
