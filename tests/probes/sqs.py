"""SQS: what is delivered when, and how often."""

import time

from tests.probes.aws_setup import Ground, Never, until
from tests.probes.probe import answer, probes_of

probe = probes_of("SQS")

API = "AWSSimpleQueueService/latest/APIReference/"
GUIDE = "AWSSimpleQueueService/latest/SQSDeveloperGuide/"
FIFO = {"FifoQueue": "true"}


def send(aws: Ground, queue: str, body: str, **more: object) -> None:
    aws.sqs.send_message(QueueUrl=queue, MessageBody=body, **more)


@probe(
    "a message that was received and not deleted",
    aws="hidden, then there again with a count of 2",
    source=GUIDE + "sqs-visibility-timeout.html",
)
def a_visibility(aws: Ground) -> str:
    queue = aws.queue(VisibilityTimeout="1")
    send(aws, queue, "one")
    assert aws.receive(queue)
    hidden = "there" if aws.receive(queue) else "hidden"
    (again,) = aws.receive(queue, 4)
    count = again["Attributes"]["ApproximateReceiveCount"]
    return f"{hidden}, then there again with a count of {count}"


@probe(
    "a message whose visibility is changed to 0",
    aws="there at once",
    source=API + "API_ChangeMessageVisibility.html",
)
def a_message_given_back(aws: Ground) -> str:
    queue = aws.queue(VisibilityTimeout="60")
    send(aws, queue, "one")
    (message,) = aws.receive(queue)
    aws.sqs.change_message_visibility(
        QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
    )
    return "there at once" if aws.receive(queue, 1) else "hidden"


@probe(
    "a message that was received as often as the redrive policy says",
    aws="in the dead letter queue, with its id",
    source=GUIDE + "sqs-dead-letter-queues.html",
)
def a_dead_letter(aws: Ground) -> str:
    dead = aws.queue()
    queue = aws.queue(VisibilityTimeout="0", RedrivePolicy=aws.redriven(2, dead))
    sent = aws.sqs.send_message(QueueUrl=queue, MessageBody="one")["MessageId"]
    for _ in range(4):
        aws.receive(queue)
    there = [message["MessageId"] for message in aws.receive(dead, 3)]
    return "in the dead letter queue, with its id" if there == [sent] else f"{there}"


@probe(
    "a message that was sent with DelaySeconds",
    aws="comes after them",
    source=GUIDE + "sqs-message-timers.html",
)
def a_delay(aws: Ground) -> str:
    queue, begun = aws.queue(), time.monotonic()
    send(aws, queue, "one", DelaySeconds=2)
    assert aws.receive(queue, 6)
    return "comes after them" if time.monotonic() - begun > 1.8 else "comes too early"


@probe(
    "a FIFO message with a deduplication id that was there within five minutes",
    aws="is taken and not delivered",
    source=GUIDE + "using-messagededuplicationid-property.html",
)
def a_repeated_message(aws: Ground) -> str:
    queue = aws.queue(aws.name() + ".fifo", **FIFO)
    for word in ("first", "second"):
        send(aws, queue, word, MessageGroupId="group", MessageDeduplicationId="same")
    bodies = list(aws.arriving(queue, 1))
    return "is taken and not delivered" if bodies == ["first"] else f"{bodies}"


@probe(
    "a FIFO group of which a message is being worked on",
    aws="waits; other groups do not",
    source=GUIDE + "using-messagegroupid-property.html",
)
def a_group(aws: Ground) -> str:
    queue = aws.queue(aws.name() + ".fifo", **FIFO)
    for number, group in enumerate(("a", "a", "b")):
        send(
            aws, queue, f"{group}{number}", MessageGroupId=group, MessageDeduplicationId=f"{number}"
        )
    first = aws.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=1)["Messages"]
    then = [message["Body"] for message in aws.receive(queue)]
    assert [message["Body"] for message in first] == ["a0"]
    return "waits; other groups do not" if then == ["b2"] else f"{then}"


@probe(
    "StartMessageMoveTask from a dead letter queue",
    aws="the messages are back",
    engine="InvalidAction",
    source=API + "API_StartMessageMoveTask.html",
    covered="none of our code asks for it",
)
def a_move(aws: Ground) -> str:
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
    except Never:
        return "accepted, and nothing moves"
    return "the messages are back"


@probe(
    "a message of more than 1 MiB",
    aws="InvalidParameterValue",
    source=GUIDE + "quotas-messages.html",
)
def a_message_too_large(aws: Ground) -> str:
    queue = aws.queue()
    return answer(lambda: send(aws, queue, "x" * (1024 * 1024 + 1))).rpartition(".")[2]


@probe(
    "DelaySeconds of one message, in a FIFO queue",
    aws="InvalidParameterValue",
    source=API + "API_SendMessage.html",
)
def a_delay_in_a_group(aws: Ground) -> str:
    """What is to wait goes round by the queue of events, which is none."""
    queue = aws.queue(aws.name() + ".fifo", **FIFO)
    place = {"MessageGroupId": "group", "MessageDeduplicationId": "one"}
    return answer(lambda: send(aws, queue, "one", DelaySeconds=1, **place)).rpartition(".")[2]


@probe(
    "a deduplication id that another group has used, with DeduplicationScope messageGroup",
    aws="is delivered to both",
    source=GUIDE + "high-throughput-fifo.html",
)
def an_id_of_another_group(aws: Ground) -> str:
    scope = {"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
    queue = aws.queue(aws.name() + ".fifo", **FIFO, **scope)
    for group in ("a", "b"):
        send(aws, queue, group, MessageGroupId=group, MessageDeduplicationId="same")
    bodies = sorted(aws.arriving(queue, 1.5))
    return "is delivered to both" if bodies == ["a", "b"] else f"is delivered to {bodies}"


@probe(
    "SendMessageBatch with one entry that cannot be taken",
    aws="200, and that one in Failed",
    source=API + "API_SendMessageBatch.html",
)
def a_batch_that_is_taken_in_part(aws: Ground) -> str:
    entries = [{"Id": "good", "MessageBody": "one"}, {"Id": "bad", "MessageBody": "\x00"}]
    reply = aws.sqs.send_message_batch(QueueUrl=aws.queue(), Entries=entries)
    failed = [it["Id"] for it in reply.get("Failed", [])]
    return "200, and that one in Failed" if failed == ["bad"] else f"200, Failed: {failed}"


@probe(
    "a FIFO queue whose dead letter queue is none",
    aws="InvalidParameterValue",
    engine="accepted",
    covered="probes/test_covers.py compares the two in the template",
    source=GUIDE + "sqs-dead-letter-queues.html",
)
def a_mixed_redrive(aws: Ground) -> str:
    policy = aws.redriven(2, aws.queue())
    return answer(lambda: aws.queue(aws.name() + ".fifo", **FIFO, RedrivePolicy=policy)).rpartition(
        "."
    )[2]
