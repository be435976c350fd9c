"""A typical handler for comparison: Powertools with validation, boto3 resources and httpx.

It loads everything before the first call, and uses the models of this project.
"""

import os

import boto3
import httpx
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from rushes.jobs.job import Job
from rushes.jobs.request import GenerationRequest

logger = Logger(service="typical")
tracer = Tracer(service="typical")
metrics = Metrics(namespace="typical", service="typical")
app = APIGatewayHttpResolver(enable_validation=True)
table = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])
states = boto3.client("stepfunctions")
s3 = boto3.client("s3")
http = httpx.Client(timeout=10)


@app.post("/v1/videos")
def create(request: GenerationRequest) -> Job:
    metrics.add_metric(name="created", unit=MetricUnit.Count, value=1)
    return Job(
        id="job_1",
        account="demo",
        dialect="typical",
        provider="one",
        upstream_model="model",
        request=request,
        created_at=0,
        updated_at=0,
        deadline_at=0,
    )


@app.get("/v1/videos/<job_id>")
def get(job_id: str) -> Job:
    return Job.model_validate_json(str(table.get_item(Key={"pk": job_id})["Item"]["document"]))


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, object], context: LambdaContext) -> dict[str, object]:
    return app.resolve(event, context)
