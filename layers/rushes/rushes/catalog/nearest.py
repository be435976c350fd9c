"""The nearest request that a model accepts, with other seconds or another size."""

import math
import re
from typing import TYPE_CHECKING

from rushes.catalog.parameters import (
    Setting,
    full_size,
    legal_settings,
    named_formats,
    settings_of,
    unsent_fields,
)
from rushes.catalog.sizes import (
    exact_ratio,
    is_near,
    ratio_of,
    resolution_name,
    size_of,
    width_and_height,
)
from rushes.catalog.validation import not_allowed, validate_and_fill
from rushes.jobs.request import GenerationRequest

if TYPE_CHECKING:
    from rushes.catalog.model_entry import Format, ModelEntry


COMPARABLE_SIZE = r"([1-9][0-9]{0,4})?x[1-9][0-9]{0,4}"


def nearest(
    model: "ModelEntry", request: GenerationRequest
) -> tuple[GenerationRequest, tuple[str, ...]]:
    request = _with_size(model, request)
    if request.size is not None and not re.fullmatch(COMPARABLE_SIZE, request.size):
        raise not_allowed(model, "size", request.size, model.sizes)
    free = request.model_copy(update={"seconds": None, "size": None})
    filled = validate_and_fill(model, free)
    own = model.format_of(request.size) if request.size else None
    legal = [*legal_settings(model, free), *(legal_settings(model, free, own) if own else ())]
    default = next(settings_of(model, free))
    best = min(legal, key=lambda setting: _distance(request, setting, own, default))
    size = filled.size
    if best.format and (request.size or size):  # without either, the size follows the input
        size = full_size(request.size, best.format) if best.format == own else best.format.size
    adapted = filled.model_copy(update={"seconds": best.seconds, "size": size})
    unsent = dict.fromkeys(unsent_fields(model, adapted))
    adapted = adapted.model_copy(update=unsent)
    changes = [
        _change(model, field, getattr(request, field), getattr(adapted, field))
        for field in ("seconds", "size")
        if getattr(request, field) not in (None, getattr(adapted, field))
        and not (field == "size" and _is_completed(request.size, adapted.size))
    ]
    return adapted, tuple(changes)


def _with_size(model: "ModelEntry", request: GenerationRequest) -> GenerationRequest:
    """Return the request with a size in place of names that no size of the model has."""
    names = (request.resolution, request.aspect_ratio)
    default = next(model.formats(), None)
    if request.size or names == (None, None) or default is None or named_formats(model, request):
        return request
    lines = resolution_name(request.resolution or default.resolution)
    try:
        size = size_of(lines, request.aspect_ratio or default.aspect_ratio)
    except (ValueError, ZeroDivisionError):  # no names of a size
        return request
    return request.model_copy(update={"size": size, "resolution": None, "aspect_ratio": None})


def _is_completed(size: str | None, used: str | None) -> bool:
    """Whether only the width was added to a size without one."""
    return bool(size and used and size.startswith("x") and used.endswith(size))


def _distance(
    request: GenerationRequest, setting: Setting, own: "Format | None", default: Setting
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
