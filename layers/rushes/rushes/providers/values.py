"""What placeholders of a described provider stand for, and what its pointers lead to."""

import math
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import quote

from rushes.catalog.provider_config import FILES
from rushes.catalog.template import Placeholder, ValueOf, as_text, fill
from rushes.jobs.job import Job
from rushes.jobs.request import GenerationRequest, Role, StoredFile
from rushes.json_pointer import resolve_pointer
from rushes.ports import JsonFile
from rushes.providers.sizes import aspect_ratio, resolution, width_and_height


def values_of(job: Job) -> ValueOf:
    request = job.request
    words: dict[str, Any] = {
        "model": job.upstream_model,
        "job_id": job.id,
        "prompt": request.prompt or None,
        "seconds": request.seconds,
        "seed": request.seed,
        "negative_prompt": request.negative_prompt,
        "generate_audio": request.generate_audio,
        **_shapes(request.size),
    }

    def value_of(placeholder: Placeholder) -> Any:  # noqa: ANN401 - any JSON value
        if placeholder.name in FILES:
            return _file(request, placeholder)
        value = words.get(placeholder.name)
        return as_text(value) if placeholder.form == "text" and value is not None else value

    return value_of


def _shapes(size: str | None) -> dict[str, Any]:
    if size is None:
        return {}
    width, height = width_and_height(size)
    shapes = {"aspect_ratio": aspect_ratio(size), "resolution": resolution(size)}
    return {"size": size, "width": width, "height": height, **shapes}


def _file(request: GenerationRequest, placeholder: Placeholder) -> Any:  # noqa: ANN401 - one or several
    """The file of a role; of references there may be several, so they are a list."""
    role = Role(placeholder.name)
    found = [_json_file(file, placeholder.form) for file in request.files(role)]
    if role is Role.REFERENCE:
        return found or None
    return next(iter(found), None)


def _json_file(file: StoredFile, form: str) -> JsonFile:
    forms: dict[str, Literal["data_url", "base64", "link"]] = {"base64": "base64", "link": "link"}
    return JsonFile(file, forms.get(form, "data_url"))


def fill_path(path: str, values: Mapping[str, Any]) -> str:
    """The path with values in it, each of them one segment, or one value of the query."""
    return str(fill(path, lambda placeholder: quote(as_text(values[placeholder.name]), safe=":")))


def each(value: object, pointers: str) -> list[Any]:
    """All that pointers lead to; where nothing is, nothing."""
    head, several, rest = pointers.partition("/*")
    found = resolve_pointer(value, head)
    if not several:
        return [] if found in (None, "") else [found]
    return [it for entry in found for it in each(entry, rest)] if isinstance(found, list) else []


def number(value: object) -> float | None:
    """A number, also one written as text; None for anything else: it only informs."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    return found if math.isfinite(found) else None
