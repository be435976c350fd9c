"""Adapter for asynchronous invocations of Amazon Bedrock, which write to the deployment's bucket.

The create call carries an idempotency token, and the function's role signs all requests.
"""

from typing import Any
from urllib.parse import quote

from rushes.catalog.model_entry import ModelEntry
from rushes.errors import UpstreamRefused, UpstreamThrottled
from rushes.jobs.job import Job
from rushes.jobs.job_state import folder_of
from rushes.jobs.result import Output
from rushes.ports.http import BucketFolder, HttpCall, HttpReply, JsonFile
from rushes.providers import replies
from rushes.providers.arguments import model_arguments
from rushes.providers.base import PollResult, Profile, Submitted, Succeeded
from rushes.providers.polls import parse_poll, stopped
from rushes.providers.roles import check_roles
from rushes.providers.states import State

OUTPUT_FILE = "output.mp4"
QUOTA_EXCEEDED = "ServiceQuotaExceededException"
"""HTTP status 400; too many invocations are running, so that a later call may succeed."""
ACCESS_DENIED = "AccessDeniedException"


class _Created(replies.Reply):
    invocationArn: str  # noqa: N815 - the API's name


class _S3Output(replies.Reply):
    s3Uri: str  # noqa: N815


class _OutputConfig(replies.Reply):
    s3OutputDataConfig: _S3Output  # noqa: N815


class _Invocation(replies.Reply):
    status: str
    invocationArn: str | None = None  # noqa: N815
    failureMessage: str | None = None  # noqa: N815
    outputDataConfig: _OutputConfig | None = None  # noqa: N815


class Bedrock:
    profile = Profile(min_poll_seconds=5.0, has_queue=False)

    def submit_request(self, job: Job, model: ModelEntry | None = None) -> HttpCall:
        body = {
            "clientRequestToken": job.create_key,
            "modelId": job.upstream_model,
            "modelInput": _model_input(job, model),
            "outputDataConfig": {
                "s3OutputDataConfig": {"s3Uri": BucketFolder(folder_of(job, "provider"))}
            },
        }
        return HttpCall("POST", "/async-invoke", json=body)

    def parse_submit(self, reply: HttpReply) -> Submitted:
        _raise_for_exception(reply)
        return Submitted({"arn": replies.parse_created(reply, _Created).invocationArn})

    def poll_request(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("GET", f"/async-invoke/{quote(operation['arn'], safe='')}")

    def parse_poll(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:
        def result_of(invocation: _Invocation, state: State) -> PollResult:
            if state is State.SUCCEEDED:
                return _completed(operation, invocation)
            return stopped(state, replies.failure(invocation.status, invocation.failureMessage))

        return parse_poll(
            reply,
            lambda reply: replies.read(reply, _Invocation),
            lambda invocation: invocation.status,
            result_of,
            raise_for_error=_raise_for_error,
        )


def _completed(operation: dict[str, Any], state: _Invocation) -> PollResult:
    """Return the object below the folder that the reply names, with or without the invocation."""
    if state.outputDataConfig is None:
        return Succeeded()
    folder = state.outputDataConfig.s3OutputDataConfig.s3Uri.rstrip("/")
    invocation = operation["arn"].rpartition("/")[2]
    if folder.rpartition("/")[2] != invocation:
        folder = f"{folder}/{invocation}"
    return Succeeded((Output(url=f"{folder}/{OUTPUT_FILE}", content_type="video/mp4"),))


def _model_input(job: Job, model: ModelEntry | None) -> dict[str, Any]:
    if model and model.arguments:
        arguments: dict[str, Any] = _with_image_objects(model_arguments(job, model))
        return arguments
    check_roles(job.request, "Bedrock")
    return {"prompt": job.request.prompt, **job.request.provider_options}


def _with_image_objects(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Replace each file by the object in which Bedrock's models take an image."""
    if isinstance(value, JsonFile):
        source = {"type": "base64", "media_type": value.file.content_type, "data": value}
        return {"type": "image", "source": source}
    if isinstance(value, dict):
        return {name: _with_image_objects(member) for name, member in value.items()}
    return value


def _raise_for_error(reply: HttpReply) -> None:
    _raise_for_exception(reply)
    replies.raise_for_status(reply)


def _raise_for_exception(reply: HttpReply) -> None:
    """Raise for an error by its name, where the HTTP status alone would be misread."""
    if reply.status < 300:
        return
    name = reply.headers.get("x-amzn-errortype", "").partition(":")[0].rpartition("#")[2]
    message, _ = replies.error_message_and_code(reply)
    if name == QUOTA_EXCEEDED:
        raise UpstreamThrottled(
            f"Bedrock's quota is exceeded: {message}", wait_seconds=replies.retry_after(reply)
        )
    if name == ACCESS_DENIED:
        raise UpstreamRefused(
            f"Bedrock denies access to the function's role: {message}",
            code="upstream_unauthorized",
            upstream_code=name,
        )
