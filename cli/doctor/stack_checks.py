"""Checks of the CloudFormation stack and its parameters."""

from email.utils import parsedate_to_datetime

from cli.doctor.answer import Answer, Check, all_hold, failed, passed, unknown
from cli.doctor.deployment import Deployment

GOOD = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
MAX_SKEW = 60.0
"""Seconds; AWS rejects signatures from 300 seconds on."""
LOCAL_ONLY = "the local stack is in local mode"


def status(deployment: Deployment) -> Answer:
    found = deployment.stack["StackStatus"]
    if found in GOOD:
        return passed(found)
    if found.endswith("_IN_PROGRESS"):
        return unknown(f"{found}: a deployment is in progress", "run doctor again when it ends")
    return failed(found, "see the events of the stack in the CloudFormation console")


def local_mode(deployment: Deployment) -> Answer:
    """A function in local mode may call any address over http."""
    values = {
        name: found["Environment"]["Variables"].get("LOCAL_MODE")
        for name, found in deployment.functions.items()
    }
    problems = [f"{name}: LOCAL_MODE={value}" for name, value in values.items() if value != "false"]
    good = "the functions call public https URLs only"
    return all_hold(problems, good, "deploy the stack again: a function was changed by hand")


def environment(deployment: Deployment) -> Answer:
    """Compare what the commands use with what the functions use."""
    expected = {"TABLE_NAME": deployment.target.table, "BUCKET_NAME": deployment.target.bucket}
    wrong = [
        f"{name}: {variable}={found}"
        for name, configuration in deployment.functions.items()
        for variable, value in expected.items()
        if (found := configuration["Environment"]["Variables"].get(variable)) != value
    ]
    if wrong:
        return failed("; ".join(wrong), "deploy the stack again: a function was changed by hand")
    return passed("all functions use the table and the bucket of the stack's outputs")


def clock(deployment: Deployment) -> Answer:
    """Compare this machine's clock with the API's."""
    sent = deployment.http.get("/openapi.json").headers.get("date")
    if sent is None:
        return unknown("the API's response has no Date header")
    skew = abs(deployment.now() - parsedate_to_datetime(sent).timestamp())
    if skew > MAX_SKEW:
        return failed(
            f"this machine's clock and the API's differ by {skew:.0f} s",
            "synchronize the clock: AWS rejects requests that are signed 5 minutes off",
        )
    return passed(f"this machine's clock and the API's differ by less than {MAX_SKEW:.0f} s")


CHECKS = (
    Check("stack.status", status),
    Check("stack.local_mode", local_mode, not_local=LOCAL_ONLY),
    Check("stack.environment", environment),
    Check("stack.clock", clock),
)
