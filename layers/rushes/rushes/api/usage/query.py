"""What a report is about: the period, the dimensions and the filters."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, get_args

from rushes.api.usage.dimensions import OPEN, TAG, value_of
from rushes.api.usage.period import Period
from rushes.catalog.model_entry import Modality
from rushes.errors import InvalidRequest
from rushes.jobs.status import TERMINAL

if TYPE_CHECKING:
    from rushes.jobs.summary import JobSummary

STATUSES = (OPEN, *sorted(status.value for status in TERMINAL))
MODALITIES: tuple[str, ...] = get_args(Modality)


@dataclass(frozen=True)
class UsageQuery:
    """`accounts` is None for all accounts. `filters` maps dimensions to the value of each job.

    `requested` are the texts of the period, which may end at the present time.
    """

    accounts: tuple[str, ...] | None
    period: Period
    dimensions: tuple[str, ...]
    filters: Mapping[str, str] = field(default_factory=dict)
    requested: tuple[str | None, ...] = ()

    def matches(self, job: "JobSummary") -> bool:
        return self.period.contains(job.created_at) and all(
            value_of(name, job) == value for name, value in self.filters.items()
        )

    @property
    def digest(self) -> str:
        """Identifies the query, so that a cursor of another one is refused."""
        parts = (self.accounts, self.requested, self.dimensions, sorted(self.filters.items()))
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def read_filters(
    values: Mapping[str, str | None], tags: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the filters that are given, by dimension.

    Raises
    ------
    InvalidRequest
        If the status or the modality is unknown.
    """
    filters = {name: value for name, value in values.items() if value is not None}
    for name, allowed in (("status", STATUSES), ("modality", MODALITIES)):
        value = filters.get(name)
        if value is not None and value not in allowed:
            raise InvalidRequest(
                f"{name} must be one of {', '.join(allowed)} (got {value[:40]!r})",
                param=name,
                allowed=allowed,
            )
    return filters | {f"{TAG}{name}": value for name, value in (tags or {}).items()}
