"""Validate a request against a model, fill its defaults, or find the nearest that it accepts."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations as subsets
from typing import TYPE_CHECKING, Any, NamedTuple

from rushes.catalog.conditions import INPUT, Condition, Parameters, holds, violated
from rushes.catalog.prices import ASSUMED_INPUT_SECONDS, Quantities, rounded_up
from rushes.catalog.provider_config import SIZE_NAMES
from rushes.catalog.sizes import exact_ratio, is_near, ratio_of, width_and_height
from rushes.catalog.template import placeholders
from rushes.errors import InvalidRequest
from rushes.jobs.request import GenerationRequest, Input, Role

if TYPE_CHECKING:
    from rushes.catalog.model_entry import Format, ModelEntry, Variant

NEUTRAL_OPTIONS = ("seed", "negative_prompt", "generate_audio")
"""Optional fields that `GenerationRequest` has; other options are the provider's own."""
SIZE_FIELDS = frozenset({"resolution", "aspect_ratio"})
"""Fields of rules that a request states by its size."""
CARRIERS = {"seconds": frozenset({"seconds", "frames"}), "size": SIZE_NAMES}
"""Placeholders of arguments, one of which has a field."""
COMPARABLE_SIZE = r"([1-9][0-9]{0,4})?x[1-9][0-9]{0,4}"
IMAGE_ROLES = frozenset({Role.IMAGE, Role.LAST_FRAME, Role.REFERENCE})
VISUAL_ROLES = IMAGE_ROLES | {Role.SOURCE_VIDEO}


class Combination(NamedTuple):
    """A combination of parameters that a model accepts."""

    seconds: int | None
    size: str | None
    generate_audio: bool | None
    roles: tuple[Role, ...]


class _Setting(NamedTuple):
    seconds: int | None
    format: "Format | None"


def validate_and_fill(model: "ModelEntry", request: GenerationRequest) -> GenerationRequest:
    _validate_prompt(model, request.prompt)
    _validate_seconds(model, request.seconds)
    _validate_size(model, request.size)
    _validate_options(model, request)
    _validate_references(model, request)
    filled = _with_setting(request, _first_legal(model, request))
    if model.follows_input and request.size is None and _roles(request) & VISUAL_ROLES:
        filled = filled.model_copy(update={"size": None})
    for field in _unsent_fields(model, filled):
        if getattr(request, field) is not None:
            files = " and ".join(sorted(_roles(request))) or "no file"
            raise InvalidRequest(f"{model.name} does not accept {field} with {files}", param=field)
        filled = filled.model_copy(update={field: None})
    return filled


def variant_of(model: "ModelEntry", request: GenerationRequest) -> "Variant | None":
    """Return the variant that replaces the model's path or arguments for a filled request."""
    if not model.variants:
        return None
    parameters = parameters_of(model, request)
    return next((entry for entry in model.variants if holds(entry.when, parameters)), None)


def _unsent_fields(model: "ModelEntry", filled: GenerationRequest) -> list[str]:
    """Return the length and the size if the variant has no place for them, as with some edits."""
    variant = variant_of(model, filled)
    if variant is None or not variant.arguments:
        return []
    names = {placeholder.name for placeholder in placeholders(variant.arguments)}
    choices = {"seconds": model.seconds, "size": model.sizes}
    return [
        field
        for field, carriers in CARRIERS.items()
        if len(choices[field]) > 1 and not names & carriers
    ]


def nearest(
    model: "ModelEntry", request: GenerationRequest
) -> tuple[GenerationRequest, tuple[str, ...]]:
    if request.size is not None and not re.fullmatch(COMPARABLE_SIZE, request.size):
        raise _not_allowed(model, "size", request.size, model.sizes)
    free = request.model_copy(update={"seconds": None, "size": None})
    filled = validate_and_fill(model, free)
    own = model.format_of(request.size) if request.size else None
    settings = [*_settings(model, free), *(_settings(model, free, own) if own else ())]
    legal = [setting for setting in settings if _is_legal(model, free, setting)]
    best = min(legal, key=lambda setting: _distance(request, setting, own, settings[0]))
    size = filled.size
    if best.format and (request.size or size):  # without either, the size follows the input
        size = _full_size(request.size, best.format) if best.format == own else best.format.size
    adapted = filled.model_copy(update={"seconds": best.seconds, "size": size})
    unsent = dict.fromkeys(_unsent_fields(model, adapted))
    adapted = adapted.model_copy(update=unsent)
    changes = [
        _change(model, field, getattr(request, field), getattr(adapted, field))
        for field in ("seconds", "size")
        if getattr(request, field) not in (None, getattr(adapted, field))
        and not (field == "size" and _is_completed(request.size, adapted.size))
    ]
    return adapted, tuple(changes)


def price(model: "ModelEntry", request: GenerationRequest) -> float:
    setting = _Setting(
        request.seconds or next(iter(model.seconds), None), format_of(model, request)
    )
    parameters = parameters_of(model, request, setting)
    row = next(row for row in model.price_rows if holds(row.when, parameters))
    quantities = Quantities(
        seconds=setting.seconds or 0,
        size=request.size or (setting.format.size if setting.format else None),
        characters=len(request.prompt),
        input_images=sum(file.role in IMAGE_ROLES for file in request.inputs),
        input_seconds=model.max_input_seconds or ASSUMED_INPUT_SECONDS,
        outputs=_outputs(model, parameters),
    )
    return rounded_up(row.dollars(quantities))


def format_of(model: "ModelEntry", request: GenerationRequest) -> "Format | None":
    """Return the offered size of a request; without a size, the first that the rules allow."""
    if request.size:
        return model.format_of(request.size)
    settings = list(_settings(model, request))
    legal = (setting for setting in settings if _is_legal(model, request, setting))
    return next(legal, settings[0]).format


def parameters_of(
    model: "ModelEntry", request: GenerationRequest, setting: _Setting | None = None
) -> dict[str, Any]:
    """Return the parameters of a request by the names that conditions use."""
    if setting is None:
        is_sized = request.size or model.follows_input
        chosen = format_of(model, request) if is_sized else None
        setting = _Setting(request.seconds, chosen)
    defaults = {name: option.default for name, option in model.options.items()}
    return {
        **{name: value for name, value in defaults.items() if value is not None},
        **options_of(request),
        "seconds": setting.seconds,
        "size": setting.format.size if setting.format else request.size,
        "resolution": setting.format.resolution if setting.format else None,
        "aspect_ratio": setting.format.aspect_ratio if setting.format else None,
        INPUT: frozenset(role.value for role in _roles(request)),
    }


def options_of(request: GenerationRequest) -> dict[str, Any]:
    """Return the options that a request has, by name."""
    neutral = {name: getattr(request, name) for name in NEUTRAL_OPTIONS}
    return {
        **{name: value for name, value in neutral.items() if value is not None},
        **request.provider_options,
    }


def allowed_combinations(model: "ModelEntry") -> Iterator[Combination]:
    """Yield each combination of seconds, size, audio and input files that the model accepts."""
    for roles in _role_sets(model):
        for audio in (None, True, False) if "generate_audio" in model.options else (None,):
            inputs = tuple(Input(role=role) for role in roles)
            request = GenerationRequest(model=model.name, generate_audio=audio, inputs=inputs)
            legal = (
                entry for entry in _settings(model, request) if _is_legal(model, request, entry)
            )
            sent = dict.fromkeys(_sent_values(model, request, setting) for setting in legal)
            for seconds, size in sent:
                yield Combination(seconds, size, audio, roles)


def _sent_values(
    model: "ModelEntry", request: GenerationRequest, setting: _Setting
) -> tuple[int | None, str | None]:
    """Return the length and the size of a setting, None if the arguments have no place for it."""
    filled = _with_setting(request, setting)
    sent = filled.model_copy(update=dict.fromkeys(_unsent_fields(model, filled)))
    return sent.seconds, sent.size


def _role_sets(model: "ModelEntry") -> Iterator[tuple[Role, ...]]:
    optional = [role for role in model.inputs if role not in model.needs]
    for count in range(len(optional) + 1):
        for chosen in subsets(optional, count):
            yield (*model.needs, *chosen)


def _roles(request: GenerationRequest) -> frozenset[Role]:
    return frozenset(entry.role for entry in request.inputs)


def _settings(
    model: "ModelEntry", request: GenerationRequest, chosen: "Format | None" = None
) -> Iterator[_Setting]:
    """Yield the values of seconds and size that the request leaves open, the defaults first.

    `chosen` replaces the sizes of the model.
    """
    seconds: Sequence[int | None] = (
        (request.seconds,) if request.seconds is not None else model.seconds or (None,)
    )
    formats: Sequence[Format | None] = (
        (model.format_of(request.size),) if request.size else tuple(model.formats()) or (None,)
    )
    formats = (chosen,) if chosen else formats
    for length in seconds:
        for size in formats:
            yield _Setting(length, size)


def _first_legal(model: "ModelEntry", request: GenerationRequest) -> _Setting:
    settings = list(_settings(model, request))
    for setting in settings:
        if _is_legal(model, request, setting):
            return setting
    raise _refusal(model, parameters_of(model, request, settings[0]))


def _is_legal(model: "ModelEntry", request: GenerationRequest, setting: _Setting) -> bool:
    if not model.rules:
        return True
    return _broken_rule(model, parameters_of(model, request, setting)) is None


def _broken_rule(
    model: "ModelEntry", parameters: Parameters
) -> tuple[Condition, Condition, str] | None:
    """Return the conditions of the first broken rule and the field that breaks it."""
    for rule in model.rules:
        if not holds(rule.when, parameters):
            continue
        missing = [role.value for role in rule.needs if role.value not in parameters[INPUT]]
        if missing:
            return rule.when, {INPUT: tuple(missing)}, missing[0]
        if field := violated(rule.allow, parameters):
            return rule.when, rule.allow, field
    return None


def _refusal(model: "ModelEntry", parameters: Parameters) -> InvalidRequest:
    broken = _broken_rule(model, parameters)
    if broken is None:  # cannot happen: the caller found no legal setting
        return InvalidRequest(f"{model.name} does not accept this combination")
    when, allow, field = broken
    reason = f" with {_described(when, parameters)}" if when else ""
    if field not in allow:  # a required file
        return InvalidRequest(f"{model.name} requires {field}{reason}", param=field)
    allowed = ", ".join(_text(value) for value in allow[field])
    if field == INPUT:
        extra = min(set(parameters[INPUT]) - set(allow[INPUT]))
        return InvalidRequest(f"{model.name} does not accept {extra}{reason}", param=extra)
    message = f"{field} must be one of {allowed}{reason} (got {_text(parameters[field])})"
    return InvalidRequest(message, param="size" if field in SIZE_FIELDS else field)


def _described(when: Condition, parameters: Parameters) -> str:
    """Describe the condition by the request's own values."""
    parts = []
    for field, values in when.items():
        if field == INPUT:
            given = sorted(set(values).intersection(parameters[INPUT])) or ["no file"]
            parts.append(" and ".join(map(str, given)))
        else:
            parts.append(f"{field} {_text(parameters[field])}")
    return ", ".join(parts)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)[:40]


def _with_setting(request: GenerationRequest, setting: _Setting) -> GenerationRequest:
    size = _full_size(request.size, setting.format)
    return request.model_copy(update={"seconds": setting.seconds, "size": size})


def _full_size(size: str | None, chosen: "Format | None") -> str | None:
    """Return the requested size, or the offered one if the width is missing."""
    if size is None or size.startswith("x"):
        return chosen.size if chosen else size
    return size


def _is_completed(size: str | None, used: str | None) -> bool:
    """Whether only the width was added to a size without one."""
    return bool(size and used and size.startswith("x") and used.endswith(size))


def _distance(
    request: GenerationRequest, setting: _Setting, own: "Format | None", default: _Setting
) -> tuple[float, float, float]:
    """Compare by aspect ratio, then length, then number of pixels.

    Ratios are compared by their names: 1792x1024 is nearer to 1920x1080 than to 864x496. `own` is
    the format of the requested size, if the model has it.
    """
    length = abs((request.seconds or 0) - (setting.seconds or 0)) if request.seconds else 0
    size, offered = request.size, setting.format
    if size is None or offered is None or offered == own:
        return 0, length, 0
    if size.startswith("x"):  # the width is the model's choice
        is_other_shape = default.format and offered.aspect_ratio != default.format.aspect_ratio
        height = width_and_height(offered.size)["height"]
        return bool(is_other_shape), length, abs(math.log(int(size[1:]) / height))
    ratio = exact_ratio(size)
    shape_distance = abs(math.log(ratio / ratio_of(offered.aspect_ratio)))
    pixels = abs(math.log(_pixels(size) / _pixels(offered.size)))
    return 0 if is_near(ratio, offered.aspect_ratio) else shape_distance, length, pixels


def _pixels(size: str) -> int:
    return math.prod(width_and_height(size).values())


def _change(model: "ModelEntry", field: str, requested: object, used: object) -> str:
    if used is None:
        return f"{field} {requested} was ignored: {model.name} does not accept {field}"
    return f"{field} {requested} was changed to {used}, the nearest that {model.name} accepts"


def _outputs(model: "ModelEntry", parameters: Parameters) -> int:
    count = parameters.get(model.count_option) if model.count_option else None
    return count if isinstance(count, int) and count > 0 else 1


def _validate_prompt(model: "ModelEntry", prompt: str) -> None:
    if model.needs_prompt and not prompt.strip():
        raise InvalidRequest("prompt must not be empty", param="prompt")
    if len(prompt) > model.prompt_characters:
        limit = f"at most {model.prompt_characters} characters"
        raise InvalidRequest(f"prompt must have {limit} (got {len(prompt)})", param="prompt")


def _validate_seconds(model: "ModelEntry", seconds: int | None) -> None:
    if seconds is not None and seconds not in model.seconds:
        raise _not_allowed(model, "seconds", seconds, sorted(model.seconds))


def _validate_size(model: "ModelEntry", size: str | None) -> None:
    if size is not None and model.format_of(size) is None:
        raise _not_allowed(model, "size", size, model.sizes)


def _not_allowed(
    model: "ModelEntry", field: str, value: object, allowed: Sequence[str | int]
) -> InvalidRequest:
    if not allowed:
        return InvalidRequest(f"{model.name} does not accept {field}", param=field)
    choices = ", ".join(map(str, allowed))
    message = f"{field} must be one of {choices} (got {str(value)[:40]})"
    return InvalidRequest(message, param=field)


def _validate_options(model: "ModelEntry", request: GenerationRequest) -> None:
    given: Mapping[str, Any] = options_of(request)
    for name, value in given.items():
        option = model.options.get(name)
        if option is None:
            raise InvalidRequest(f"{model.name} does not accept {name[:80]}", param=name[:80])
        if error := option.error(value):
            raise InvalidRequest(f"{name} {error} (got {_text(value)})", param=name)
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
