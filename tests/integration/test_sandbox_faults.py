"""Fault directives of create calls, lists and downloads."""

import itertools
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.integration.sandbox_client import (
    BEARER,
    KEY,
    READ_TIMEOUT,
    SMALL,
    create,
    finished,
    request_log,
)
from tests.waiting import wait_for

prompts = (f"faulty {number}" for number in itertools.count())


@pytest.fixture(scope="module")
def with_lookup(sandbox_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{sandbox_url}/lookup/v1", headers=BEARER, timeout=60) as client:
        yield client


def call(http: httpx.Client, prompt: str, key: str | None = None, **fields: object) -> Any:
    headers = {"idempotency-key": key} if key else {}
    return http.post("/videos", json={**SMALL, "prompt": prompt, **fields}, headers=headers)


def creates_of(http: httpx.Client, prompt: str) -> list[dict[str, Any]]:
    return [entry for entry in request_log(http)["creates"] if entry["prompt"] == prompt]


def content_path(http: httpx.Client, directives: str) -> str:
    video = create(http, f"{next(prompts)} {directives}")
    return f"/videos/{finished(http, video)['id']}/content"


# Create calls


def test_known_idempotency_key_returns_same_job(http: httpx.Client):
    prompt = next(prompts)
    ids = {call(http, prompt, "job-1").json()["id"] for _ in range(3)}
    (entry,) = creates_of(http, prompt)
    assert (ids, entry["replays"], entry["idempotency_key"]) == ({entry["id"]}, 2, "job-1")


def test_idempotency_key_of_another_request_is_refused(http: httpx.Client):
    prompt = next(prompts)
    call(http, prompt, "job-2")
    others = [call(http, next(prompts), "job-2"), call(http, prompt, "job-2", seconds="2")]
    codes = [(reply.status_code, reply.json()["error"]["code"]) for reply in others]
    assert codes == [(409, "idempotency_key_reused")] * 2
    assert len(creates_of(http, prompt)) == 1


def test_idempotency_key_of_failed_create_stays_free(http: httpx.Client):
    prompt = f"{next(prompts)} [503]"
    replies = [call(http, prompt, "job-3") for _ in range(3)]
    assert [reply.status_code for reply in replies] == [503, 200, 200]
    entries = creates_of(http, prompt)
    assert [(entry["accepted"], entry["replays"]) for entry in entries] == [(False, 0), (True, 1)]


@pytest.mark.parametrize("status", [500, 401, 429, 503])
def test_status_directives_reject_first_n_creates(http: httpx.Client, status: int):
    prompt = f"{next(prompts)} [{status}=2]"
    assert [call(http, prompt).status_code for _ in range(3)] == [status, status, 200]
    assert [entry["accepted"] for entry in creates_of(http, prompt)] == [False, False, True]


def test_retry_after_sets_or_omits_header(http: httpx.Client):
    headers = [
        call(http, f"{next(prompts)} {directives}").headers.get("retry-after")
        for directives in ("[429]", "[429] [retry-after=7]", "[429] [retry-after=0]", "[503]")
    ]
    of_503 = call(http, f"{next(prompts)} [503] [retry-after=9]").headers["retry-after"]
    assert (headers, of_503) == (["1", "7", None, None], "9")


def test_made_500_starts_job_and_returns_500(http: httpx.Client):
    prompt = f"{next(prompts)} [made-500]"
    assert call(http, prompt, "job-4").status_code == 500
    (entry,) = creates_of(http, prompt)
    assert entry["accepted"]
    assert call(http, prompt, "job-4").json()["id"] == entry["id"]
    assert finished(http, entry)["status"] == "completed"


def test_made_reset_starts_job_and_resets_connection(http: httpx.Client):
    prompt = f"{next(prompts)} [made-reset]"
    with pytest.raises(httpx.ReadError, match="reset by peer"):
        call(http, prompt, "job-5")
    (entry,) = creates_of(http, prompt)
    assert call(http, prompt, "job-5").json()["id"] == entry["id"]


def test_made_cut_starts_job_and_truncates_response(http: httpx.Client):
    prompt = f"{next(prompts)} [made-cut]"
    with pytest.raises(httpx.RemoteProtocolError, match="peer closed connection"):
        call(http, prompt)
    assert [entry["accepted"] for entry in creates_of(http, prompt)] == [True]


def test_hang_create_does_not_delay_replay(http: httpx.Client):
    prompt = f"{next(prompts)} [hang-create=60]"
    with pytest.raises(httpx.ReadTimeout):
        http.post(
            "/videos",
            json={**SMALL, "prompt": prompt},
            headers={"idempotency-key": "job-6"},
            timeout=READ_TIMEOUT,
        )
    wait_for(lambda: creates_of(http, prompt))
    assert call(http, prompt, "job-6").json()["id"] == creates_of(http, prompt)[0]["id"]


def test_counted_directives_apply_in_order(http: httpx.Client):
    prompt = f"{next(prompts)} [429] [500] [made-500]"
    replies = [call(http, prompt).status_code for _ in range(4)]
    assert replies == [429, 500, 500, 200]
    assert [entry["accepted"] for entry in creates_of(http, prompt)] == [False, False, True, True]


@pytest.mark.parametrize(
    ("path", "headers", "body"),
    [
        ("/fal/sandbox/image", {"authorization": f"Key {KEY}"}, {}),
        ("/replicate/v1/models/sandbox/image/predictions", {}, {"input": {}}),
    ],
)
def test_other_protocols_support_made_500(
    sandbox_url: str, path: str, headers: dict[str, str], body: dict[str, Any]
):
    prompt = f"{next(prompts)} [made-500]"
    sent = {"input": {"prompt": prompt}} if "input" in body else {"prompt": prompt}
    with httpx.Client(headers={**BEARER, **headers}, timeout=60) as http:
        assert http.post(f"{sandbox_url}{path}", json=sent).status_code == 500
        entries = httpx.get(f"{sandbox_url}/_request_log").json()["creates"]
    assert [entry["accepted"] for entry in entries if entry["prompt"] == prompt] == [True]


# Lookup


def test_lookup_variant_returns_client_reference(with_lookup: httpx.Client):
    """By create, retrieve and list; from JSON and from flattened multipart fields."""
    reference: dict[str, Any] = {"user": "job-7-1", "metadata": {"job": "7", "attempt": "1"}}
    made = call(with_lookup, next(prompts), **reference).json()
    form = {**SMALL, "prompt": next(prompts), "user": "job-7-1"}
    flat = {"metadata[job]": (None, "7"), "metadata[attempt]": (None, "1")}
    parts: Any = {**{key: (None, value) for key, value in form.items()}, **flat}
    flattened = with_lookup.post("/videos", files=parts).json()
    alone = with_lookup.get(f"/videos/{made['id']}").json()
    listed = with_lookup.get("/videos", params={"limit": 2, "order": "desc"}).json()["data"]
    for shown in (made, flattened, alone, *listed):
        assert {key: shown[key] for key in reference} == reference
    assert [job["id"] for job in listed] == [flattened["id"], made["id"]]


def test_lookup_variant_ignores_idempotency_keys(with_lookup: httpx.Client):
    prompt = next(prompts)
    shown = [call(with_lookup, prompt, "job-8").json() for _ in range(2)]
    assert shown[0]["id"] != shown[1]["id"]
    assert (shown[0]["user"], shown[0]["metadata"]) == (None, None)


def test_hide_omits_job_from_list(with_lookup: httpx.Client):
    """Retrieval by id still works."""
    hidden = call(with_lookup, f"{next(prompts)} [hide=600]").json()
    late = call(with_lookup, f"{next(prompts)} [hide=1]").json()

    def is_listed(video: dict[str, Any]) -> bool:
        listed = with_lookup.get("/videos", params={"limit": 100}).json()["data"]
        return video["id"] in [job["id"] for job in listed]

    assert not is_listed(hidden)
    assert with_lookup.get(f"/videos/{hidden['id']}").is_success
    wait_for(lambda: is_listed(late))


def test_default_variant_refuses_client_reference(http: httpx.Client):
    reply = call(http, next(prompts), user="job-9")
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "unknown_parameter")


# Downloads


def interrupted(http: httpx.Client, url: str) -> tuple[httpx.Response, bytes]:
    """Return a response that breaks off, and the bytes received before."""
    chunks: list[bytes] = []
    with http.stream("GET", url) as reply, pytest.raises(httpx.RemoteProtocolError):
        chunks.extend(reply.iter_raw())
    return reply, b"".join(chunks)


def test_drop_can_be_resumed_by_range(http: httpx.Client):
    url = content_path(http, "[drop]")
    _, first = interrupted(http, url)
    rest = http.get(url, headers={"range": f"bytes={len(first)}-"})
    assert (bool(first), rest.status_code) == (True, 206)
    assert first + rest.content == http.get(url).content


def test_no_range_returns_whole_content(http: httpx.Client):
    url = content_path(http, "[drop] [no-range]")
    with pytest.raises(httpx.RemoteProtocolError):
        http.get(url)
    again = http.get(url, headers={"range": "bytes=100-"})
    assert (again.status_code, again.headers["accept-ranges"]) == (200, "none")
    assert len(again.content) == int(again.headers["content-length"])


def test_too_long_declares_more_bytes(http: httpx.Client):
    url = content_path(http, "[too-long=3]")
    reply, content = interrupted(http, url)
    assert int(reply.headers["content-length"]) == len(content) + 3


def test_drip_slows_download(http: httpx.Client):
    url = content_path(http, "[drip=1]")
    started = time.monotonic()
    reply = http.get(url)
    assert time.monotonic() - started > 0.9
    assert len(reply.content) == int(reply.headers["content-length"])


def test_expired_rejects_first_link_request(sandbox_url: str):
    sent = {"input": {"prompt": f"{next(prompts)} [expired]"}}
    with httpx.Client(
        base_url=f"{sandbox_url}/replicate/v1", headers=BEARER, timeout=60
    ) as replicate:
        made = replicate.post("/models/sandbox/image/predictions", json=sent).json()
        output = wait_for(lambda: replicate.get(f"/predictions/{made['id']}").json()["output"])
    assert [httpx.get(output[0]).status_code for _ in range(2)] == [403, 200]
