"""Validate request fields with pydantic models and report the first error by field name."""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticKnownError

from rushes.errors import InvalidRequest, TooLarge
from rushes.jobs.request import GenerationRequest, Upload

MAX_REQUEST_BYTES = 192 * 1024
"""Limit without files: DynamoDB stores the request in one item, and an item has at most 400 KB."""
MAX_SHOWN_CHARACTERS = 40
MAX_LIST = 32
"""Members of a list of models or files."""

Schema = TypeVar("Schema", bound=BaseModel)
Member = TypeVar("Member")


def without_empty(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that have a value: clients send null or "" for those that are not set."""
    return {name: value for name, value in fields.items() if value is not None and value != ""}


class FieldsModel(BaseModel):
    """Reads null and empty fields as absent, at any depth of its schema."""

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, value: object) -> object:
        return without_empty(value) if isinstance(value, Mapping) else value


class StrictModel(FieldsModel):
    model_config = ConfigDict(extra="forbid")


class OpenModel(FieldsModel):
    """Keeps unknown fields: the provider gets them if the catalog lists them."""

    model_config = ConfigDict(extra="allow")

    def generation(self, **changes: Any) -> GenerationRequest:  # noqa: ANN401 - any field
        """Build the request from the fields of equal name; unknown ones are provider options."""
        names = GenerationRequest.model_fields.keys() & type(self).model_fields.keys()
        fields = {name: getattr(self, name) for name in names}
        options = {"provider_options": self.model_extra or {}}
        return GenerationRequest.model_validate(fields | options | changes)


def _refuse_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise PydanticKnownError("int_type")
    return value


Integer = Annotated[int, BeforeValidator(_refuse_boolean)]
"""An integer or its decimal text; pydantic alone reads `true` as 1."""
Pixels = Annotated[Integer, Field(ge=1, le=99_999)]
Seconds = Annotated[Integer, Field(ge=1, le=3600)]
Seed = Annotated[Integer, Field(ge=-(2**63), le=2**63 - 1)]
Members = Annotated[tuple[Member, ...], Field(max_length=MAX_LIST, fail_fast=True)]
"""A list; the first invalid or excess member ends its validation."""

_MESSAGES = {
    "missing": "is required",
    "extra_forbidden": "is not supported",
    "greater_than_equal": "must be at least {ge} (got {value})",
    "less_than_equal": "must be at most {le} (got {value})",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "too_long": "must have at most {max_length} members",
    "too_short": "must have at least {min_length} members",
    "literal_error": "must be one of {expected} (got {value})",
    "enum": "must be one of {expected} (got {value})",
    "value_error": "is invalid: {error}",
    "int": "must be an integer (got {value})",
    "float": "must be a number (got {value})",
    "bool": "must be a boolean (got {value})",
    "string": "must be a string (got {value})",
    "tuple": "must be a list (got {value})",
    "dict": "must be an object (got {value})",
    "model": "must be an object (got {value})",
    "datetime": "must be a time in ISO 8601 (got {value})",
    "timezone": "must have a time zone (got {value})",
}
"""Messages by pydantic error type, or by its prefix, such as `int` for `int_parsing`."""

EXPECTED = re.compile(r"'([^']*)'")
"""A value in pydantic's list of the accepted texts."""
_SECRET_FIELDS = frozenset({"signing_secret"})
"""Fields whose rejected value an error message must not repeat."""
_NAMES = {dict: "an object", list: "a list", tuple: "a list", Upload: "a file"}


def validate(schema: type[Schema], fields: Mapping[str, Any]) -> Schema:
    """Raise `InvalidRequest` for the first wrong field, with a path such as `fallbacks.0.model`."""
    try:
        return schema.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(part)[:80] for part in first["loc"])[:80]
        message = f"{name} {_message(first)}"
        allowed = EXPECTED.findall(first.get("ctx", {}).get("expected", ""))
        raise InvalidRequest(message, param=name, kind=first["type"], allowed=allowed) from None


def _message(error: ErrorDetails) -> str:
    category = error["type"].partition("_")[0]
    template = _MESSAGES.get(error["type"]) or _MESSAGES.get(category, "is invalid (got {value})")
    secret = not _SECRET_FIELDS.isdisjoint(error["loc"])
    value = "a hidden value" if secret else shown(error["input"])
    return template.format(**error.get("ctx", {}), value=value)


def shown(value: object) -> str:
    """Render a rejected value as ASCII for an error message, cut to 40 characters."""
    if name := _NAMES.get(type(value)):
        return name
    if isinstance(value, str):
        value = value[: MAX_SHOWN_CHARACTERS + 1]
    text = json.dumps(value, default=str)
    return text if len(text) <= MAX_SHOWN_CHARACTERS else f"{text[:MAX_SHOWN_CHARACTERS]}..."


def with_field_name(message: str, name: str, own: str) -> str:
    """Replace a field's name by the dialect's own one, as the subject of an error message.

    The names of a model may precede it, as in `sora-2 (openai/sora-2): seconds must be …`.
    """
    subject = rf"(\A|: ){re.escape(name)} "
    return re.sub(subject, lambda found: f"{found[1]}{own} ", message, count=1)


def check_request_size(generation: GenerationRequest) -> None:
    size = len(generation.model_dump_json().encode())
    if size > MAX_REQUEST_BYTES:
        raise TooLarge(
            f"body without files must have at most {MAX_REQUEST_BYTES} bytes (got {size})",
            param="body",
        )
