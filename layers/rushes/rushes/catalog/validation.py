"""Validate a request against a model, and fill its defaults."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rushes.catalog.parameters import (
    Setting,
    legal_settings,
    options_of,
    parameters_of,
    roles_of,
    settings_of,
    unsent_fields,
    with_setting,
)
from rushes.catalog.rules import MAX_SHOWN, refusal
from rushes.catalog.template import as_text
from rushes.errors import InvalidRequest
from rushes.jobs.request import VISUAL_ROLES, GenerationRequest, Role

if TYPE_CHECKING:
    from rushes.catalog.model_entry import ModelEntry


def validate_and_fill(model: "ModelEntry", request: GenerationRequest) -> GenerationRequest:
    _validate_prompt(model, request.prompt)
    _validate_seconds(model, request.seconds)
    _validate_size(model, request.size)
    _validate_options(model, request)
    _validate_references(model, request)
    filled = with_setting(request, _first_legal(model, request))
    if model.follows_input and request.size is None and roles_of(request) & VISUAL_ROLES:
        filled = filled.model_copy(update={"size": None})
    for field in unsent_fields(model, filled):
        if getattr(request, field) is not None:
            files = " and ".join(sorted(roles_of(request))) or "no file"
            raise InvalidRequest(f"{model.name} does not accept {field} with {files}", param=field)
        filled = filled.model_copy(update={field: None})
    return filled


def _first_legal(model: "ModelEntry", request: GenerationRequest) -> Setting:
    for setting in legal_settings(model, request):
        return setting
    raise refusal(model, parameters_of(model, request, next(settings_of(model, request))))


def _validate_prompt(model: "ModelEntry", prompt: str) -> None:
    if model.needs_prompt and not prompt.strip():
        raise InvalidRequest("prompt must not be empty", param="prompt")
    if len(prompt) > model.prompt_characters:
        limit = f"at most {model.prompt_characters} characters"
        raise InvalidRequest(f"prompt must have {limit} (got {len(prompt)})", param="prompt")


def _validate_seconds(model: "ModelEntry", seconds: int | None) -> None:
    if seconds is not None and seconds not in model.seconds:
        raise not_allowed(model, "seconds", seconds, sorted(model.seconds))


def _validate_size(model: "ModelEntry", size: str | None) -> None:
    if size is not None and model.format_of(size) is None:
        raise not_allowed(model, "size", size, model.sizes)


def not_allowed(
    model: "ModelEntry", field: str, value: object, allowed: Sequence[str | int]
) -> InvalidRequest:
    if not allowed:
        return InvalidRequest(f"{model.name} does not accept {field}", param=field)
    choices = ", ".join(map(str, allowed))
    message = f"{field} must be one of {choices} (got {as_text(value)[:MAX_SHOWN]})"
    return InvalidRequest(message, param=field)


def _validate_options(model: "ModelEntry", request: GenerationRequest) -> None:
    given: Mapping[str, Any] = options_of(request)
    for name, value in given.items():
        option = model.options.get(name)
        if option is None:
            raise InvalidRequest(f"{model.name} does not accept {name[:80]}", param=name[:80])
        if error := option.error(value):
            raise InvalidRequest(f"{name} {error} (got {as_text(value)[:MAX_SHOWN]})", param=name)
    for name, option in model.options.items():
        if option.required and name not in given:
            raise InvalidRequest(f"{model.name} requires {name}", param=name)


def _validate_references(model: "ModelEntry", request: GenerationRequest) -> None:
    count = sum(entry.role is Role.REFERENCE for entry in request.inputs)
    if count > model.max_references:
        raise InvalidRequest(
            f"{model.name} accepts at most {model.max_references} reference files (got {count})",
            param=Role.REFERENCE.value,
        )
