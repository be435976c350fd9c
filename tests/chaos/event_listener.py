"""Endings as the bus tells them, kept by a queue of our own, through every restart."""

import json
import threading
from collections import Counter
from types import TracebackType
from typing import TYPE_CHECKING, Self

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local.stack import Stack

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

NAME = "told"
ENDINGS = ["job.completed", "job.failed", "job.cancelled"]
PAUSE_SECONDS = 0.5
DIRECT = Config(proxies={}, retries={"total_max_attempts": 1})


class Listener:
    """Within its `with` block it takes what comes; `told` counts how often each event came."""

    def __init__(self, stack: Stack) -> None:
        self.told: dict[str, Counter[str]] = {}
        """By job, the ids of its endings' events."""
        session = stack.session()
        self._sqs: SQSClient = session.client("sqs", endpoint_url=stack.engine_url, config=DIRECT)
        self._url = self._sqs.create_queue(QueueName=NAME)["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        events = session.client("events", endpoint_url=stack.engine_url, config=DIRECT)
        bus = stack.outputs["BusName"]
        pattern = json.dumps({"source": ["rushes"], "detail-type": ENDINGS})
        events.put_rule(Name=NAME, EventBusName=bus, EventPattern=pattern)
        arn = attributes["Attributes"]["QueueArn"]
        events.put_targets(Rule=NAME, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                came = self._receive()
            except (BotoCoreError, ClientError):  # the engine is being restarted
                came = False
            if not came:
                self._over.wait(PAUSE_SECONDS)

    def _receive(self) -> bool:
        reply = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10)
        for message in reply.get("Messages", []):
            event = json.loads(message["Body"])["detail"]
            self.told.setdefault(event["data"]["id"], Counter())[event["id"]] += 1
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return bool(reply.get("Messages"))
