"""Receive terminal events through a queue that outlives engine restarts."""

import json
from collections import Counter
from typing import TYPE_CHECKING

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from local.stack import Stack
from rushes.webhooks.payloads import TERMINAL_EVENTS
from tests.chaos.background_thread import BackgroundThread

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

NAME = "terminal-events"
PAUSE_SECONDS = 0.5
DIRECT = Config(proxies={}, retries={"total_max_attempts": 1})


class EventListener(BackgroundThread):
    """Receives events in its `with` block; `delivered` counts the deliveries of each."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(self._run)
        self.delivered: dict[str, Counter[str]] = {}
        """By job id: the ids of its terminal events."""
        session = stack.session()
        self._sqs: SQSClient = session.client("sqs", endpoint_url=stack.engine_url, config=DIRECT)
        self._url = self._sqs.create_queue(QueueName=NAME)["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        events = session.client("events", endpoint_url=stack.engine_url, config=DIRECT)
        bus = stack.outputs["BusName"]
        pattern = json.dumps({"source": ["rushes"], "detail-type": TERMINAL_EVENTS})
        events.put_rule(Name=NAME, EventBusName=bus, EventPattern=pattern)
        arn = attributes["Attributes"]["QueueArn"]
        events.put_targets(Rule=NAME, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])

    def _run(self) -> None:
        while not self.stopped.is_set():
            try:
                received = self._receive()
            except (BotoCoreError, ClientError):  # the engine is being restarted
                received = False
            if not received:
                self.stopped.wait(PAUSE_SECONDS)

    def _receive(self) -> bool:
        reply = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10)
        for message in reply.get("Messages", []):
            event = json.loads(message["Body"])["detail"]
            self.delivered.setdefault(event["data"]["id"], Counter())[event["id"]] += 1
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return bool(reply.get("Messages"))
