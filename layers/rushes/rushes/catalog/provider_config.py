"""How to speak to a provider that has no adapter of its own, as its catalog entry tells it.

All is checked when the catalog is read; `providers/declarative.py` does what it says.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rushes.catalog.template import placeholders
from rushes.jobs.request import Role

FILES = frozenset(role.value for role in Role)
SHAPES = frozenset({"size", "width", "height", "aspect_ratio", "resolution"})
WORDS = frozenset(
    {"model", "prompt", "seconds", "seed", "negative_prompt", "generate_audio", "job_id"}
)
FILE_FORMS = frozenset({"", "base64", "link"})
WORD_FORMS = frozenset({"", "text"})

Path = Annotated[str, Field(pattern=r"^/\S*$")]
Pointer = Annotated[str, Field(pattern=r"^(/[^/]*)+$")]
"""Where in a JSON reply something stands (RFC 6901)."""
Pointers = Annotated[str, Field(pattern=r"^(/[^/]*)+$")]
"""The same, where a step `*` means each entry of a list."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Create(_Part):
    path: Path
    body: dict[str, Any]
    """A template. Options that only the provider knows are added to it."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        _check("path", self.path, frozenset({"model"}))
        for placeholder in placeholders(self.body):
            name, form, is_alone = placeholder
            if name not in FILES | SHAPES | WORDS:
                raise ValueError(f"body has {{{name}}}, which stands for nothing")
            if form not in (FILE_FORMS if name in FILES else WORD_FORMS):
                raise ValueError(f"body has {{{name}!{form}}}: {name} has no form {form!r}")
            if name in FILES and not is_alone:
                raise ValueError(f"body has {{{name}}} in a longer text; a file must stand alone")
        return self


class Call(_Part):
    """A call about one job; `{id}` is the provider's name for it."""

    method: Literal["GET", "POST", "PUT", "DELETE"] = "GET"
    path: Path
    body: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _about_the_job(self) -> Self:
        names = _check("path", self.path, frozenset({"id"}))
        if "id" not in names + _check("body", self.body, frozenset({"id"})):
            raise ValueError("neither path nor body has {id}")
        return self


class Result(_Part):
    """A second call, made once the job is done, whose reply has the outputs."""

    method: Literal["GET", "POST"] = "GET"
    path: Path
    values: dict[str, Pointer] = {}
    """What else the path has placeholders for, and where in the poll's reply it stands."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        _check("path", self.path, frozenset({"id", *self.values}))
        return self


class ErrorMapping(_Part):
    """Where a reply says what is wrong, and what its codes mean."""

    code: Pointer
    message: Pointer
    fine: tuple[str, ...] = ()
    """Codes that mean that nothing is wrong."""
    filtered: tuple[str, ...] = ()
    """Codes that mean that a content filter said no."""
    busy: tuple[str, ...] = ()
    """Codes that mean that another try may succeed."""


class HttpProviderSpec(_Part):
    key_header: str = "authorization"
    key_scheme: str = "Bearer"
    headers: dict[str, str] = {}
    """Headers of every call."""
    shortest_wait: Annotated[float, Field(gt=0)] = 1.0
    create: Create
    id: Pointer
    poll: Call
    status: Pointer
    statuses: dict[str, Literal["queued", "pending", "succeeded", "failed"]]
    progress: Pointer | None = None
    progress_when_done: Annotated[float, Field(gt=0)] = 100
    outputs: Annotated[tuple[Pointers, ...], Field(min_length=1)]
    outputs_need_key: bool = False
    cost: Pointer | None = None
    cost_unit: Annotated[float, Field(gt=0)] = 1.0
    """US dollars that one of its units of cost is."""
    refusal: ErrorMapping | None = None
    """In a reply that says no to the call itself."""
    failure: ErrorMapping | None = None
    """In a poll's reply that says that the job failed; without it, as in a refusal."""
    result: Result | None = None
    cancel: Call | None = None

    @model_validator(mode="after")
    def _can_end(self) -> Self:
        if "succeeded" not in self.statuses.values():
            raise ValueError("statuses has no word for succeeded")
        return self

    def unsupported_fields(self, offered: frozenset[str]) -> list[str]:
        """Which of the things that a model takes no create call would carry."""
        carried = {placeholder.name for placeholder in placeholders(self.create.body)}
        if carried & SHAPES:
            carried.add("size")
        return sorted(offered - carried)


class ProviderEntry(_Part):
    protocol: str
    base_url: str | None = None
    idempotency: Literal["none", "key", "lookup"] = "none"
    """What it has against a create call that is made twice, as its deployer vouches for.

    none: such a call is never repeated. key: it honours an `Idempotency-Key`, and may be called
    again. lookup: it can be looked through for a job of ours.
    """
    creates_per_minute: Annotated[float, Field(gt=0)] | None = None
    """How many create calls it is to be sent at most, where it has such a limit."""
    spec: HttpProviderSpec | None = None

    def unsupported_fields(self, offered: frozenset[str]) -> list[str]:
        return self.spec.unsupported_fields(offered) if self.spec else []

    @model_validator(mode="after")
    def _described_if_need_be(self) -> Self:
        if self.protocol == "declarative" and self.spec is None:
            raise ValueError('kind "declarative" needs a table `spec`')
        if self.protocol != "declarative" and self.spec is not None:
            raise ValueError('`spec` is for kind "declarative" alone')
        return self


def _check(field: str, template: object, known: frozenset[str]) -> list[str]:
    names = [placeholder.name for placeholder in placeholders(template)]
    for name in names:
        if name not in known:
            raise ValueError(f"{field} has {{{name}}}, which stands for nothing there")
    return names
