"""SQS: delivery, delays and FIFO groups."""

import time

from tests.probes.aws_setup import LIMIT, AwsSetup, NotSeen, until
from tests.probes.probe import answer, differs, documented, probes_of

probe = probes_of("SQS")

API = "AWSSimpleQueueService/latest/APIReference/"
GUIDE = "AWSSimpleQueueService/latest/SQSDeveloperGuide/"


def send(aws: AwsSetup, queue: str, body: str, **more: object) -> None:
    aws.sqs.send_message(QueueUrl=queue, MessageBody=body, **more)


@probe("a received message that is not deleted")
@documented("hidden, then received again with a count of 2", GUIDE + "sqs-visibility-timeout.html")
def visibility_timeout(aws: AwsSetup) -> str:
    queue = aws.queue(VisibilityTimeout="5")
    send(aws, queue, "one")
    assert aws.receive(queue)
    hidden = "visible" if aws.receive(queue) else "hidden"
    (again,) = aws.receive(queue, LIMIT)
    count = again["Attributes"]["ApproximateReceiveCount"]
    return f"{hidden}, then received again with a count of {count}"


@probe("ChangeMessageVisibility to 0")
@documented("visible at once", API + "API_ChangeMessageVisibility.html")
def visibility_changed_to_zero(aws: AwsSetup) -> str:
    queue = aws.queue(VisibilityTimeout="60")
    send(aws, queue, "one")
    (message,) = aws.receive(queue)
    aws.sqs.change_message_visibility(
        QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
    )
    return "visible at once" if aws.receive(queue, LIMIT / 2) else "hidden"


@probe("a message after the maxReceiveCount of the redrive policy")
@documented("in the dead letter queue, with its id", GUIDE + "sqs-dead-letter-queues.html")
def dead_letter(aws: AwsSetup) -> str:
    dead = aws.queue()
    queue = aws.queue(VisibilityTimeout="0", RedrivePolicy=aws.redriven(2, dead))
    sent = aws.sqs.send_message(QueueUrl=queue, MessageBody="one")["MessageId"]
    for _ in range(4):
        aws.receive(queue)
    there = [message["MessageId"] for message in aws.receive(dead, LIMIT)]
    return "in the dead letter queue, with its id" if there == [sent] else f"{there}"


@probe("a message sent with DelaySeconds")
@documented("received after the delay", GUIDE + "sqs-message-timers.html")
def delayed_message(aws: AwsSetup) -> str:
    queue, begun = aws.queue(), time.monotonic()
    send(aws, queue, "one", DelaySeconds=2)
    assert aws.receive(queue, LIMIT)
    return "received after the delay" if time.monotonic() - begun > 1.8 else "received too early"


@probe("a FIFO message with a deduplication id of the last five minutes")
@documented("accepted, not delivered", GUIDE + "using-messagededuplicationid-property.html")
def duplicate_message(aws: AwsSetup) -> str:
    queue = aws.fifo()
    for body in ("first", "second"):
        send(aws, queue, body, MessageGroupId="group", MessageDeduplicationId="same")
    bodies = list(aws.arriving(queue, 1))
    return "accepted, not delivered" if bodies == ["first"] else f"{bodies}"


@probe("a FIFO group with a message in flight")
@documented("waits; other groups do not", GUIDE + "using-messagegroupid-property.html")
def group_in_flight(aws: AwsSetup) -> str:
    queue = aws.fifo()
    for body in ("a0", "a1", "b2"):
        send(aws, queue, body, MessageGroupId=body[0], MessageDeduplicationId=body[1])
    first = aws.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=1)["Messages"]
    then = [message["Body"] for message in aws.receive(queue)]
    assert [message["Body"] for message in first] == ["a0"]
    return "waits; other groups do not" if then == ["b2"] else f"{then}"


@probe("StartMessageMoveTask from a dead letter queue")
@documented("the messages are moved back", API + "API_StartMessageMoveTask.html")
@differs("InvalidAction", covered="the project does not call it")
def message_move_task(aws: AwsSetup) -> str:
    dead = aws.queue()
    queue = aws.queue(VisibilityTimeout="0", RedrivePolicy=aws.redriven(1, dead))
    send(aws, queue, "one")
    aws.receive(queue)
    aws.receive(queue)
    source = aws.arn(dead)
    refused = answer(lambda: aws.sqs.start_message_move_task(SourceArn=source))
    if refused != "accepted":
        return refused.rpartition(".")[2]
    try:
        until(lambda: aws.receive(queue), 4)
    except NotSeen:
        return "accepted, and nothing moves"
    return "the messages are moved back"


@probe("a message of more than 1 MiB")
@documented("InvalidParameterValue", GUIDE + "quotas-messages.html")
def message_too_large(aws: AwsSetup) -> str:
    queue = aws.queue()
    return answer(lambda: send(aws, queue, "x" * (1024 * 1024 + 1))).rpartition(".")[2]


@probe("DelaySeconds of one message, in a FIFO queue")
@documented("InvalidParameterValue", API + "API_SendMessage.html")
def delay_in_fifo_queue(aws: AwsSetup) -> str:
    """Delayed deliveries therefore go through the standard event queue."""
    queue = aws.fifo()
    place = {"MessageGroupId": "group", "MessageDeduplicationId": "one"}
    return answer(lambda: send(aws, queue, "one", DelaySeconds=1, **place)).rpartition(".")[2]


@probe("a deduplication id used by another group, with DeduplicationScope messageGroup")
@documented("is delivered to both", GUIDE + "high-throughput-fifo.html")
def deduplication_id_of_another_group(aws: AwsSetup) -> str:
    scope = {"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
    queue = aws.fifo(**scope)
    for group in ("a", "b"):
        send(aws, queue, group, MessageGroupId=group, MessageDeduplicationId="same")
    bodies = sorted(aws.arriving(queue, 1.5))
    return "is delivered to both" if bodies == ["a", "b"] else f"is delivered to {bodies}"


@probe("SendMessageBatch with one invalid entry")
@documented("200, with that entry in Failed", API + "API_SendMessageBatch.html")
def partial_batch(aws: AwsSetup) -> str:
    entries = [{"Id": "good", "MessageBody": "one"}, {"Id": "bad", "MessageBody": "\x00"}]
    reply = aws.sqs.send_message_batch(QueueUrl=aws.queue(), Entries=entries)
    failed = [entry["Id"] for entry in reply.get("Failed", [])]
    return "200, with that entry in Failed" if failed == ["bad"] else f"200, Failed: {failed}"


@probe("a FIFO queue with a standard dead letter queue")
@documented("InvalidParameterValue", GUIDE + "sqs-dead-letter-queues.html")
@differs("accepted", covered="probes/test_covers.py compares the two in the template")
def mixed_redrive(aws: AwsSetup) -> str:
    policy = aws.redriven(2, aws.queue())
    return answer(lambda: aws.fifo(RedrivePolicy=policy)).rpartition(".")[2]
