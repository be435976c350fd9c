"""Run an adapter's parser on a reply: it returns a value or raises `UpstreamError`, nothing else.

Between the lease and the job's next state, another exception would lose the meaning of the reply.
"""

from collections.abc import Callable
from typing import TypeVar

from aws_lambda_powertools import Logger

from rushes.errors import UpstreamError, UpstreamProtocolError
from rushes.jobs.job import Job
from rushes.ports.http import HttpReply
from rushes.providers import replies
from rushes.workflow.log_events import REPLY_NOT_PARSED

Parsed = TypeVar("Parsed")

logger = Logger(service="rushes", child=True)


def parse_create_reply(job: Job, reply: HttpReply, parse: Callable[[HttpReply], Parsed]) -> Parsed:
    """Parse the reply to a create call.

    If the parser fails, the status alone decides: 4xx proves that nothing was created.
    """
    return _parse(job, reply, parse, replies.raise_for_create_status)


def parse_reply(job: Job, reply: HttpReply, parse: Callable[[HttpReply], Parsed]) -> Parsed:
    """Parse the reply to a request that is safe to repeat."""
    return _parse(job, reply, parse, replies.raise_for_status)


def _parse(
    job: Job,
    reply: HttpReply,
    parse: Callable[[HttpReply], Parsed],
    raise_for_status: Callable[[HttpReply], None],
) -> Parsed:
    try:
        return parse(reply)
    except UpstreamError:
        raise
    except Exception as error:
        logger.exception(
            REPLY_NOT_PARSED, job_id=job.id, provider=job.provider, http_status=reply.status
        )
        raise_for_status(HttpReply(reply.status, {}, b""))
        raise UpstreamProtocolError(
            f"the provider's response ({reply.status}) cannot be parsed ({type(error).__name__})"
        ) from error
