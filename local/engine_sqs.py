"""Corrections of SQS: message groups and permissions of batches."""
# ruff: noqa: ANN001, ANN202, SLF001 - patches replace private functions of untyped code

from ministack.core import iam_actions
from ministack.services import lambda_svc


def enable() -> None:
    process_groups_independently()
    check_batches_as_single_calls()


def process_groups_independently() -> None:
    """Process the message groups of a FIFO queue independently, as AWS does.

    ministack processes one batch of a FIFO queue at a time. With a batch size of one, concurrency
    is safe: the queue returns no second message of a group while the first is in flight.
    """
    allowed = lambda_svc._sqs_esm_concurrency

    def allowed_by_group(mapping: dict, function: dict, config: dict, queue: dict | None = None):
        one_by_one = mapping.get("BatchSize") == 1
        # A number that is a template's parameter arrives as a string.
        limits = {name: int(value) for name, value in (mapping.get("ScalingConfig") or {}).items()}
        return allowed(
            {**mapping, "ScalingConfig": limits}, function, config, None if one_by_one else queue
        )

    lambda_svc._sqs_esm_concurrency = allowed_by_group


def check_batches_as_single_calls() -> None:
    """Check sqs:SendMessage for batches; ministack checks sqs:SendMessageBatch, unknown to AWS."""
    extract = iam_actions.extract_iam_action

    def extract_iam_action(service, method, path, headers, body, query_params) -> str | None:
        action = extract(service, method, path, headers, body, query_params)
        return action.removesuffix("Batch") if action and action.startswith("sqs:") else action

    iam_actions.extract_iam_action = extract_iam_action
