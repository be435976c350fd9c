"""Run the checks: an error of a check is a `cannot tell`."""

from collections.abc import Iterable, Iterator

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from cli.doctor import (
    alarm_checks,
    api_checks,
    cost_checks,
    function_checks,
    permission_checks,
    provider_checks,
    queue_checks,
    quota_checks,
    stack_checks,
    storage_checks,
    work_checks,
)
from cli.doctor.answer import Answer, Check, unknown
from cli.doctor.deployment import Deployment
from rushes.errors import RushesError

CHECKS: tuple[Check, ...] = (
    *stack_checks.CHECKS,
    *function_checks.CHECKS,
    *permission_checks.CHECKS,
    *storage_checks.CHECKS,
    *queue_checks.CHECKS,
    *work_checks.CHECKS,
    *api_checks.CHECKS,
    *provider_checks.CHECKS,
    *alarm_checks.CHECKS,
    *quota_checks.CHECKS,
    *cost_checks.CHECKS,
)
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})


def run(checks: Iterable[Check], deployment: Deployment) -> Iterator[tuple[Check, Answer]]:
    for check in checks:
        yield check, _answer(check, deployment)


def _answer(check: Check, deployment: Deployment) -> Answer:
    if check.not_local and deployment.target.is_local:
        return unknown(check.not_local)
    try:
        return check.run(deployment)
    except ClientError as error:
        return _refused(error)
    except (BotoCoreError, httpx.HTTPError, RushesError) as error:
        return unknown(f"{type(error).__name__}: {error}")
    except LookupError as error:
        return unknown(f"the stack or a reply lacks {error}", "deploy the current release")


def _refused(error: ClientError) -> Answer:
    code, operation = error.response["Error"]["Code"], error.operation_name
    fix = f"allow the operator {operation}" if code in DENIED else ""
    return unknown(f"{operation} answered {code}", fix)
