"""Actions that the role of each function must have, and some that it must not have.

They are a sample: one of each kind of work. The template has the complete policies.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from rushes.aws.dynamodb.items import BY_OWNER_LIST, DUE

TABLE = "table"
OWNER_INDEX, DUE_INDEX = f"{TABLE}/index/{BY_OWNER_LIST}", f"{TABLE}/index/{DUE}"
BUS, MACHINE, EVENT_QUEUE, DELIVERY_QUEUE = "bus", "machine", "EventQueue", "DeliveryQueue"
SECRET = "provider secret"  # noqa: S105 - the name of a resource
INPUTS, OUTPUTS, CONFIG = "inputs/doctor", "outputs/doctor", "config/doctor"
ANY = "*"


@dataclass(frozen=True)
class Use:
    """`key`: partition key of the item, for actions whose condition names families of items."""

    action: str
    resource: str
    key: str = ""


def _job(*operations: str) -> tuple[Use, ...]:
    return tuple(Use(f"dynamodb:{operation}", TABLE, "JOB#doctor") for operation in operations)


READ_KEY = Use("secretsmanager:GetSecretValue", SECRET)
READ_CONFIG = Use("s3:GetObject", CONFIG)
PUBLISH = Use("events:PutEvents", BUS)
QUEUE_DELIVERY = Use("sqs:SendMessage", DELIVERY_QUEUE)
START = Use("states:StartExecution", MACHINE)

NEEDED: Mapping[str, tuple[Use, ...]] = {
    "ApiFunction": (
        *_job("GetItem", "PutItem"),
        Use("dynamodb:GetItem", TABLE, "KEY#doctor"),
        Use("dynamodb:Query", OWNER_INDEX),
        START,
        READ_CONFIG,
        QUEUE_DELIVERY,
        Use("s3:PutObject", INPUTS),
        Use("s3:GetObject", INPUTS),
        Use("s3:GetObject", OUTPUTS),
    ),
    "SubmitFunction": (
        *_job("GetItem", "PutItem"),
        READ_KEY,
        READ_CONFIG,
        PUBLISH,
        Use("s3:GetObject", INPUTS),
    ),
    "PollFunction": (*_job("GetItem", "PutItem"), READ_KEY, READ_CONFIG, PUBLISH),
    "CollectFunction": (
        *_job("GetItem", "PutItem"),
        READ_KEY,
        READ_CONFIG,
        Use("s3:PutObject", OUTPUTS),
        Use("s3:PutObjectTagging", OUTPUTS),
    ),
    "FinishFunction": (*_job("GetItem", "PutItem"), PUBLISH, Use("s3:DeleteObject", INPUTS)),
    "SweepFunction": (
        *_job("GetItem", "PutItem"),
        Use("dynamodb:Query", DUE_INDEX),
        START,
        PUBLISH,
        QUEUE_DELIVERY,
    ),
    "NotifyFunction": (
        Use("dynamodb:Query", TABLE, "ENDPOINTS#doctor"),
        Use("dynamodb:PutItem", TABLE, "DELIVERY#doctor"),
        Use("sqs:ReceiveMessage", EVENT_QUEUE),
        Use("sqs:DeleteMessage", EVENT_QUEUE),
        QUEUE_DELIVERY,
    ),
    "DeliverFunction": (
        Use("dynamodb:GetItem", TABLE, "DELIVERY#doctor"),
        Use("dynamodb:PutItem", TABLE, "DELIVERY#doctor"),
        Use("sqs:ReceiveMessage", DELIVERY_QUEUE),
        Use("sqs:DeleteMessage", DELIVERY_QUEUE),
        Use("sqs:SendMessage", EVENT_QUEUE),
        Use("s3:GetObject", OUTPUTS),
    ),
}

FOR_NO_FUNCTION = (
    Use("iam:PassRole", ANY),
    Use("dynamodb:DeleteTable", TABLE),
    Use("dynamodb:Scan", TABLE),
    Use("s3:DeleteBucket", "bucket"),
    Use("s3:PutObject", CONFIG),
    Use("secretsmanager:PutSecretValue", SECRET),
    Use("lambda:UpdateFunctionCode", ANY),
)
PARSES_REPLIES = (
    Use("dynamodb:GetItem", TABLE, "KEY#doctor"),
    Use("dynamodb:GetItem", TABLE, "REQUESTS#doctor"),
)
"""For functions that parse replies of providers: API keys and webhook secrets."""

FORBIDDEN: Mapping[str, tuple[Use, ...]] = {
    **dict.fromkeys(
        ("SubmitFunction", "PollFunction", "CollectFunction"), (*FOR_NO_FUNCTION, *PARSES_REPLIES)
    ),
    **dict.fromkeys(
        ("ApiFunction", "FinishFunction", "SweepFunction", "NotifyFunction", "DeliverFunction"),
        (*FOR_NO_FUNCTION, READ_KEY),
    ),
}
