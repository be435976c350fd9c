"""A job with a given request, and replies of a provider, for tests of adapters."""

import json
from typing import Any

from rushes.jobs.job import Job
from rushes.jobs.request import GenerationRequest, Input, Role, StoredFile
from rushes.ports.http import HttpReply


def job(upstream_model: str = "m/1", **request: Any) -> Job:
    return Job(
        id="job_1",
        account="demo",
        dialect="openai",
        provider="one",
        upstream_model=upstream_model,
        request=GenerationRequest.model_validate({"model": "one/model", **request}),
        created_at=0,
        updated_at=0,
        deadline_at=3600,
    )


def with_role(role: Role, key: str = "k", content_type: str = "image/png") -> Input:
    return Input(role=role, file=StoredFile(key=key, content_type=content_type, size=1))


def json_reply(body: object, status: int = 200, **headers: str) -> HttpReply:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpReply(status, names, json.dumps(body).encode())
