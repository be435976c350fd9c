"""Validate a request against a model, and fill its defaults."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rushes.catalog.bounds import MAX_CHARACTERS, check_size
from rushes.catalog.parameters import (
    Setting,
    legal_settings,
    named_formats,
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
from rushes.jobs.request import SEVERAL_ROLES, VISUAL_ROLES, GenerationRequest, Role

if TYPE_CHECKING:
    from rushes.catalog.model_entry import Format, ModelEntry


SIZE_NAMES = ("resolution", "aspect_ratio")
"""Fields of a request that select a size by its names."""
OWN_NAMES = {"resolution": ("resolution",), "aspect_ratio": ("aspect_ratio", "ratio")}
"""Options of models without sizes, by the field that they stand for."""


def validate_and_fill(model: "ModelEntry", request: GenerationRequest) -> GenerationRequest:
    request = _with_own_names(model, request)
    _validate_prompt(model, request.prompt)
    _validate_seconds(model, request.seconds)
    _validate_size(model, request.size)
    _validate_named_size(model, request)
    _validate_options(model, request)
    _validate_references(model, request)
    filled = with_setting(request, _first_legal(model, request))
    if keeps_shape_of_input(model, request):
        filled = filled.model_copy(update={"size": None, "resolution": request.resolution})
    for field in unsent_fields(model, filled):
        if getattr(request, field) is not None:
            files = " and ".join(sorted(roles_of(request))) or "no file"
            raise InvalidRequest(f"{model.name} does not accept {field} with {files}", param=field)
        filled = filled.model_copy(update={field: None})
    return filled


def keeps_shape_of_input(model: "ModelEntry", request: GenerationRequest) -> bool:
    """Whether the provider chooses the shape by the input file."""
    is_open = request.size is None and request.aspect_ratio is None
    return model.follows_input and is_open and bool(roles_of(request) & VISUAL_ROLES)


def _with_own_names(model: "ModelEntry", request: GenerationRequest) -> GenerationRequest:
    """Return the request with the names that are the model's options or arguments as such."""
    own = {name: _own_name(model, name) for name in SIZE_NAMES}
    options = {
        option: getattr(request, name)
        for name, option in own.items()
        if option and getattr(request, name) is not None
    }
    known = {*model.arguments, *model.other_values, *model.options}
    kept = {name: value for name, value in request.vendor_arguments.items() if name in known}
    changes: dict[str, Any] = {"vendor_arguments": kept}
    if options:
        changes |= {
            **dict.fromkeys(name for name, option in own.items() if option),
            "provider_options": request.provider_options | options,
        }
    return request.model_copy(update=changes)


def _own_name(model: "ModelEntry", name: str) -> str | None:
    """Return the model's option for a resolution or an aspect ratio."""
    return next((option for option in OWN_NAMES[name] if option in model.options), None)


def _first_legal(model: "ModelEntry", request: GenerationRequest) -> Setting:
    for setting in legal_settings(model, request):
        return setting
    raise refusal(model, parameters_of(model, request, next(settings_of(model, request))))


def _validate_prompt(model: "ModelEntry", prompt: str) -> None:
    if model.needs_prompt and not prompt.strip():
        raise InvalidRequest("prompt must not be empty", param="prompt", kind="missing")
    if len(prompt) > model.prompt_characters:
        limit = f"at most {model.prompt_characters} characters"
        message = f"prompt must have {limit} (got {len(prompt)})"
        raise InvalidRequest(message, param="prompt", kind="string_too_long")


def _validate_seconds(model: "ModelEntry", seconds: int | None) -> None:
    if seconds is not None and seconds not in model.seconds:
        raise not_allowed(model, "seconds", seconds, sorted(model.seconds))


def _validate_size(model: "ModelEntry", size: str | None) -> None:
    if size is not None and model.format_of(size) is None:
        if size.startswith("x") and model.sizes:
            heights = dict.fromkeys(offered.partition("x")[2] for offered in model.sizes)
            raise not_allowed(model, "height", size[1:], list(heights), param="size")
        raise not_allowed(model, "size", size, model.sizes)


def _validate_named_size(model: "ModelEntry", request: GenerationRequest) -> None:
    """Refuse a resolution or an aspect ratio that no size of the model has."""
    given = [name for name in SIZE_NAMES if getattr(request, name) is not None]
    if given and request.size is not None:
        raise InvalidRequest(f"{given[0]} and size are mutually exclusive", param=given[0])
    for name in given:
        alone = request.model_copy(update=dict.fromkeys(set(SIZE_NAMES) - {name}))
        if not named_formats(model, alone):
            raise _unnamed(model, request, name, model.formats())
    if len(given) > 1 and not named_formats(model, request):
        alone = request.model_copy(update={"aspect_ratio": None})
        raise _unnamed(model, request, "aspect_ratio", named_formats(model, alone))


def _unnamed(
    model: "ModelEntry", request: GenerationRequest, name: str, offered: Iterable["Format"]
) -> InvalidRequest:
    allowed = list(dict.fromkeys(getattr(entry, name) for entry in offered))
    return not_allowed(model, name, getattr(request, name), allowed)


def not_allowed(
    model: "ModelEntry",
    field: str,
    value: object,
    allowed: Sequence[str | int],
    param: str | None = None,
) -> InvalidRequest:
    if not allowed:
        return _not_accepted(model, field)
    choices = ", ".join(map(str, allowed))
    message = f"{field} must be one of {choices} (got {as_text(value)[:MAX_SHOWN]})"
    return InvalidRequest(message, param=param or field, kind="literal_error", allowed=allowed)


def _not_accepted(model: "ModelEntry", field: str) -> InvalidRequest:
    return InvalidRequest(
        f"{model.name} does not accept {field}", param=field, kind="extra_forbidden"
    )


def _validate_options(model: "ModelEntry", request: GenerationRequest) -> None:
    given: Mapping[str, Any] = options_of(request)
    for name, value in given.items():
        option = model.options.get(name)
        if option is None:
            raise _not_accepted(model, name[:80])
        check_size(name, value, option.max_characters or _max_characters(model, name))
        if error := option.error(value):
            raise InvalidRequest(f"{name} {error} (got {as_text(value)[:MAX_SHOWN]})", param=name)
    for name, option in model.options.items():
        if option.required and name not in given:
            raise InvalidRequest(f"{model.name} requires {name}", param=name, kind="missing")


def _max_characters(model: "ModelEntry", name: str) -> int:
    return model.prompt_characters if name == "negative_prompt" else MAX_CHARACTERS


def _validate_references(model: "ModelEntry", request: GenerationRequest) -> None:
    roles = [entry.role for entry in request.inputs]
    for role in dict.fromkeys(roles):
        if model.arguments and role not in SEVERAL_ROLES and roles.count(role) > 1:
            message = f"{model.name} accepts one {role.value} file (got {roles.count(role)})"
            raise InvalidRequest(message, param=role.value, kind="too_long")
    count = sum(entry.role is Role.REFERENCE for entry in request.inputs)
    if count > model.max_references:
        raise InvalidRequest(
            f"{model.name} accepts at most {model.max_references} reference files (got {count})",
            param=Role.REFERENCE.value,
            kind="too_long",
        )
