"""Schema of the providers in a catalog.

`providers/declarative` implements `HttpProviderSpec`, which describes an API without an adapter.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rushes.catalog.template import placeholders
from rushes.jobs.request import Role
from rushes.ports.http import FileForm

FILE_NAMES = frozenset(role.value for role in Role)
SIZE_NAMES = frozenset({"size", "width", "height", "aspect_ratio", "resolution"})
CARRIERS = {"seconds": frozenset({"seconds", "frames"}), "size": SIZE_NAMES}
"""Placeholders, one of which carries the field of a request."""
VALUE_NAMES = frozenset(
    {"model", "prompt", "seconds", "seed", "negative_prompt", "generate_audio", "job_id"}
)
FILE_FORMS = frozenset({"", "type", *get_args(FileForm)})
"""`type` is the content type of the file."""
VALUE_FORMS = frozenset({"", "text"})
Idempotency = Literal["none", "key", "lookup"]
VideoServer = Literal["openai", "bifrost", "litellm", "vllm_omni", "sglang"]
Credential = Literal["bearer", "kling_jwt", "google_service_account", "aws_role"]

LowerCase = Annotated[str, Field(pattern=r"^[^A-Z]+$")]
VIDEO_PROTOCOLS = ("openai_compatible", "openai_with_lookup")
"""Protocols of the OpenAI Videos API."""

Path = Annotated[str, Field(pattern=r"^(/|\{path\})\S*$")]
"""Begins with a slash, or with the placeholder of the model's create path."""
Pointer = Annotated[str, Field(pattern=r"^(/[^/]*)+$")]
"""JSON pointer into a reply (RFC 6901)."""
Pointers = Annotated[str, Field(pattern=r"^(/[^/]*)+$")]
"""JSON pointer with steps `*` for each entry of a list."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Create(_Table):
    path: Path
    """`{path}` is the path of the catalog's model."""
    headers: dict[str, str] = {}
    """Headers of this request only."""
    body: dict[str, Any] = {}
    """Template for models without `arguments`; options without a neutral name are added to it."""

    @model_validator(mode="after")
    def _validate_placeholders(self) -> Self:
        _names_in("path", self.path, frozenset({"model", "path"}))
        for name, form, is_whole_string in placeholders(self.body):
            if name not in FILE_NAMES | SIZE_NAMES | VALUE_NAMES:
                raise ValueError(f"body has an unknown placeholder {{{name}}}")
            if form not in (FILE_FORMS if name in FILE_NAMES else VALUE_FORMS):
                raise ValueError(f"body has {{{name}!{form}}}: {name} has no form {form!r}")
            if name in FILE_NAMES and not is_whole_string:
                raise ValueError(f"body has {{{name}}} within text; a file must stand alone")
        return self


class Call(_Table):
    """Request about one job; `{id}` is the provider's id of it, `{path}` its create path."""

    method: Literal["GET", "POST", "PUT", "DELETE"] = "GET"
    path: Path
    body: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _require_id(self) -> Self:
        names = _names_in("path", self.path, frozenset({"id", "path"}))
        if "id" not in names + _names_in("body", self.body, frozenset({"id"})):
            raise ValueError("path or body must contain {id}")
        return self


class Cancel(Call):
    """Request that cancels a job."""

    queued_only: bool = False
    """Whether it has no effect on a job that has begun."""
    deletes_result: bool = False
    """Whether it deletes the job, and with it the result of one that has finished."""


class Result(_Table):
    """Second request, sent when the job is done, whose reply has the outputs."""

    method: Literal["GET", "POST"] = "GET"
    path: Path
    values: dict[str, Pointer] = {}
    """Further placeholders of the path, read from the poll's reply."""

    @model_validator(mode="after")
    def _validate_placeholders(self) -> Self:
        _names_in("path", self.path, frozenset({"id", "path", *self.values}))
        return self


class ErrorMapping(_Table):
    """Pointers to an error's code and message, and the meaning of codes.

    A code may end with `*`, which stands for any further characters.
    """

    code: Pointer
    message: Pointer
    success: tuple[str, ...] = ()
    """Codes without an error."""
    content_filtered: tuple[str, ...] = ()
    """Codes of a content filter."""
    throttled: tuple[str, ...] = ()
    """Codes of errors that a retry may solve. With HTTP 429 all others are final then."""
    final: tuple[str, ...] = ()
    """Codes that no retry solves although the HTTP status is 429. All others are throttled then."""

    @model_validator(mode="after")
    def _validate_429(self) -> Self:
        if self.throttled and self.final:
            raise ValueError("throttled and final exclude each other")
        return self


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
    statuses: dict[str, Literal["queued", "pending", "succeeded", "failed", "not_found"]]
    """Meaning by status, in upper or lower case."""
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
    cancel: Cancel | None = None

    @model_validator(mode="after")
    def _require_success_status(self) -> Self:
        if "succeeded" not in self.statuses.values():
            raise ValueError("statuses must map one to succeeded")
        return self

    @property
    def operation_has_path(self) -> bool:
        """Whether requests about a job need its create path."""
        calls = (self.poll, self.result, self.cancel)
        paths = [call.path for call in calls if call]
        return any(placeholder.name == "path" for placeholder in placeholders(paths))

    def unsupported_fields(self, capabilities: frozenset[str]) -> list[str]:
        """Return the capabilities of a model without a placeholder in the create body."""
        return without_place(capabilities, self.create.body)


class VendorErrors(_Table):
    """Meaning of a vendor's error codes, whatever the HTTP status is.

    `*` in a code stands for any characters; case and separators do not count.
    """

    account: tuple[str, ...] = ()
    """Codes about the deployment's account: quota, billing, suspended, not verified."""
    model: tuple[str, ...] = ()
    """Codes of a model that the vendor does not serve, or not to this account."""
    key: tuple[str, ...] = ()
    """Codes of an invalid API key."""
    content_filtered: tuple[str, ...] = ()
    """Codes of a content filter."""
    retryable: tuple[str, ...] = ()
    """Codes of errors that a later call may solve, such as rate limits."""
    final: tuple[str, ...] = ()
    """Codes of other errors that no later call solves."""
    not_created: tuple[str, ...] = ()
    """HTTP statuses from 500, and codes, with which a create call has certainly created nothing."""
    account_texts: tuple[LowerCase, ...] = ()
    """Parts of messages about the account, if the vendor publishes no code; in lower case."""
    model_texts: tuple[LowerCase, ...] = ()
    """The same about the model."""


class FileLimits(_Table):
    """Forms and sizes of the input files that a provider accepts."""

    forms: Annotated[tuple[FileForm, ...], Field(min_length=1)]
    """In order of preference."""
    inline_bytes: Annotated[int, Field(ge=1)] = 4 * 1024 * 1024
    """A larger file is sent as a link, if that is a form."""
    max_bytes: Annotated[int, Field(ge=1)] = 200 * 1024 * 1024
    max_bytes_of: dict[Literal["image", "video", "audio"], Annotated[int, Field(ge=1)]] = {}
    """The same for files of a media type, if it is smaller."""


class ProviderEntry(_Table):
    protocol: str
    vendor: str = ""
    """Name of the vendor data, if the provider uses it."""
    credential: Credential = "bearer"
    """How requests are authenticated: with the secret's key, with a token made from it, or signed
    with the role of the function."""
    base_url: str | None = None
    idempotency: Idempotency = "none"
    """Protection against duplicate create calls, guaranteed by the operator.

    none: Rushes never repeats a create call. key: the provider honours `Idempotency-Key`, so Rushes
    repeats the call. lookup: the provider lists its jobs, so Rushes searches for the job.
    """
    creates_per_minute: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    """Maximum rate of create calls, if the provider limits it."""
    errors: VendorErrors = VendorErrors()
    """Meaning of the provider's error codes; codes that several vendors use are known."""
    server: VideoServer | None = None
    """Software of a server of the OpenAI Videos API, if it differs from others in its requests."""
    request_id_header: Annotated[str, Field(pattern=r"^[a-z0-9-]{0,64}$")] = ""
    """Header of a create call in which the provider documents the caller's own request id."""
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

    @model_validator(mode="after")
    def _validate_server(self) -> Self:
        if self.server and self.protocol not in VIDEO_PROTOCOLS:
            raise ValueError(f"`server` requires protocol {' or '.join(VIDEO_PROTOCOLS)}")
        return self


def without_place(fields: Iterable[str], template: object) -> list[str]:
    """Return the fields of a request that no placeholder of the template carries."""
    names = {placeholder.name for placeholder in placeholders(template)}
    return sorted(field for field in fields if not names & CARRIERS.get(field, frozenset({field})))


def _names_in(field: str, template: object, allowed: frozenset[str]) -> list[str]:
    names = [placeholder.name for placeholder in placeholders(template)]
    for name in names:
        if name not in allowed:
            raise ValueError(f"{field} has an unknown placeholder {{{name}}}")
    return names
