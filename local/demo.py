"""`python -m local.demo`: one job for real, from the OpenAI SDK to a film and a signed webhook."""

import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import boto3
from openai import InvalidWebhookSignatureError, OpenAI
from openai.types import Video
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from standardwebhooks import Webhook, WebhookVerificationError

from local.packaging import ROOT
from local.stack import Stack
from local.up import FAILURES
from local.video_probe import FilmError, measure
from local.webhook_receiver import Message, WebhookReceiver, WebhookReceiverError, webhook_receiver
from rushes.aws.dynamodb.jobs import JobTable

FOLDER = ROOT / ".local/demo"
FILM = ROOT / ".local/demo.mp4"
PROMPT = "A calico cat plays the piano on a stage, and is good at it [slow=3]"
SECONDS, SIZE = 4, (1280, 720)
LONGEST_WAIT = 90.0
ONE_PICTURE = 1 / 24
SIGNED_BY = ("webhook-id", "webhook-timestamp", "webhook-signature")

console = Console(highlight=False, soft_wrap=True)


class DemoError(Exception):
    """Something did not come out as it should; the message says what."""


def main() -> None:
    warnings.filterwarnings("ignore", "The Sora API", DeprecationWarning)
    started = time.monotonic()

    def show(step: str) -> None:
        console.print(f"[dim]{time.monotonic() - started:5.1f} s[/]  {step}")

    try:
        with Stack(FOLDER, progress=show) as stack, webhook_receiver() as receiver:
            run(stack, receiver)
    except (DemoError, FilmError, WebhookReceiverError, *FAILURES) as failure:
        sys.exit(f"demo failed: {failure}")
    show("all stopped; `make up` keeps the stack running")


def run(stack: Stack, receiver: WebhookReceiver) -> None:
    environment = stack.environment()
    aws = boto3.Session(
        environment["AWS_ACCESS_KEY_ID"],
        environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_REGION"],
    )
    queue = Queue(aws, environment)
    client = OpenAI(
        base_url=f"{environment['RUSHES_URL']}/openai/v1", api_key=environment["RUSHES_API_KEY"]
    )
    endpoint = client.webhooks.create(
        name="demo", url=f"{receiver.url}/demo", event_types=["video.completed", "video.failed"]
    )
    video = client.videos.create(
        model="sora-2",
        prompt=PROMPT,
        seconds="4",
        size="1280x720",
    )
    console.print(
        f"\njob [bold]{video.id}[/], submitted with the OpenAI SDK as model {video.model}"
    )
    dynamodb = aws.client("dynamodb", endpoint_url=environment["AWS_ENDPOINT_URL"])
    video = watch(client, video, JobTable(dynamodb, environment["RUSHES_TABLE"]))
    client.videos.download_content(video.id).write_to_file(FILM)
    check(FILM)
    event = queue.receive()
    console.print("\nEventBridge told a queue about it:")
    console.print_json(json.dumps(event))
    verify(receiver.at("/demo", seconds=15)[0], endpoint.signing_secret, video)
    facts = event["detail"]["data"]
    artifact = facts["artifacts"][0]
    console.print(f"\nin the bucket  s3://{artifact['bucket']}/{artifact['key']}")
    console.print(
        f"on this disk   [bold]{FILM.relative_to(ROOT)}[/] ({FILM.stat().st_size:,} bytes)"
    )
    console.print(f"cost           ${facts['cost']:.2f} by the catalog's price\n")


def watch(client: OpenAI, video: Video, jobs: JobTable) -> Video:
    """Show the job's stages until it ends; the SDK gives the status, the table the finer stage."""
    bar = Progress(
        TextColumn("{task.fields[stage]:<11}"),
        BarColumn(40),
        TextColumn("{task.percentage:3.0f} %"),
        TimeElapsedColumn(),
        console=console,
    )
    give_up = time.monotonic() + LONGEST_WAIT
    with bar:
        task = bar.add_task("job", total=100, stage="accepted")
        while video.status in ("queued", "in_progress"):
            if time.monotonic() > give_up:
                raise DemoError(f"the job is still {video.status} after {LONGEST_WAIT:.0f} s")
            time.sleep(0.2)
            video = client.videos.retrieve(video.id)
            job = jobs.get("demo", video.id)
            bar.update(task, completed=video.progress, stage=job.stage.value if job else "gone")
    if video.status != "completed":
        raise DemoError(f"the job {video.status}: {video.error}")
    return video


def check(path: Path) -> None:
    """Compare the film with what was asked."""
    film = measure(path)
    if film.size != SIZE or abs(film.seconds - SECONDS) > ONE_PICTURE:
        raise DemoError(f"asked was a film of {SIZE}, {SECONDS} s, and came {film}")
    width, height = film.size
    console.print(
        f"the film decodes: {film.codec}, {width}x{height}, {film.pictures} pictures,"
        f" {film.seconds:g} s"
    )


COMPLETED = '{"source": ["rushes"], "detail-type": ["job.completed"]}'


def verify(message: Message, secret: str, video: Video) -> None:
    """What arrived at the receiver, and whether two libraries of others believe it."""
    console.print("\nA receiver was sent a signed webhook about it:")
    for name in SIGNED_BY:
        console.print(f"  {name}: {message.headers[name]}")
    console.print(f"  {message.body.decode()}")
    try:
        told = Webhook(secret).verify(message.body, message.headers)
        OpenAI(api_key="none").webhooks.unwrap(message.body, message.headers, secret=secret)
    except (WebhookVerificationError, InvalidWebhookSignatureError) as doubt:
        raise DemoError(f"the webhook's signature is not right: {doubt}") from doubt
    if told["data"]["id"] != video.id:
        raise DemoError(f"the webhook is about {told['data']['id']}")
    console.print("verified by standardwebhooks and by client.webhooks.unwrap of the OpenAI SDK")


class Queue:
    """A queue of our own on the bus, as a downstream application would have one."""

    def __init__(self, aws: boto3.Session, environment: dict[str, str]) -> None:
        endpoint = environment["AWS_ENDPOINT_URL"]
        self._sqs = aws.client("sqs", endpoint_url=endpoint)
        self._url = self._sqs.create_queue(QueueName="demo")["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        events = aws.client("events", endpoint_url=endpoint)
        bus = environment["RUSHES_BUS"]
        events.put_rule(Name="demo", EventBusName=bus, EventPattern=COMPLETED)
        arn = attributes["Attributes"]["QueueArn"]
        events.put_targets(Rule="demo", EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])

    def receive(self) -> dict[str, Any]:
        reply = self._sqs.receive_message(QueueUrl=self._url, WaitTimeSeconds=10)
        if not reply.get("Messages"):
            raise DemoError("no event came")
        event: dict[str, Any] = json.loads(reply["Messages"][0]["Body"])
        return event


if __name__ == "__main__":
    main()
