"""Cases of what the service says of its own accord: events, webhook bodies and signatures."""

import base64
import json
from dataclasses import replace
from typing import Any

from rushes.api.webhooks.samples import sample
from rushes.aws.eventbridge import EventBus
from rushes.jobs.events import started_event, terminal_event
from rushes.jobs.job import Job
from rushes.jobs.request import WebhookTarget
from rushes.webhooks.endpoint import Endpoint, Secret
from rushes.webhooks.operational_events import endpoint_disabled, webhook_test
from rushes.webhooks.payloads import PayloadRenderer, render, supports
from rushes.webhooks.signature import headers as signature_headers
from tests.contract.golden_jobs import MODEL, STATES, VIDEO, WEBHOOK, state_of
from tests.contract.golden_recorder import Recorder, hide_signature
from tests.fakes import FakeBlobs
from tests.unit.webhooks.harness import Harness

ACCOUNT = "alice"
NOW = 1_800_000_000.0
FORMATS = ("rushes", "openai", "fal", "pipelet")
SECRETS = tuple(
    "whsec_" + base64.b64encode(bytes(range(start, start + 32))).decode() for start in (0, 100)
)
ENDINGS = ("completed", "failed", "cancelled", "expired", "deleted")
"""What the names of states begin with that a job ends in."""


def job_row(state: str, **fields: Any) -> dict[str, Any]:
    """A stored job in a state, as a row has it."""
    row = {
        "id": f"job_{state}",
        "account": ACCOUNT,
        "dialect": "openai",
        "provider": "acme",
        "model": MODEL,
        "upstream_model": "video-1-large",
        "request": {"model": MODEL, "prompt": "a cat", "seconds": 4, "size": "1280x720"},
        "created_at": NOW,
        "updated_at": NOW,
        "deadline_at": NOW + 1800,
        "cost": 0.4,
        "artifacts": [],
        **fields,
    }
    return {**row, **state_of(row, state)}


def endpoint(**fields: Any) -> Endpoint:
    row = {
        "id": "we_1",
        "account": ACCOUNT,
        "url": "https://hooks.example/in",
        "description": "gallery",
        "secrets": [{"value": secret} for secret in SECRETS],
        "created_at": NOW - 10,
        "updated_at": NOW - 10,
        **fields,
    }
    return Endpoint.model_validate_json(json.dumps(row))


def job_events() -> dict[str, dict[str, Any]]:
    """The event of each state that has one, as it is put on the bus."""
    found = {}
    for state in STATES:
        job = Job.model_validate_json(json.dumps(job_row(state)))
        event = (
            terminal_event(job, "media-bucket") if state.startswith(ENDINGS) else started_event(job)
        )
        found[state] = event.model_dump(mode="json")
    return found


def endpoint_events() -> dict[str, dict[str, Any]]:
    failing = endpoint(failing_since=NOW - 432_000.5)
    return {
        "endpoint.disabled, failing": endpoint_disabled(failing, NOW, "failing"),
        "endpoint.disabled, gone": endpoint_disabled(endpoint(), NOW, "gone"),
        "webhook.test": webhook_test(endpoint(), NOW, "name"),
    }


def samples() -> dict[str, dict[str, Any]]:
    types = ("job.started", "job.completed", "job.failed", "job.cancelled")
    return {f"sample {it}": sample(it, ACCOUNT, "job_test", NOW + 61.25) for it in types}


def events(record: Recorder) -> None:
    for name, event in {**job_events(), **endpoint_events(), **samples()}.items():
        record.add(f"event: {name}", {}, {"body": json.dumps(event)})
    _bus_entries(record)


class _EventBridge:
    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def put_events(self, **call: Any) -> dict[str, Any]:
        self.entries += call["Entries"]
        return {"Entries": [{} for _ in call["Entries"]]}


def _bus_entries(record: Recorder) -> None:
    client: Any = _EventBridge()
    everything = {**job_events(), **endpoint_events()}
    EventBus(client, "bus").put(list(everything.values()))
    for name, entry in zip(everything, client.entries, strict=True):
        body = entry.pop("Detail")
        record.add(f"bus: {name}", {"entry": entry}, {"body": body})


def webhook_bodies(record: Recorder) -> None:
    everything = {**job_events(), **endpoint_events(), **samples()}
    for form in FORMATS:
        for name, event in everything.items():
            if not supports(form, event["type"]):
                record.add(f"{form}: {name}", {"sent": False}, {"body": ""})
                continue
            body = render(event, form, lambda: None)
            record.add(f"{form}: {name}, job gone", {"sent": True}, {"body": body})
    for form in FORMATS:
        _deliveries(record, form)
    _signatures(record)


def _deliveries(record: Recorder, form: str) -> None:
    """Every event about a stored job, from the fan-out to the POST, to both kinds of receiver."""
    for state, event in job_events().items():
        harness = _harness(form, state)
        harness.fanout.run(event)
        writer = PayloadRenderer(harness.jobs, _blobs(state), harness.clock)
        deliver = replace(harness.deliver, render=writer.render)
        while harness.queue.now:
            task = harness.queue.now.pop(0)
            deliver.run(task.account, task.message_id, task.receiver)
        for url, post in {post.url: post for post in harness.http_client.posts}.items():  # type: ignore[attr-defined]
            name = f"{form}: {state}, POST to {url}"
            body = post.body.decode()
            response = {"headers": hide_signature(body, post.headers), "body": body}
            record.add(name, {"url": url}, response)


def _harness(form: str, state: str) -> Harness:
    harness = Harness()
    target = WebhookTarget(url=WEBHOOK, format=form)
    row = job_row(state, webhook=target.model_dump())
    harness.jobs.rows[ACCOUNT, row["id"]] = json.dumps(row)
    harness.endpoints.add(endpoint(format=form))
    kept = harness.endpoints.request_secrets(ACCOUNT)
    fixed = kept.model_copy(update={"secrets": (Secret(value=SECRETS[0]),)})
    harness.endpoints.change_request_secrets(ACCOUNT, lambda _: fixed)
    harness.clock.now = NOW + 60
    return harness


def _blobs(state: str) -> FakeBlobs:
    blobs, row = FakeBlobs(), job_row(state)
    for artifact in row["artifacts"]:
        blobs.objects[artifact["key"]] = VIDEO
    if row.get("document_file"):
        content = json.dumps({"text": "from a file"}).encode()
        blobs.objects[row["document_file"]["key"]] = content
    return blobs


def _signatures(record: Recorder) -> None:
    body = '{"text":"une for\u00eat"}'
    for name, secrets in {"one secret": SECRETS[:1], "two secrets": SECRETS, "none": ()}.items():
        signed = signature_headers("evt_1", NOW + 0.9, body.encode(), secrets)
        record.add(
            f"signature: {name}", {"secrets": list(secrets)}, {"headers": signed, "body": body}
        )
