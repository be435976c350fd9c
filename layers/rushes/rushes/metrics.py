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
    CONFIG_NOT_READABLE = "ConfigNotReadable"
    CORRUPT_RECORD = "CorruptRecord"
    OUTCOME_UNKNOWN = "OutcomeUnknown"
    PROVIDER_KEY_REJECTED = "ProviderKeyRejected"


def count(metric: Metric) -> None:
    metrics = EphemeralMetrics(namespace=NAMESPACE)
    metrics.add_metric(name=metric, unit=MetricUnit.Count, value=1)
    metrics.flush_metrics()
