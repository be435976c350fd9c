"""CloudWatch metrics of a deployment: their names, namespace and dimension, for code and alarms.

Powertools prints each count at once as a line in the Embedded Metric Format, and CloudWatch Logs
extracts it: an error later in the same invocation loses no count, and the role needs no permission.
`POWERTOOLS_SERVICE_NAME` (the stack's name) is the value of the only dimension.
"""

from enum import StrEnum

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

NAMESPACE = "Rushes"
DIMENSION = "service"
CORRUPT_RECORD = "corrupt_record"
"""Log event that names the item counted by `Metric.CORRUPT_RECORD`."""


class Metric(StrEnum):
    """Metrics of alarms."""

    CONFIG_NOT_READABLE = "ConfigNotReadable"
    CORRUPT_RECORD = "CorruptRecord"
    DEAD_LETTER = "DeadLetter"
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


def count(metric: Metric) -> None:
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.add_metric(name=metric, unit=MetricUnit.Count, value=1)
    metrics.flush_metrics()


def count_by_provider(metric: ProviderMetric, provider: str, code: str) -> None:
    """Count an error code of a provider; both are bounded, as each pair is a metric of its own."""
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.add_dimension(name="provider", value=provider)
    metrics.add_dimension(name="code", value=code)
    metrics.add_metric(name=metric, unit=MetricUnit.Count, value=1)
    metrics.flush_metrics()
