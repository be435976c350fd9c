"""Tests of signed webhooks from the full stack, verified by third-party libraries."""

import json
import subprocess
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
from tests.e2e.small_jobs import SMALL, completes, create
from tests.integration.test_receivers import PROGRAMS, running
from tests.waiting import wait_for

QUEUE = {"prompt": "small", "duration": 1}


@pytest.fixture(scope="module")
def hooks() -> Iterator[WebhookReceiver]:
    with webhook_receiver() as running:
        yield running


@pytest.fixture(scope="module")
def sdk(stack: Stack) -> openai.OpenAI:
    key = stack.environment()["RUSHES_API_KEY"]
    return openai.OpenAI(base_url=f"{stack.url}/openai/v1", api_key=key)


@pytest.fixture(scope="module")
def secret(stack: Stack) -> str:
    """Rotate and return the secret of webhook URLs in create requests."""
    key = {"authorization": f"Bearer {stack.environment()['RUSHES_API_KEY']}"}
    rotated = httpx.post(f"{stack.url}/v1/webhook_secret/rotate", headers=key, timeout=60)
    return str(rotated.json()["signing_secret"])


@pytest.fixture
def subscribe(client: httpx.Client) -> Iterator[Callable[..., Any]]:
    """Return a function that creates endpoints; the fixture deletes them."""
    ids: list[str] = []

    def create_endpoint(url: str, **fields: Any) -> Any:
        reply = client.post("/v1/webhook_endpoints", json={"url": url, **fields})
        assert reply.status_code == 200, reply.text
        ids.append(reply.json()["id"])
        return reply.json()

    yield create_endpoint
    for endpoint_id in ids:
        client.delete(f"/v1/webhook_endpoints/{endpoint_id}")


def verified(message: Message, secret: str) -> Any:
    """Verify a message with three libraries and return its content."""
    content = standardwebhooks.Webhook(secret).verify(message.body, message.headers)
    unwrap = openai.OpenAI(api_key="none").webhooks.unwrap
    unwrap(message.body, message.headers, secret=secret)
    assert verify_with_replicate(message, secret) == "verified"
    return content


def about(hooks: WebhookReceiver, path: str, job_id: str, count: int) -> list[Message]:
    """Wait for messages about a job; those of earlier jobs may still arrive."""

    def enough() -> list[Message]:
        found = [one for one in hooks.at(path, 0) if one.payload["data"]["id"] == job_id]
        return found if len(found) >= count else []

    return wait_for(enough)


def verify_with_replicate(message: Message, secret: str) -> str:
    call = {"headers": message.headers, "body": message.body.decode(), "secret": secret}
    program = [ROOT / ".local/envs/clients/bin/python", ROOT / "tests/e2e/verify_with_replicate.py"]
    return subprocess.check_output(program, input=json.dumps(call), text=True)


def test_openai_sdk_manages_endpoints_and_reads_messages(
    sdk: openai.OpenAI, hooks: WebhookReceiver
):
    types = sdk.webhooks.event_types.list().data
    assert {"video.completed", "video.failed"} <= set(types)
    wanted: Any = ["video.completed", "video.failed"]
    endpoint = sdk.webhooks.create(event_types=wanted, name="sdk", url=f"{hooks.url}/sdk")
    tested = sdk.webhooks.test(endpoint.id, event_type="video.failed")
    assert (tested.status_code, tested.success) == (204, True)
    video = sdk.videos.create(prompt="small", seconds=cast("Any", "1"), size=cast("Any", "128x72"))
    message = about(hooks, "/sdk", video.id, 1)[0]
    unwrap: Any = sdk.webhooks.unwrap  # its types do not include videos
    event = unwrap(message.body, message.headers, secret=endpoint.signing_secret)
    assert (event.type, event.data.id) == ("video.completed", video.id)
    assert event.id == message.id
    rotated = sdk.webhooks.rotate_secret(endpoint.id, keep_old_secret_active_for_24_hours=True)
    assert rotated.signing_secret != endpoint.signing_secret
    sdk.webhooks.test(endpoint.id, event_type="video.completed")
    last = hooks.at("/sdk")[-1]
    for secret in (endpoint.signing_secret, rotated.signing_secret):
        sdk.webhooks.unwrap(last.body, last.headers, secret=secret)
    changed = sdk.webhooks.update(endpoint.id, name="renamed")
    assert sdk.webhooks.retrieve(endpoint.id).name == changed.name == "renamed"
    assert endpoint.id in [listed.id for listed in sdk.webhooks.list(limit=1)]
    assert sdk.webhooks.delete(endpoint.id).deleted
    with pytest.raises(openai.NotFoundError):
        sdk.webhooks.retrieve(endpoint.id)


def test_endpoint_receives_the_events_of_the_bus(
    client: httpx.Client, hooks: WebhookReceiver, subscribe: Callable[..., Any], events: Any
):
    secret = subscribe(f"{hooks.url}/bus", name="bus")["signing_secret"]
    job_id = create(client).json()["id"]

    def both() -> dict[str, Message]:
        received = {m.payload["type"]: m for m in about(hooks, "/bus", job_id, 1)}
        return received if received.keys() == {"job.started", "job.completed"} else {}

    received = wait_for(both)
    verified(received["job.started"], secret)
    assert verified(received["job.completed"], secret) == events.of(job_id, seconds=60)[0]


def test_each_dialect_accepts_a_webhook_url_per_job(
    client: httpx.Client, hooks: WebhookReceiver, secret: str
):
    """Each job's webhook has the payload format of its dialect."""
    url = hooks.url
    key = client.headers["authorization"].removeprefix("Bearer ")
    by_fal = {"authorization": f"Key {key}"}
    to_pipelet = {"x-pipelet-webhook": f"{url}/pipelet"}
    fal, pipelet = {**QUEUE, "video_size": "128x72"}, {**QUEUE, "width": 128, "height": 72}
    form = [(name, (None, value)) for name, value in SMALL.items()]
    form.append(("webhook[url]", (None, f"{url}/form")))
    together = {"model": "sora-2", "prompt": "x", "seconds": "1", "width": 128, "height": 72}
    ids = {
        "/openai": client.post("/openai/v1/videos", json={**SMALL, "webhook": f"{url}/openai"}),
        "/form": client.post("/openai/v1/videos", files=form),
        "/bifrost": client.post("/v1/videos", json={**SMALL, "webhook": f"{url}/bifrost"}),
        "/together": client.post("/v2/videos", json={**together, "webhook": f"{url}/together"}),
        "/fal": client.post(f"/fal/sora-2?fal_webhook={url}/fal", json=fal, headers=by_fal),
        "/pipelet": client.post("/pipelet/queue/sora-2", json=pipelet, headers=to_pipelet),
    }
    received = {}
    for path, reply in ids.items():
        assert reply.status_code == 200, reply.text
        created = reply.json()
        job_id = (created.get("request_id") or created["id"]).partition(":")[0]
        count = 1 if path in ("/openai", "/form", "/fal") else 2  # these have no job.started
        last = {m.id: m for m in hooks.at(path, count)}[f"evt_{job_id}_completed"]
        received[path] = verified(last, secret), job_id
    for path in ("/openai", "/form"):
        event, job_id = received[path]
        assert (event["type"], event["data"]) == ("video.completed", {"id": job_id})
    for path in ("/bifrost", "/together"):
        event, job_id = received[path]
        assert (event["type"], event["data"]["id"]) == ("job.completed", job_id)
    event, job_id = received["/fal"]
    assert (event["request_id"], event["status"]) == (job_id, "OK")
    assert is_video(event["payload"]["video"]["url"])
    event, job_id = received["/pipelet"]
    assert (event["eventType"], event["jobId"]) == ("completed", job_id)
    assert is_video(event["video"]["data_url"])


def is_video(url: str) -> bool:
    return httpx.get(url).content[4:8] == b"ftyp"


def test_failed_and_cancelled_jobs_are_delivered(
    client: httpx.Client, hooks: WebhookReceiver, secret: str
):
    paths = {"/failed": "x [fail]", "/cancelled": "x [slow=20]"}
    jobs = {}
    for path, prompt in paths.items():
        body = {**SMALL, "prompt": prompt, "webhook": f"{hooks.url}{path}"}
        jobs[path] = client.post("/openai/v1/videos", json=body).json()["id"]
    client.put(f"/fal/any/app/requests/{jobs['/cancelled']}/cancel")
    for path, job_id in jobs.items():
        message = hooks.at(path)[0]
        assert message.id == f"evt_{job_id}_{path[1:]}"
        assert verified(message, secret)["type"] == "video.failed"


def test_refused_message_is_retried_and_can_be_resent(
    client: httpx.Client, hooks: WebhookReceiver, subscribe: Callable[..., Any]
):
    hooks.answers["/log"] = [503]
    endpoint = subscribe(f"{hooks.url}/log", event_types=["job.completed"])
    job_id = create(client).json()["id"]
    first, second = hooks.at("/log", 2)[:2]
    assert (first.id, first.body) == (second.id, second.body)
    for message in (first, second):
        verified(message, endpoint["signing_secret"])
    assert verify_with_replicate(first, new_secret()) == "InvalidSignatureError"
    path = f"/v1/webhook_endpoints/{endpoint['id']}"
    attempts = delivered(client, f"{path}/attempts")["attempts"]
    assert [attempt["status_code"] for attempt in attempts] == [503, 204]
    shown = client.get(f"/v1/webhook_messages/evt_{job_id}_completed").json()
    assert shown["event"] == second.payload
    resent = client.post(f"{path}/resend", json={"since": int(time.time()) - 3600}).json()
    assert (resent["resent"], resent["has_more"]) == (1, False)
    assert hooks.at("/log", 3)[2].body == first.body
    client.post(f"{path}/resend", json={"message_id": first.id})
    assert hooks.at("/log", 4)[3].id == first.id


def delivered(client: httpx.Client, path: str) -> Any:
    """Wait until the newest delivery has succeeded, and return it."""

    def newest() -> Any:
        found = client.get(path).json()["data"]
        return found[0] if found and found[0]["status"] == "delivered" else None

    return wait_for(newest)


def test_events_of_another_account_are_not_delivered(
    stack: Stack, client: httpx.Client, hooks: WebhookReceiver, subscribe: Callable[..., Any]
):
    subscribe(f"{hooks.url}/mine")
    key = {"authorization": f"Bearer {stack.environment()['RUSHES_OTHER_API_KEY']}"}
    foreign = httpx.post(f"{stack.url}/openai/v1/videos", json=SMALL, headers=key, timeout=60)
    mine = create(client).json()["id"]
    assert completes(client, mine, 60)
    ids = {message.payload["data"]["id"] for message in hooks.at("/mine", 2)}
    assert ids == {mine}
    assert foreign.json()["id"] not in ids


@pytest.mark.parametrize("name", PROGRAMS)
def test_example_receivers_print_completed_jobs(
    client: httpx.Client, subscribe: Callable[..., Any], name: str, tmp_path: Path
):
    port = free_port()
    secret = subscribe(f"http://127.0.0.1:{port}/")["signing_secret"]
    with running(name, port, secret, tmp_path / "output") as receiver:
        job_id = create(client).json()["id"]
        wait_for(lambda: f"job.completed {job_id}" in receiver.printed)
