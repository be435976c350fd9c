"""CloudWatch metrics of a deployment: names, units and dimensions, for code, alarms and dashboard.

Powertools prints each value at once as a line in the Embedded Metric Format, and CloudWatch Logs
extracts it: an error later in the same invocation loses no value, and the role needs no permission.
`POWERTOOLS_SERVICE_NAME` (the stack's name) is a dimension of every metric. The ids of a job are
members of its lines but no dimensions: each value of a dimension is a metric that costs.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

NAMESPACE = "Rushes"
DIMENSION = "service"
CORRUPT_RECORD = "corrupt_record"
"""Log event that names the item counted by `Metric.CORRUPT_RECORD`."""

Fields = Mapping[str, str | None]
NO_FIELDS: Fields = MappingProxyType({})


class Metric(StrEnum):
    """Metrics of alarms, with the stack as their only dimension."""

    BUDGET_ALMOST_SPENT = "BudgetAlmostSpent"
    BUDGET_SPENT = "BudgetSpent"
    CONFIG_NOT_READABLE = "ConfigNotReadable"
    CORRUPT_RECORD = "CorruptRecord"
    DEAD_LETTER = "DeadLetter"
    JOB_PAUSED = "JobPaused"
    NEWER_RECORD = "NewerRecord"
    OUTCOME_UNKNOWN = "OutcomeUnknown"
    PROVIDER_ACCOUNT_REFUSED = "ProviderAccountRefused"
    PROVIDER_DOWN = "ProviderDown"
    PROVIDER_KEY_REJECTED = "ProviderKeyRejected"
    PROVIDER_MODEL_UNAVAILABLE = "ProviderModelUnavailable"


class ProviderMetric(StrEnum):
    """Metrics with the dimensions `provider` and `code`, for dashboards."""

    CALL_FAILED = "ProviderCallFailed"
    DEAD_LETTER_ARCHIVED = "DeadLetterArchived"
    FAILED_OVER = "JobFailedOver"


class Measure(StrEnum):
    """Measured values, for the dashboard and some alarms; `DIMENSIONS` has those of each."""

    API_REQUESTS = "ApiRequests"
    """By the API, such as openai, and the class of the status, such as 4xx."""
    JOBS_FINISHED = "JobsFinished"
    """By outcome: completed, cancelled, refused (the request, not the service) or failed."""
    JOBS_REPAIRED = "JobsRepaired"
    """Of one run of the sweeper."""
    POLL_DELAY = "PollDelay"
    """Seconds between the poll that saw a result and the step before it: how late it may be."""
    QUEUE_AGE = "QueueAge"
    """Seconds since the job was accepted, at each try to send its create call."""
    RETRIES = "Retries"
    """Create calls, polls and downloads that are repeated after an error."""
    SPEND = "Spend"
    """US dollars of a job at its end, if its provider may bill it."""
    TIME_TO_FIRST_OUTPUT = "TimeToFirstOutput"
    """Seconds until a job is completed: its client has no output before."""
    WEBHOOK_ATTEMPTS = "WebhookAttempts"
    """By the status of the delivery after the attempt: delivered, pending, failed, cancelled."""


UNITS: Mapping[Measure, MetricUnit] = {
    Measure.POLL_DELAY: MetricUnit.Seconds,
    Measure.QUEUE_AGE: MetricUnit.Seconds,
    Measure.SPEND: MetricUnit.NoUnit,
    Measure.TIME_TO_FIRST_OUTPUT: MetricUnit.Seconds,
}
"""The others are counts."""
DIMENSIONS: Mapping[Measure, tuple[tuple[str, ...], ...]] = {
    Measure.API_REQUESTS: (("api", "status"),),
    Measure.JOBS_FINISHED: (("outcome",), ("provider", "outcome")),
    Measure.JOBS_REPAIRED: ((),),
    Measure.POLL_DELAY: ((),),
    Measure.QUEUE_AGE: ((), ("provider",)),
    Measure.RETRIES: (("provider",),),
    Measure.SPEND: ((), ("provider",)),
    Measure.TIME_TO_FIRST_OUTPUT: ((), ("provider",)),
    Measure.WEBHOOK_ATTEMPTS: (("status",),),
}
"""Sets of dimensions besides the stack. Each set, and each of its values, is a metric."""


def count(metric: Metric, fields: Fields = NO_FIELDS) -> None:
    """Count an event of an alarm; `fields` are members of the line, such as the job's ids."""
    metrics = _with_fields(fields)
    metrics.add_metric(name=metric, unit=MetricUnit.Count, value=1)
    metrics.flush_metrics()


def count_by_provider(
    metric: ProviderMetric, provider: str, code: str, fields: Fields = NO_FIELDS
) -> None:
    """Count an error code of a provider; both are bounded, as each pair is a metric of its own."""
    metrics = _with_fields(fields)
    metrics.add_dimension(name="provider", value=provider)
    metrics.add_dimension(name="code", value=code)
    metrics.add_metric(name=metric, unit=MetricUnit.Count, value=1)
    metrics.flush_metrics()


def record(
    measure: Measure,
    value: float,
    dimensions: Fields = NO_FIELDS,
    fields: Fields = NO_FIELDS,
) -> None:
    """Record a value under each set of `DIMENSIONS`; `dimensions` are the values of all names."""
    metrics = _with_fields(fields)
    first, *others = DIMENSIONS[measure]
    for name in first:
        metrics.add_dimension(name=name, value=str(dimensions[name]))
    for names in others:
        values = {name: str(dimensions[name]) for name in names}
        metrics.add_dimensions(**{DIMENSION: str(metrics.service), **values})
    metrics.add_metric(name=measure, unit=UNITS.get(measure, MetricUnit.Count), value=value)
    metrics.flush_metrics()


def _with_fields(fields: Fields) -> EphemeralMetrics:
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    for name, value in fields.items():
        if value is not None:
            metrics.add_metadata(name, value)
    return metrics
