"""`python -m local.demo`: one job, from the OpenAI SDK to a video file and a signed webhook."""

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
from local.video_probe import VideoProbeError, probe_video
from local.webhook_receiver import Message, WebhookReceiver, WebhookReceiverError, webhook_receiver
from rushes.aws.dynamodb.jobs import JobTable

FOLDER = ROOT / ".local/demo"
VIDEO_FILE = ROOT / ".local/demo.mp4"
# The directive delays the sandbox's job by three seconds, so that the progress bar is visible.
PROMPT = "A calico cat plays the piano on a stage, and is good at it [slow=3]"
SECONDS, SIZE = 4, (1280, 720)
MAX_JOB_SECONDS = 300.0
FRAME_SECONDS = 1 / 24
SIGNATURE_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
COMPLETED_EVENTS = '{"source": ["rushes"], "detail-type": ["job.completed"]}'

console = Console(highlight=False, soft_wrap=True)


class DemoError(Exception):
    """A result differs from the request; the message names the difference."""


def main() -> None:
    warnings.filterwarnings("ignore", "The Sora API", DeprecationWarning)
    started = time.monotonic()

    def show(step: str) -> None:
        console.print(f"[dim]{time.monotonic() - started:5.1f} s[/]  {step}")

    try:
        with Stack(FOLDER, progress=show) as stack, webhook_receiver() as receiver:
            run(stack, receiver)
    except (DemoError, VideoProbeError, WebhookReceiverError, *FAILURES) as failure:
        sys.exit(f"demo failed: {failure}")
    show("stopped; `make up` runs the stack until Ctrl-C")


def run(stack: Stack, receiver: WebhookReceiver) -> None:
    environment = stack.environment()
    aws = stack.session()
    queue = EventQueue(aws, environment)
    client = OpenAI(
        base_url=f"{environment['RUSHES_URL']}/openai/v1", api_key=environment["RUSHES_API_KEY"]
    )
    endpoint = client.webhooks.create(
        name="demo", url=f"{receiver.url}/demo", event_types=["video.completed", "video.failed"]
    )
    video = client.videos.create(model="sora-2", prompt=PROMPT, seconds="4", size="1280x720")
    console.print(f"\nOpenAI SDK: created job [bold]{video.id}[/] with model {video.model}")
    dynamodb = aws.client("dynamodb", endpoint_url=environment["AWS_ENDPOINT_URL"])
    video = watch(client, video, JobTable(dynamodb, environment["RUSHES_TABLE"]))
    client.videos.download_content(video.id).write_to_file(VIDEO_FILE)
    check(VIDEO_FILE)
    event = queue.receive()
    console.print("\nEventBridge: an SQS queue received this event")
    console.print_json(json.dumps(event))
    verify(receiver.at("/demo")[0], endpoint.signing_secret, video)
    data = event["detail"]["data"]
    artifact = data["artifacts"][0]
    size = f"{VIDEO_FILE.stat().st_size:,} bytes"
    console.print(f"\nS3 object   s3://{artifact['bucket']}/{artifact['key']}")
    console.print(f"local file  [bold]{VIDEO_FILE.relative_to(ROOT)}[/] ({size})")
    console.print(f"cost        ${data['cost']:.2f} (price in the catalog)\n")


def watch(client: OpenAI, video: Video, jobs: JobTable) -> Video:
    """Show the job's stages until it ends; the SDK has the status, the table the stage."""
    bar = Progress(
        TextColumn("{task.fields[stage]:<11}"),
        BarColumn(40),
        TextColumn("{task.percentage:3.0f} %"),
        TimeElapsedColumn(),
        console=console,
    )
    deadline = time.monotonic() + MAX_JOB_SECONDS
    with bar:
        task = bar.add_task("job", total=100, stage="accepted")
        while video.status in ("queued", "in_progress"):
            if time.monotonic() > deadline:
                raise DemoError(f"job is still {video.status} after {MAX_JOB_SECONDS:.0f} s")
            time.sleep(0.2)
            video = client.videos.retrieve(video.id)
            job = jobs.get("demo", video.id)
            bar.update(task, completed=video.progress, stage=job.stage.value if job else "deleted")
    if video.status != "completed":
        raise DemoError(f"job {video.status}: {video.error}")
    return video


def check(path: Path) -> None:
    """Compare the video with the request."""
    video = probe_video(path)
    if video.size != SIZE or abs(video.seconds - SECONDS) > FRAME_SECONDS:
        raise DemoError(f"requested a video of {SIZE}, {SECONDS} s; received {video}")
    width, height = video.size
    console.print(
        f"ffmpeg: decoded {video.codec}, {width}x{height}, {video.frames} frames,"
        f" {video.seconds:g} s"
    )


def verify(message: Message, secret: str, video: Video) -> None:
    """Print the webhook, and verify its signature with two independent libraries."""
    console.print("\nWebhook: the receiver got this signed message")
    for name in SIGNATURE_HEADERS:
        console.print(f"  {name}: {message.headers[name]}")
    console.print(f"  {message.body.decode()}")
    try:
        payload = Webhook(secret).verify(message.body, message.headers)
        OpenAI(api_key="none").webhooks.unwrap(message.body, message.headers, secret=secret)
    except (WebhookVerificationError, InvalidWebhookSignatureError) as error:
        raise DemoError(f"invalid webhook signature: {error}") from error
    if payload["data"]["id"] != video.id:
        raise DemoError(f"webhook has job id {payload['data']['id']}, not {video.id}")
    console.print("  signature verified by standardwebhooks and by the OpenAI SDK")


class EventQueue:
    """SQS queue with a rule on the event bus, as a downstream application has it."""

    def __init__(self, aws: boto3.Session, environment: dict[str, str]) -> None:
        endpoint = environment["AWS_ENDPOINT_URL"]
        self._sqs = aws.client("sqs", endpoint_url=endpoint)
        self._url = self._sqs.create_queue(QueueName="demo")["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        events = aws.client("events", endpoint_url=endpoint)
        bus = environment["RUSHES_BUS"]
        events.put_rule(Name="demo", EventBusName=bus, EventPattern=COMPLETED_EVENTS)
        arn = attributes["Attributes"]["QueueArn"]
        events.put_targets(Rule="demo", EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])

    def receive(self) -> dict[str, Any]:
        """Return the next event; wait up to three minutes."""
        for _ in range(9):
            reply = self._sqs.receive_message(QueueUrl=self._url, WaitTimeSeconds=20)
            if reply.get("Messages"):
                event: dict[str, Any] = json.loads(reply["Messages"][0]["Body"])
                return event
        raise DemoError("the queue received no event")


if __name__ == "__main__":
    main()
