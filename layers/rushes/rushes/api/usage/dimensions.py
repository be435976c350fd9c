"""Properties of jobs by which their cost is added up."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from rushes.dialects.labels import TAG_NAME, TAG_NAME_RULE
from rushes.errors import InvalidRequest
from rushes.jobs.charges import DAY, MONTH, period_of

if TYPE_CHECKING:
    from rushes.jobs.summary import JobSummary

Value = str | None
"""None: the job has none, such as a tag that it does not have."""
TAG = "tag:"
OPEN = "open"
"""Status of a job that is not finished."""
MAX_DIMENSIONS = 4


def status_of(job: "JobSummary") -> str:
    return job.status.value if job.status else OPEN


DIMENSIONS: Mapping[str, Callable[["JobSummary"], Value]] = MappingProxyType(
    {
        "account": lambda job: job.account,
        "key": lambda job: job.key_id,
        "model": lambda job: job.made_by,
        "requested_model": lambda job: job.model,
        "provider": lambda job: job.provider,
        "user": lambda job: job.user,
        "modality": lambda job: job.modality,
        "status": status_of,
        "day": lambda job: period_of(job.created_at, DAY),
        "month": lambda job: period_of(job.created_at, MONTH),
    }
)
NAMES = (*DIMENSIONS, f"{TAG}NAME")


def value_of(dimension: str, job: "JobSummary") -> Value:
    if dimension.startswith(TAG):
        return job.tags.get(dimension.removeprefix(TAG))
    return DIMENSIONS[dimension](job)


def check_tag_name(name: str, param: str) -> None:
    """Refuse a name that no tag can have.

    Raises
    ------
    InvalidRequest
    """
    if TAG_NAME.fullmatch(name) is None:
        raise InvalidRequest(
            f"{param}: a tag's name {TAG_NAME_RULE} (got {name[:80]!r})", param=param
        )


def parse_dimensions(text: str, param: str = "group_by") -> tuple[str, ...]:
    """Read `model,day,tag:team`.

    Raises
    ------
    InvalidRequest
        For an unknown or repeated name, or too many names.
    """
    names = tuple(name.strip() for name in text.split(",")) if text.strip() else ()
    for name in names:
        is_tag = name.startswith(TAG) and name != TAG
        if not is_tag and name not in DIMENSIONS:
            raise InvalidRequest(
                f"{param} must be one or more of {', '.join(NAMES)} (got {name[:80]!r})",
                param=param,
                allowed=NAMES,
            )
        if is_tag:
            check_tag_name(name.removeprefix(TAG), param)
    if len(set(names)) < len(names):
        raise InvalidRequest(f"{param} names a dimension twice (got {text[:200]!r})", param=param)
    if len(names) > MAX_DIMENSIONS:
        raise InvalidRequest(
            f"{param} must have at most {MAX_DIMENSIONS} names (got {len(names)})", param=param
        )
    return names
