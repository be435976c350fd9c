"""Schema of the catalog's `[providers.NAME]` tables, validated when the catalog is read.

`providers/declarative` implements `HttpProviderSpec`, which describes an API without an adapter.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rushes.catalog.template import placeholders
from rushes.jobs.request import Role

FILE_NAMES = frozenset(role.value for role in Role)
SIZE_NAMES = frozenset({"size", "width", "height", "aspect_ratio", "resolution"})
VALUE_NAMES = frozenset(
    {"model", "prompt", "seconds", "seed", "negative_prompt", "generate_audio", "job_id"}
)
FILE_FORMS = frozenset({"", "base64", "link"})
VALUE_FORMS = frozenset({"", "text"})

Path = Annotated[str, Field(pattern=r"^/\S*$")]
Pointer = Annotated[str, Field(pattern=r"^(/[^/]*)+$")]
"""JSON pointer into a reply (RFC 6901)."""
Pointers = Annotated[str, Field(pattern=r"^(/[^/]*)+$")]
"""JSON pointer with steps `*` for each entry of a list."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Create(_Table):
    path: Path
    body: dict[str, Any]
    """Template; options without a neutral name are added to it."""

    @model_validator(mode="after")
    def _validate_placeholders(self) -> Self:
        _names_in("path", self.path, frozenset({"model"}))
        for name, form, is_whole_string in placeholders(self.body):
            if name not in FILE_NAMES | SIZE_NAMES | VALUE_NAMES:
                raise ValueError(f"body has an unknown placeholder {{{name}}}")
            if form not in (FILE_FORMS if name in FILE_NAMES else VALUE_FORMS):
                raise ValueError(f"body has {{{name}!{form}}}: {name} has no form {form!r}")
            if name in FILE_NAMES and not is_whole_string:
                raise ValueError(f"body has {{{name}}} within text; a file must stand alone")
        return self


class Call(_Table):
    """Request about one job; `{id}` is the provider's id of it."""

    method: Literal["GET", "POST", "PUT", "DELETE"] = "GET"
    path: Path
    body: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _require_id(self) -> Self:
        names = _names_in("path", self.path, frozenset({"id"}))
        if "id" not in names + _names_in("body", self.body, frozenset({"id"})):
            raise ValueError("path or body must contain {id}")
        return self


class Result(_Table):
    """Second request, sent when the job is done, whose reply has the outputs."""

    method: Literal["GET", "POST"] = "GET"
    path: Path
    values: dict[str, Pointer] = {}
    """Further placeholders of the path, read from the poll's reply."""

    @model_validator(mode="after")
    def _validate_placeholders(self) -> Self:
        _names_in("path", self.path, frozenset({"id", *self.values}))
        return self


class ErrorMapping(_Table):
    """Pointers to an error's code and message, and the meaning of codes."""

    code: Pointer
    message: Pointer
    success: tuple[str, ...] = ()
    """Codes without an error."""
    content_filtered: tuple[str, ...] = ()
    """Codes of a content filter."""
    throttled: tuple[str, ...] = ()
    """Codes of errors that a retry may solve."""


class HttpProviderSpec(_Table):
    key_header: str = "authorization"
    key_scheme: str = "Bearer"
    headers: dict[str, str] = {}
    """Headers of every request."""
    min_poll_seconds: Annotated[float, Field(gt=0, le=300)] = 1.0
    create: Create
    id: Pointer
    poll: Call
    status: Pointer
    statuses: dict[str, Literal["queued", "pending", "succeeded", "failed"]]
    progress: Pointer | None = None
    progress_when_done: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 100
    outputs: Annotated[tuple[Pointers, ...], Field(min_length=1)]
    outputs_need_key: bool = False
    cost: Pointer | None = None
    cost_unit: Annotated[float, Field(gt=0, le=1_000_000)] = 1.0
    """US dollars per unit of `cost`."""
    refusal: ErrorMapping | None = None
    """Errors of the request itself."""
    failure: ErrorMapping | None = None
    """Errors of a failed job in the poll's reply; defaults to `refusal`."""
    result: Result | None = None
    cancel: Call | None = None

    @model_validator(mode="after")
    def _require_success_status(self) -> Self:
        if "succeeded" not in self.statuses.values():
            raise ValueError("statuses must map one to succeeded")
        return self

    def unsupported_fields(self, capabilities: frozenset[str]) -> list[str]:
        """Return the capabilities of a model without a placeholder in the create body."""
        names = {placeholder.name for placeholder in placeholders(self.create.body)}
        if names & SIZE_NAMES:
            names.add("size")
        return sorted(capabilities - names)


class ProviderEntry(_Table):
    protocol: str
    base_url: str | None = None
    idempotency: Literal["none", "key", "lookup"] = "none"
    """Protection against duplicate create calls, guaranteed by the operator.

    none: Rushes never repeats a create call. key: the provider honours `Idempotency-Key`, so Rushes
    repeats the call. lookup: the provider lists its jobs, so Rushes searches for the job.
    """
    creates_per_minute: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    """Maximum rate of create calls, if the provider limits it."""
    spec: HttpProviderSpec | None = None

    def unsupported_fields(self, capabilities: frozenset[str]) -> list[str]:
        return self.spec.unsupported_fields(capabilities) if self.spec else []

    @model_validator(mode="after")
    def _require_spec_if_declarative(self) -> Self:
        if self.protocol == "declarative" and self.spec is None:
            raise ValueError('protocol "declarative" requires a table `spec`')
        if self.protocol != "declarative" and self.spec is not None:
            raise ValueError('`spec` requires protocol "declarative"')
        return self


def _names_in(field: str, template: object, allowed: frozenset[str]) -> list[str]:
    names = [placeholder.name for placeholder in placeholders(template)]
    for name in names:
        if name not in allowed:
            raise ValueError(f"{field} has an unknown placeholder {{{name}}}")
    return names
