"""Signed messages from the running stack to real receivers, verified by others' libraries."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import openai
import pytest
import standardwebhooks

from local.packaging import ROOT
from local.processes import free_port
from local.stack import Stack
from local.webhook_receiver import Message, WebhookReceiver, webhook_receiver
from rushes.webhooks.signature import new_secret
from tests.e2e.small_jobs import SMALL, completes
from tests.integration.test_receivers import PROGRAMS

QUEUE = {"prompt": "small", "duration": 1}


@pytest.fixture(scope="module")
def hooks() -> Iterator[WebhookReceiver]:
    with webhook_receiver() as made:
        yield made


@pytest.fixture(scope="module")
def sdk(stack: Stack) -> openai.OpenAI:
    key = stack.environment()["RUSHES_API_KEY"]
    return openai.OpenAI(base_url=f"{stack.url}/openai/v1", api_key=key)


@pytest.fixture(scope="module")
def secret(stack: Stack) -> str:
    """What signs messages to addresses in requests."""
    key = {"authorization": f"Bearer {stack.environment()['RUSHES_API_KEY']}"}
    rotated = httpx.post(f"{stack.url}/v1/webhook_secret/rotate", headers=key, timeout=60)
    told: str = rotated.json()["signing_secret"]
    return told


@pytest.fixture
def subscribe(client: httpx.Client) -> Iterator[Callable[..., dict[str, Any]]]:
    """Makes endpoints, which are gone after the test."""
    made: list[str] = []

    def subscribed(url: str, **fields: Any) -> dict[str, Any]:
        reply = client.post("/v1/webhook_endpoints", json={"url": url, **fields})
        assert reply.status_code == 200, reply.text
        shown: dict[str, Any] = reply.json()
        made.append(shown["id"])
        return shown

    yield subscribed
    for endpoint_id in made:
        client.delete(f"/v1/webhook_endpoints/{endpoint_id}")


def verified(message: Message, secret: str) -> Any:
    """What three libraries agree on."""
    told = standardwebhooks.Webhook(secret).verify(message.body, message.headers)
    unwrap = openai.OpenAI(api_key="none").webhooks.unwrap
    unwrap(message.body, message.headers, secret=secret)
    assert replicates_opinion(message, secret) == "believed"
    return told


def about(hooks: WebhookReceiver, path: str, job_id: str, count: int) -> list[Message]:
    """The messages about a job: those before it may still be on their way."""
    deadline = time.monotonic() + 60
    while True:
        found = [it for it in hooks.at(path, 0) if json.loads(it.body)["data"]["id"] == job_id]
        if len(found) >= count:
            return found
        assert time.monotonic() < deadline, f"{len(found)} messages about {job_id}"
        time.sleep(0.1)


def replicates_opinion(message: Message, secret: str) -> str:
    asked = {"headers": message.headers, "body": message.body.decode(), "secret": secret}
    program = [ROOT / ".local/envs/clients/bin/python", ROOT / "tests/e2e/replicate_opinion.py"]
    done = subprocess.run(
        program, input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    return done.stdout


def test_openais_sdk_is_told_as_by_openai(sdk: openai.OpenAI, hooks: WebhookReceiver):
    types = sdk.webhooks.event_types.list().data
    assert {"video.completed", "video.failed"} <= set(types)
    endpoint = sdk.webhooks.create(
        event_types=["video.completed", "video.failed"], name="sdk", url=f"{hooks.url}/sdk"
    )
    tried = sdk.webhooks.test(endpoint.id, event_type="video.failed")
    assert (tried.status_code, tried.success) == (204, True)
    video = sdk.videos.create(prompt="small", seconds=cast("Any", "1"), size=cast("Any", "128x72"))
    [message] = about(hooks, "/sdk", video.id, 1)
    read: Any = sdk.webhooks.unwrap  # its types know no films
    event = read(message.body, message.headers, secret=endpoint.signing_secret)
    assert (event.type, event.data.id) == ("video.completed", video.id)
    assert event.id == message.id
    rotated = sdk.webhooks.rotate_secret(endpoint.id, keep_old_secret_active_for_24_hours=True)
    assert rotated.signing_secret != endpoint.signing_secret
    sdk.webhooks.test(endpoint.id, event_type="video.completed")
    third = hooks.at("/sdk")[-1]
    for live in (endpoint.signing_secret, rotated.signing_secret):
        sdk.webhooks.unwrap(third.body, third.headers, secret=live)
    changed = sdk.webhooks.update(endpoint.id, name="renamed")
    assert sdk.webhooks.retrieve(endpoint.id).name == changed.name == "renamed"
    assert endpoint.id in [it.id for it in sdk.webhooks.list(limit=1)]
    assert sdk.webhooks.delete(endpoint.id).deleted
    with pytest.raises(openai.NotFoundError):
        sdk.webhooks.retrieve(endpoint.id)


def test_an_endpoint_hears_the_bus_word_for_word(
    client: httpx.Client, hooks: WebhookReceiver, subscribe: Callable[..., Any], events: Any
):
    secret = subscribe(f"{hooks.url}/bus", name="bus")["signing_secret"]
    job_id = client.post("/openai/v1/videos", json=SMALL).json()["id"]
    told = {it["type"]: it for it in (verified(m, secret) for m in about(hooks, "/bus", job_id, 2))}
    assert told.keys() == {"job.started", "job.completed"}
    [ending] = events.of(job_id, seconds=30)
    assert told[ending["type"]] == ending


def test_each_dialect_has_its_way_to_be_told_of_one_job(
    client: httpx.Client, hooks: WebhookReceiver, secret: str
):
    """Handed in all at once; each is told in its own words."""
    url = hooks.url
    key = client.headers["authorization"].removeprefix("Bearer ")
    by_fal = {"authorization": f"Key {key}"}
    pipelet = {"x-pipelet-webhook": f"{url}/pipelet"}
    form = [(name, (None, value)) for name, value in SMALL.items()]
    form.append(("webhook[url]", (None, f"{url}/form")))
    together = {"model": "sora-2", "prompt": "x", "seconds": "1", "width": 128, "height": 72}
    ids = {
        "/openai": client.post("/openai/v1/videos", json={**SMALL, "webhook": f"{url}/openai"}),
        "/form": client.post("/openai/v1/videos", files=form),
        "/bifrost": client.post("/v1/videos", json={**SMALL, "webhook": f"{url}/bifrost"}),
        "/together": client.post("/v2/videos", json={**together, "webhook": f"{url}/together"}),
        "/fal": client.post(
            "/fal/sora-2",
            json={**QUEUE, "video_size": "128x72"},
            headers=by_fal,
            params={"fal_webhook": f"{url}/fal"},
        ),
        "/pipelet": client.post(
            "/pipelet/queue/sora-2", json={**QUEUE, "width": 128, "height": 72}, headers=pipelet
        ),
    }
    told = {}
    for path, reply in ids.items():
        assert reply.status_code == 200, reply.text
        made = reply.json()
        job_id = (made.get("request_id") or made["id"]).partition(":")[0]
        count = 1 if path in ("/openai", "/form", "/fal") else 2  # these have no word for a start
        last = {m.id: m for m in hooks.at(path, count)}[f"evt_{job_id}_completed"]
        told[path] = verified(last, secret), job_id
    for path in ("/openai", "/form"):
        event, job_id = told[path]
        assert (event["type"], event["data"]) == ("video.completed", {"id": job_id})
    for path in ("/bifrost", "/together"):
        event, job_id = told[path]
        assert (event["type"], event["data"]["id"]) == ("job.completed", job_id)
    event, job_id = told["/fal"]
    assert (event["request_id"], event["status"]) == (job_id, "OK")
    assert is_film(event["payload"]["video"]["url"])
    event, job_id = told["/pipelet"]
    assert (event["eventType"], event["jobId"]) == ("completed", job_id)
    assert is_film(event["video"]["data_url"])


def is_film(url: str) -> bool:
    return httpx.get(url).content[4:8] == b"ftyp"


def test_a_failure_and_a_cancel_are_told_too(
    client: httpx.Client, hooks: WebhookReceiver, secret: str
):
    paths = {"/failed": "x [fail]", "/cancelled": "x [slow=20]"}
    jobs = {
        path: client.post(
            "/openai/v1/videos", json={**SMALL, "prompt": prompt, "webhook": f"{hooks.url}{path}"}
        ).json()["id"]
        for path, prompt in paths.items()
    }
    client.put(f"/fal/any/app/requests/{jobs['/cancelled']}/cancel")
    for path, job_id in jobs.items():
        message = hooks.at(path)[0]
        assert message.id == f"evt_{job_id}_{path[1:]}"
        assert verified(message, secret)["type"] == "video.failed"


def test_what_was_refused_comes_again_and_can_be_sent_again(
    client: httpx.Client, hooks: WebhookReceiver, subscribe: Callable[..., Any]
):
    hooks.answers["/log"] = [503]
    made = subscribe(f"{hooks.url}/log", event_types=["job.completed"])
    job_id = client.post("/openai/v1/videos", json=SMALL).json()["id"]
    first, second = hooks.at("/log", 2)
    assert (first.id, first.body) == (second.id, second.body)
    for message in (first, second):
        verified(message, made["signing_secret"])
    assert replicates_opinion(first, new_secret()) == "InvalidSignatureError"
    one = f"/v1/webhook_endpoints/{made['id']}"
    attempts = delivered(client, f"{one}/attempts")["attempts"]
    assert [it["status_code"] for it in attempts] == [503, 204]
    shown = client.get(f"/v1/webhook_messages/evt_{job_id}_completed").json()
    assert shown["event"] == second.told
    resent = client.post(f"{one}/resend", json={"since": int(time.time()) - 3600}).json()
    assert (resent["resent"], resent["has_more"]) == (1, False)
    assert hooks.at("/log", 3)[2].body == first.body
    client.post(f"{one}/resend", json={"message_id": first.id})
    assert hooks.at("/log", 4)[3].id == first.id


def delivered(client: httpx.Client, path: str) -> Any:
    """The newest delivery, once it has arrived."""
    deadline = time.monotonic() + 20
    while True:
        found = client.get(path).json()["data"]
        if found and found[0]["status"] == "delivered":
            return found[0]
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def test_another_accounts_jobs_are_not_told(
    stack: Stack, client: httpx.Client, hooks: WebhookReceiver, subscribe: Callable[..., Any]
):
    subscribe(f"{hooks.url}/mine")
    key = {"authorization": f"Bearer {stack.environment()['RUSHES_OTHER_API_KEY']}"}
    foreign = httpx.post(f"{stack.url}/openai/v1/videos", json=SMALL, headers=key, timeout=60)
    mine = client.post("/openai/v1/videos", json=SMALL).json()["id"]
    assert completes(client, mine, 60)
    ids = {message.told["data"]["id"] for message in hooks.at("/mine", 2)}
    assert ids == {mine}
    assert foreign.json()["id"] not in ids


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_example_receivers_hear_of_jobs(
    client: httpx.Client, subscribe: Callable[..., Any], name: str, tmp_path: Path
):
    port = free_port()
    secret = subscribe(f"http://127.0.0.1:{port}/")["signing_secret"]
    environment = {"PATH": os.environ["PATH"], "WEBHOOK_SECRET": secret}
    with (tmp_path / "output").open("wb") as output:
        program = subprocess.Popen(
            [*PROGRAMS[name], str(port)], env=environment, stdout=output, stderr=sys.stderr
        )
        try:
            job_id = client.post("/openai/v1/videos", json=SMALL).json()["id"]
            deadline = time.monotonic() + 60
            while f"job.completed {job_id}" not in (tmp_path / "output").read_text():
                assert time.monotonic() < deadline
                time.sleep(0.1)
        finally:
            program.terminate()
            program.wait(10)
