"""A job as it was accepted."""

from rushes.jobs.job import Job
from rushes.jobs.request import GenerationRequest


def plain_job(**fields: object) -> Job:
    plain: dict[str, object] = {
        "id": "job_1",
        "account": "demo",
        "dialect": "openai",
        "provider": "sandbox",
        "upstream_model": "one",
        "request": GenerationRequest(model="sandbox/one", prompt="a red ball"),
        "created_at": 100.0,
        "updated_at": 100.0,
        "deadline_at": 3700.0,
    }
    return Job.model_validate(plain | fields)
