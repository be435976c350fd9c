"""Values of a job for placeholders in templates; values in a reply at the pointers of a spec."""

import math
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import quote

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.parameters import format_of
from rushes.catalog.provider_config import FILE_NAMES, FileLimits
from rushes.catalog.sizes import resolution_and_aspect_ratio, width_and_height
from rushes.catalog.template import Placeholder, ValueOf, as_text, fill
from rushes.jobs.job import Job
from rushes.jobs.request import SEVERAL_ROLES, GenerationRequest, Role, StoredFile
from rushes.json_pointer import resolve_pointer
from rushes.ports.http import FileForm, JsonFile
from rushes.providers.json_files import as_json_file, within_limits

MAX_NUMBER = 10**300
MAX_NUMBER_CHARACTERS = 40


def values_of(job: Job, model: ModelEntry | None = None) -> ValueOf:
    """Return the values of a job's placeholders, spelled as the model requires."""
    request = job.request
    values: dict[str, Any] = {
        **request.provider_options,
        "model": job.upstream_model,
        "job_id": job.id,
        "prompt": request.prompt or None,
        "seconds": request.seconds,
        "frames": _frames(request, model),
        "seed": request.seed,
        "negative_prompt": request.negative_prompt,
        "generate_audio": request.generate_audio,
        **_values_of_size(request, model),
    }
    spelling = model.values if model else {}

    def value_of(placeholder: Placeholder) -> Any:  # noqa: ANN401 - any JSON value
        name = placeholder.name
        if name in FILE_NAMES:
            return _file(request, placeholder, model.files if model else None)
        value = values.get(name)
        if value is None:
            return None
        if name in spelling:
            value = spelling[name].get(as_text(value), value)
        return as_text(value) if placeholder.form == "text" else value

    return value_of


def _frames(request: GenerationRequest, model: ModelEntry | None) -> int | None:
    if model is None or model.frames is None or request.seconds is None:
        return None
    return model.frames.count(request.seconds)


def _values_of_size(request: GenerationRequest, model: ModelEntry | None) -> dict[str, Any]:
    """Return the pixels and names of the model's size that a requested one stands for.

    If the result has the shape of the input file, only the resolution is known.
    """
    size = request.size
    if model and not size and model.follows_input and model.resolutions:
        offered = format_of(model, request)
        return {"resolution": offered.resolution} if offered else {}
    chosen = model.format_of(size) if model and size else None
    if chosen is None:
        return {"size": size, **width_and_height(size), **resolution_and_aspect_ratio(size)}
    return {**chosen._asdict(), **width_and_height(chosen.size)}


def _file(request: GenerationRequest, placeholder: Placeholder, limits: FileLimits | None) -> Any:  # noqa: ANN401 - one or several
    """Return the file of a role, or a list for roles of which there may be several."""
    role = Role(placeholder.name)
    files = [_value(file, role, placeholder.form, limits) for file in request.files(role)]
    if role in SEVERAL_ROLES:
        return files or None
    return next(iter(files), None)


def _value(file: StoredFile, role: Role, form: str, limits: FileLimits | None) -> JsonFile | str:
    if form == "type":
        return file.content_type
    requested = cast("FileForm | None", form or None)
    if limits is None:
        return JsonFile(file, requested) if requested else as_json_file(file)
    return within_limits(file, role, requested, limits)


def fill_path(path: str, values: Mapping[str, Any]) -> str:
    """Fill a path; quoting keeps each value within one path segment or query value.

    Only `{path}`, the create path of a model, is not quoted.
    """

    def value_of(placeholder: Placeholder) -> str:
        value = as_text(values[placeholder.name])
        return value if placeholder.name == "path" else quote(value, safe=":")

    return str(fill(path, value_of))


def each(value: object, pointers: str, base: str = "") -> list[tuple[str, Any]]:
    """Return the values at a pointer with `*` steps, each with its own pointer below `base`.

    Null and empty text are left out.
    """
    head, has_star, rest = pointers.partition("/*")
    found, pointer = resolve_pointer(value, head), base + head
    if not has_star:
        return [] if found in (None, "") else [(pointer, found)]
    members = found if isinstance(found, list) else []
    return [
        leaf
        for number, member in enumerate(members)
        for leaf in each(member, rest, f"{pointer}/{number}")
    ]


def number(value: object) -> float | None:
    """Convert a number or its text; None for anything else, as it is only informative."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and len(value) > MAX_NUMBER_CHARACTERS:
        return None
    if isinstance(value, int):  # float() raises for a larger one
        value = min(max(value, -MAX_NUMBER), MAX_NUMBER)
    try:
        converted = float(value)
    except ValueError:
        return None
    return converted if math.isfinite(converted) else None


def reported_cost(value: object, unit: float = 1.0) -> float | None:
    """Return a cost in US dollars, `unit` per reported one; NaN if it is not a number."""
    if value is None:
        return None
    units = number(value)
    return math.nan if units is None else round(units * unit, 6)
