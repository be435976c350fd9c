"""Faults of the sandbox during create calls and downloads, each injected once."""

import itertools
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.integration.test_sandbox import KEY, create, finished, request_log, running_sandbox

SMALL = {"model": "sandbox-1", "size": "128x72", "seconds": "1"}
prompts = (f"faulty {number}" for number in itertools.count())


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as (url, _):
        yield url


@pytest.fixture(scope="module")
def http(sandbox: str) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=f"{sandbox}/v1", headers=headers, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def searchable(sandbox: str) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=f"{sandbox}/find/v1", headers=headers, timeout=30) as client:
        yield client


def call(http: httpx.Client, prompt: str, key: str | None = None, **fields: object) -> Any:
    headers = {"idempotency-key": key} if key else {}
    return http.post("/videos", json={**SMALL, "prompt": prompt, **fields}, headers=headers)


def creates_of(http: httpx.Client, prompt: str) -> list[dict[str, Any]]:
    return [it for it in request_log(http)["creates"] if it["prompt"] == prompt]


def spoilt(http: httpx.Client, words: str) -> str:
    """Where the content of a finished job with these words is."""
    return f"/videos/{finished(http, create(http, f'{next(prompts)} {words}'))['id']}/content"


# Creating


def test_a_known_key_gives_the_same_job(http: httpx.Client):
    """It is one create for the ledger, with two repetitions."""
    prompt = next(prompts)
    ids = {call(http, prompt, "job-1").json()["id"] for _ in range(3)}
    (entry,) = creates_of(http, prompt)
    assert (ids, entry["replays"], entry["idempotency_key"]) == ({entry["id"]}, 2, "job-1")


def test_a_key_is_for_one_request(http: httpx.Client):
    """Another prompt, or the same at another length, is refused and makes nothing."""
    prompt = next(prompts)
    call(http, prompt, "job-2")
    others = [call(http, next(prompts), "job-2"), call(http, prompt, "job-2", seconds="2")]
    codes = [(it.status_code, it.json()["error"]["code"]) for it in others]
    assert codes == [(409, "idempotency_key_reused")] * 2
    assert len(creates_of(http, prompt)) == 1


def test_a_key_whose_create_was_refused_is_still_free(http: httpx.Client):
    """Nothing was made under it."""
    prompt = f"{next(prompts)} [503]"
    replies = [call(http, prompt, "job-3") for _ in range(3)]
    assert [it.status_code for it in replies] == [503, 200, 200]
    entries = creates_of(http, prompt)
    assert [(it["accepted"], it["replays"]) for it in entries] == [(False, 0), (True, 1)]


@pytest.mark.parametrize(
    ("word", "status"), [("500", 500), ("401", 401), ("429", 429), ("503", 503)]
)
def test_a_create_may_be_refused_before_it_makes_anything(
    http: httpx.Client, word: str, status: int
):
    prompt = f"{next(prompts)} [{word}=2]"
    assert [call(http, prompt).status_code for _ in range(3)] == [status, status, 200]
    assert [it["accepted"] for it in creates_of(http, prompt)] == [False, False, True]


def test_patience_is_asked_for_as_the_prompt_says(http: httpx.Client):
    asked = [
        call(http, f"{next(prompts)} {words}").headers.get("retry-after")
        for words in ("[429]", "[429] [retry-after=7]", "[429] [retry-after=0]", "[503]")
    ]
    told = call(http, f"{next(prompts)} [503] [retry-after=9]").headers["retry-after"]
    assert (asked, told) == (["1", "7", None, None], "9")


def test_a_job_may_be_made_and_the_answer_be_an_error(http: httpx.Client):
    prompt = f"{next(prompts)} [made-500]"
    assert call(http, prompt, "job-4").status_code == 500
    (entry,) = creates_of(http, prompt)
    assert entry["accepted"]
    assert call(http, prompt, "job-4").json()["id"] == entry["id"]
    assert finished(http, entry)["status"] == "completed"


def test_a_job_may_be_made_and_the_connection_be_reset(http: httpx.Client):
    """The client has had not one byte."""
    prompt = f"{next(prompts)} [made-reset]"
    with pytest.raises(httpx.ReadError, match="reset by peer"):
        call(http, prompt, "job-5")
    (entry,) = creates_of(http, prompt)
    assert call(http, prompt, "job-5").json()["id"] == entry["id"]


def test_a_job_may_be_made_and_the_answer_break_off(http: httpx.Client):
    prompt = f"{next(prompts)} [made-cut]"
    with pytest.raises(httpx.RemoteProtocolError, match="peer closed connection"):
        call(http, prompt)
    assert [it["accepted"] for it in creates_of(http, prompt)] == [True]


def test_a_repetition_does_not_hang(http: httpx.Client):
    """Only the call that makes the job is held back."""
    prompt = f"{next(prompts)} [hang-create=60]"
    with pytest.raises(httpx.ReadTimeout):
        http.post(
            "/videos",
            json={**SMALL, "prompt": prompt},
            headers={"idempotency-key": "job-6"},
            timeout=0.3,
        )
    assert call(http, prompt, "job-6").json()["id"] == creates_of(http, prompt)[0]["id"]


def test_faults_take_turns(http: httpx.Client):
    prompt = f"{next(prompts)} [429] [500] [made-500]"
    replies = [call(http, prompt).status_code for _ in range(4)]
    assert replies == [429, 500, 500, 200]
    assert [it["accepted"] for it in creates_of(http, prompt)] == [False, False, True, True]


@pytest.mark.parametrize(
    ("path", "headers", "body"),
    [
        ("/fal/sandbox/picture", {"authorization": f"Key {KEY}"}, {}),
        ("/replicate/v1/models/sandbox/picture/predictions", {}, {"input": {}}),
    ],
)
def test_every_protocol_has_the_same_faults(
    sandbox: str, path: str, headers: dict[str, str], body: dict[str, Any]
):
    prompt = f"{next(prompts)} [made-500]"
    sent = {"input": {"prompt": prompt}} if "input" in body else {"prompt": prompt}
    with httpx.Client(headers={"authorization": f"Bearer {KEY}", **headers}) as http:
        assert http.post(f"{sandbox}{path}", json=sent).status_code == 500
        entries = httpx.get(f"{sandbox}/_ledger").json()["creates"]
    assert [it["accepted"] for it in entries if it["prompt"] == prompt] == [True]


# Finding


def test_what_the_client_calls_a_job_is_shown_with_it(searchable: httpx.Client):
    """With create, alone and in lists; the same from multipart, where SDKs flatten objects."""
    name: dict[str, Any] = {"user": "job-7-1", "metadata": {"job": "7", "attempt": "1"}}
    made = call(searchable, next(prompts), **name).json()
    form = {**SMALL, "prompt": next(prompts), "user": "job-7-1"}
    flat = {"metadata[job]": (None, "7"), "metadata[attempt]": (None, "1")}
    parts: Any = {**{key: (None, value) for key, value in form.items()}, **flat}
    flattened = searchable.post("/videos", files=parts).json()
    alone = searchable.get(f"/videos/{made['id']}").json()
    listed = searchable.get("/videos", params={"limit": 2, "order": "desc"}).json()["data"]
    for shown in (made, flattened, alone, *listed):
        assert {key: shown[key] for key in name} == name
    assert [it["id"] for it in listed] == [flattened["id"], made["id"]]


def test_a_searchable_sandbox_makes_a_job_for_every_call(searchable: httpx.Client):
    """It knows no idempotency keys, and what has no name is shown without one."""
    prompt = next(prompts)
    shown = [call(searchable, prompt, "job-8").json() for _ in range(2)]
    assert shown[0]["id"] != shown[1]["id"]
    assert (shown[0]["user"], shown[0]["metadata"]) == (None, None)


def test_a_list_may_lag(searchable: httpx.Client):
    """The job can be asked for by its id all the while."""
    made = call(searchable, f"{next(prompts)} [hide=1]").json()

    def is_listed() -> bool:
        listed = searchable.get("/videos", params={"limit": 100}).json()["data"]
        return made["id"] in [it["id"] for it in listed]

    assert not is_listed()
    assert searchable.get(f"/videos/{made['id']}").is_success
    time.sleep(1.1)
    assert is_listed()


def test_the_published_api_takes_no_names(http: httpx.Client):
    reply = call(http, next(prompts), user="job-9")
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "unknown_parameter")


# Downloading


def test_a_download_may_drop_once_and_be_gone_on_with(http: httpx.Client):
    url = spoilt(http, "[drop]")
    chunks: list[bytes] = []
    with http.stream("GET", url) as reply, pytest.raises(httpx.RemoteProtocolError):
        chunks.extend(reply.iter_raw())
    first = b"".join(chunks)
    rest = http.get(url, headers={"range": f"bytes={len(first)}-"})
    assert (bool(first), rest.status_code) == (True, 206)
    assert first + rest.content == http.get(url).content


def test_a_download_may_drop_once_and_have_to_begin_again(http: httpx.Client):
    """Whatever range is asked for, all of it comes."""
    url = spoilt(http, "[drop] [no-range]")
    with pytest.raises(httpx.RemoteProtocolError):
        http.get(url)
    again = http.get(url, headers={"range": "bytes=100-"})
    assert (again.status_code, again.headers["accept-ranges"]) == (200, "none")
    assert len(again.content) == int(again.headers["content-length"])


def test_a_download_may_announce_more_than_there_is(http: httpx.Client):
    url = spoilt(http, "[too-long=3]")
    chunks: list[bytes] = []
    with http.stream("GET", url) as reply, pytest.raises(httpx.RemoteProtocolError):
        chunks.extend(reply.iter_raw())
    assert int(reply.headers["content-length"]) == sum(map(len, chunks)) + 3


def test_a_download_may_drip(http: httpx.Client):
    url = spoilt(http, "[drip=1]")
    begun = time.monotonic()
    reply = http.get(url)
    assert 0.9 < time.monotonic() - begun < 5
    assert len(reply.content) == int(reply.headers["content-length"])


def test_a_link_may_have_expired_once(sandbox: str):
    """A plain link, as Replicate's outputs have; the job then has a good one."""
    headers = {"authorization": f"Bearer {KEY}"}
    sent = {"input": {"prompt": f"{next(prompts)} [expired]"}}
    with httpx.Client(base_url=f"{sandbox}/replicate/v1", headers=headers) as replicate:
        made = replicate.post("/models/sandbox/picture/predictions", json=sent).json()
        while not (output := replicate.get(f"/predictions/{made['id']}").json()["output"]):
            time.sleep(0.05)
    assert [httpx.get(output[0]).status_code for _ in range(2)] == [403, 200]
