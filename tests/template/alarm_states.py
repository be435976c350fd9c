"""Metrics that alarms read, and the state of an alarm by one value of each, as in CloudWatch."""

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Alarm = Mapping[str, Any]
COMPARISONS = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
}


@dataclass(frozen=True)
class Reading:
    """A metric of an alarm; `key` is its id in an expression."""

    key: str
    namespace: str
    metric: str
    statistic: str
    dimensions: tuple[tuple[str, Any], ...]

    def dimension(self, name: str) -> Any:
        return dict(self.dimensions).get(name)


Values = Callable[[Reading], float | None]
"""A value of the metric in each period, None for no data."""


def readings(alarm: Alarm) -> list[Reading]:
    return list(_readings(alarm))


def _readings(alarm: Alarm) -> Iterator[Reading]:
    if "MetricName" in alarm:
        statistic = alarm.get("Statistic") or alarm["ExtendedStatistic"]
        yield _reading("value", alarm, statistic)
    for entry in alarm.get("Metrics", []):
        if stat := entry.get("MetricStat"):
            yield _reading(entry["Id"], stat["Metric"], stat["Stat"])


def _reading(key: str, metric: Alarm, statistic: str) -> Reading:
    dimensions = tuple((each["Name"], each["Value"]) for each in metric["Dimensions"])
    return Reading(key, metric["Namespace"], metric["MetricName"], statistic, dimensions)


def state(alarm: Alarm, values: Values) -> str:
    """Return the state after periods with the same values."""
    value = _value(alarm, {reading.key: values(reading) for reading in readings(alarm)})
    if value is None:
        missing = {"missing": "INSUFFICIENT_DATA", "breaching": "ALARM", "notBreaching": "OK"}
        return missing[alarm["TreatMissingData"]]
    breaches = COMPARISONS[alarm["ComparisonOperator"]](value, alarm["Threshold"])
    return "ALARM" if breaches else "OK"


def _value(alarm: Alarm, known: Mapping[str, float | None]) -> float | None:
    """Compute the alarm's expression; without data of any metric it has no value."""
    if "MetricName" in alarm:
        return known["value"]
    if all(value is None for value in known.values()):
        return None
    (expression,) = [entry["Expression"] for entry in alarm["Metrics"] if "Expression" in entry]
    functions = {
        "FILL": lambda value, filling: filling if value is None else value,
        "IF": lambda condition, then, otherwise: then if condition else otherwise,
        "SUM": sum,
        "METRICS": lambda: [value for value in known.values() if value is not None],
    }
    result: float = eval(expression, {"__builtins__": {}}, {**functions, **known})  # noqa: S307 - the template's own text
    return result
