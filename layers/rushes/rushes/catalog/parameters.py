"""Parameters of a request, and the lengths and sizes that a model allows for it."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from rushes.catalog.conditions import INPUT, holds
from rushes.catalog.provider_config import without_place
from rushes.catalog.rules import broken_rule
from rushes.catalog.sizes import is_near, ratio_of, resolution_name
from rushes.jobs.request import GenerationRequest, Role

if TYPE_CHECKING:
    from rushes.catalog.model_entry import Format, ModelEntry, Variant


NEUTRAL_OPTIONS = ("seed", "negative_prompt", "generate_audio")
"""Optional fields that `GenerationRequest` has; other options are the provider's own."""


class Setting(NamedTuple):
    seconds: int | None
    format: "Format | None"


def parameters_of(
    model: "ModelEntry", request: GenerationRequest, setting: Setting | None = None
) -> dict[str, Any]:
    """Return the parameters of a request by the names that conditions use."""
    if setting is None:
        is_sized = request.size or request.resolution or model.follows_input
        chosen = format_of(model, request) if is_sized else None
        setting = Setting(request.seconds, chosen)
    defaults = {name: option.default for name, option in model.options.items()}
    return {
        **{name: value for name, value in defaults.items() if value is not None},
        **options_of(request),
        "seconds": setting.seconds,
        "size": setting.format.size if setting.format else request.size,
        "resolution": setting.format.resolution if setting.format else None,
        "aspect_ratio": setting.format.aspect_ratio if setting.format else None,
        INPUT: frozenset(role.value for role in roles_of(request)),
    }


def options_of(request: GenerationRequest) -> dict[str, Any]:
    """Return the options that a request has, by name."""
    neutral = {name: getattr(request, name) for name in NEUTRAL_OPTIONS}
    return {
        **{name: value for name, value in neutral.items() if value is not None},
        **request.provider_options,
    }


def roles_of(request: GenerationRequest) -> frozenset[Role]:
    return frozenset(entry.role for entry in request.inputs)


def settings_of(
    model: "ModelEntry", request: GenerationRequest, chosen: "Format | None" = None
) -> Iterator[Setting]:
    """Yield the values of seconds and size that the request leaves open, the defaults first.

    `chosen` replaces the sizes of the model.
    """
    seconds: Sequence[int | None] = (
        (request.seconds,) if request.seconds is not None else model.seconds or (None,)
    )
    formats: Sequence[Format | None] = (
        (model.format_of(request.size),) if request.size else named_formats(model, request)
    )
    formats = (chosen,) if chosen else formats or (None,)
    for length in seconds:
        for size in formats:
            yield Setting(length, size)


def legal_settings(
    model: "ModelEntry", request: GenerationRequest, chosen: "Format | None" = None
) -> Iterator[Setting]:
    """Yield the settings that break no rule."""
    for setting in settings_of(model, request, chosen):
        if not model.rules or not broken_rule(model, parameters_of(model, request, setting)):
            yield setting


def named_formats(model: "ModelEntry", request: GenerationRequest) -> "tuple[Format, ...]":
    """Return the sizes with the request's resolution and aspect ratio, by default all."""
    lines, ratio = request.resolution, request.aspect_ratio
    return tuple(
        offered
        for offered in model.formats()
        if (lines is None or resolution_name(lines) == offered.resolution)
        and (ratio is None or _has_ratio(offered, ratio))
    )


def _has_ratio(offered: "Format", ratio: str) -> bool:
    if ratio == offered.aspect_ratio:
        return True
    try:
        return is_near(ratio_of(ratio), offered.aspect_ratio)
    except (ValueError, ZeroDivisionError):
        return False


def format_of(model: "ModelEntry", request: GenerationRequest) -> "Format | None":
    """Return the offered size of a request; without a size, the first that the rules allow."""
    if request.size:
        return model.format_of(request.size)
    return next(legal_settings(model, request), next(settings_of(model, request))).format


def variant_of(model: "ModelEntry", request: GenerationRequest) -> "Variant | None":
    """Return the variant that replaces the model's path or arguments for a filled request."""
    if not model.variants:
        return None
    parameters = parameters_of(model, request)
    return next((entry for entry in model.variants if holds(entry.when, parameters)), None)


def unsent_fields(model: "ModelEntry", filled: GenerationRequest) -> list[str]:
    """Return the length and the size if the variant has no place for them, as with some edits."""
    variant = variant_of(model, filled)
    if variant is None or not variant.arguments:
        return []
    return without_place(model.choices, variant.arguments)


def with_setting(request: GenerationRequest, setting: Setting) -> GenerationRequest:
    size = full_size(request.size, setting.format)
    changes = {"seconds": setting.seconds, "size": size, "resolution": None, "aspect_ratio": None}
    return request.model_copy(update=changes)


def full_size(size: str | None, chosen: "Format | None") -> str | None:
    """Return the requested size, or the offered one if the width is missing."""
    if size is None or size.startswith("x"):
        return chosen.size if chosen else size
    return size
