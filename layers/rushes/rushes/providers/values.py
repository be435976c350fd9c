"""Fill the placeholders of a provider spec from a job; read values of its pointers from a reply."""

import math
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import quote

from rushes.catalog.provider_config import FILE_NAMES
from rushes.catalog.template import Placeholder, ValueOf, as_text, fill
from rushes.jobs.job import Job
from rushes.jobs.request import GenerationRequest, Role, StoredFile
from rushes.json_pointer import resolve_pointer
from rushes.ports.http import JsonFile
from rushes.providers.sizes import resolution_and_aspect_ratio, width_and_height

MAX_NUMBER = 10**300
MAX_NUMBER_CHARACTERS = 40


def values_of(job: Job) -> ValueOf:
    request = job.request
    values: dict[str, Any] = {
        "model": job.upstream_model,
        "job_id": job.id,
        "prompt": request.prompt or None,
        "seconds": request.seconds,
        "seed": request.seed,
        "negative_prompt": request.negative_prompt,
        "generate_audio": request.generate_audio,
        "size": request.size,
        **width_and_height(request.size),
        **resolution_and_aspect_ratio(request.size),
    }

    def value_of(placeholder: Placeholder) -> Any:  # noqa: ANN401 - any JSON value
        if placeholder.name in FILE_NAMES:
            return _file(request, placeholder)
        value = values.get(placeholder.name)
        return as_text(value) if placeholder.form == "text" and value is not None else value

    return value_of


def _file(request: GenerationRequest, placeholder: Placeholder) -> Any:  # noqa: ANN401 - one or several
    """Return the file of a role; for references a list, as there may be several."""
    role = Role(placeholder.name)
    files = [_json_file(file, placeholder.form) for file in request.files(role)]
    if role is Role.REFERENCE:
        return files or None
    return next(iter(files), None)


def _json_file(file: StoredFile, form: str) -> JsonFile:
    forms: dict[str, Literal["data_url", "base64", "link"]] = {"base64": "base64", "link": "link"}
    return JsonFile(file, forms.get(form, "data_url"))


def fill_path(path: str, values: Mapping[str, Any]) -> str:
    """Fill a path; quoting keeps each value within one path segment or query value."""
    return str(fill(path, lambda placeholder: quote(as_text(values[placeholder.name]), safe=":")))


def each(value: object, pointers: str) -> list[Any]:
    """Return the values at a pointer with `*` steps, without null and empty text."""
    head, has_star, rest = pointers.partition("/*")
    found = resolve_pointer(value, head)
    if not has_star:
        return [] if found in (None, "") else [found]
    members = found if isinstance(found, list) else []
    return [leaf for member in members for leaf in each(member, rest)]


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
