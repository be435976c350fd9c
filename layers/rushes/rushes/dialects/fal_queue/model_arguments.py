"""Translate the arguments of one of fal's models, which the template of the catalog names.

fal's models name the same thing differently: the first frame is `image_url`, `start_image_url` or
`first_frame_url`, a length of 8 seconds is `8`, `"8"`, `"8s"` or a number of frames.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rushes.catalog.model_entry import Frames, ModelEntry
from rushes.catalog.models import Catalog
from rushes.catalog.provider_config import FILE_NAMES
from rushes.catalog.template import Placeholder, as_text, placeholders
from rushes.dialects.input_files import FileField
from rushes.dialects.validation import MAX_LIST, Integer, StrictModel, shown, validate
from rushes.errors import InvalidRequest, UnknownModel
from rushes.jobs.request import Role

PROTOCOL = "fal"
NAMES = {"seconds": "duration", "size": "video_size"}
"""Names that most of fal's models share, by placeholder; other placeholders have the same name."""
NEUTRAL = frozenset({"prompt", "seed", "negative_prompt", "generate_audio"})
FRAME_RATES = frozenset({"fps", "frames_per_second", "frame_rate"})
MAX_RATE = 120


class _Count(StrictModel):
    value: Integer


@dataclass
class Translated:
    """Arguments under the names that most of fal's models share, and the rest."""

    shared: dict[str, Any] = field(default_factory=dict)
    files: list[FileField] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    exact: dict[str, Any] = field(default_factory=dict)
    """Arguments that the model gets as they are."""
    names: dict[str, str] = field(default_factory=dict)
    """The client's names of `shared`."""

    def share(self, name: str, value: Any, own: str) -> None:  # noqa: ANN401 - any JSON value
        if name in self.shared:
            raise InvalidRequest(
                f"{own} and {self.names[name]} are mutually exclusive", param=own[:80]
            )
        self.shared[name], self.names[name] = value, own


def find_model(catalog: Catalog, name: str) -> ModelEntry | None:
    """Return fal's model of a name or alias; None if other vendors' models have the name."""
    try:
        models = catalog.resolve(name)
    except UnknownModel:
        return None
    named = (model for model in models if catalog.providers[model.provider].protocol == PROTOCOL)
    return next((model for model in named if model.arguments), None)


def translate(model: ModelEntry, fields: Mapping[str, Any]) -> Translated:
    found = Translated()
    for name, value in fields.items():
        if _is_other(model, name, value):
            found.exact[name] = value
        elif name in model.arguments:
            _read(found, model, name, value)
        elif name in model.options and name not in NEUTRAL:
            found.options[name] = value
        else:
            found.share(name, value, name)
    _add_length(found, model, fields)
    return found


def file_argument(model: ModelEntry, role: Role) -> str | None:
    """Return the model's argument for a file."""
    return next(
        (
            name
            for name, template in model.arguments.items()
            if any(placeholder.name == role for placeholder in placeholders(template))
        ),
        None,
    )


def _is_other(model: ModelEntry, name: str, value: Any) -> bool:  # noqa: ANN401 - any JSON value
    return any(
        value == other and isinstance(value, bool) == isinstance(other, bool)
        for other in model.other_values.get(name, ())
    )


def _read(found: Translated, model: ModelEntry, name: str, value: Any) -> None:  # noqa: ANN401 - any JSON value
    template = model.arguments[name]
    placeholder = next(placeholders(template), None)
    if placeholder is None:
        _read_constant(found, name, template, value)
    elif placeholder.name in FILE_NAMES:
        _read_files(found, name, template, value)
    elif placeholder.name == "frames":
        found.exact[name] = _count(name, value)
    elif placeholder.name in ("width", "height", "size"):
        if isinstance(value, str) and not isinstance(template, str):
            found.exact[name] = value  # one of fal's named sizes
        found.share("video_size", value, name)
    else:
        shared = NAMES.get(placeholder.name, placeholder.name)
        found.share(shared, _neutral_value(model, placeholder, value), name)


def _neutral_value(model: ModelEntry, placeholder: Placeholder, value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value that the model spells as the client did."""
    for neutral, spelling in model.values.get(placeholder.name, {}).items():
        if as_text(spelling) == as_text(value):
            return neutral
    return value


def _read_constant(found: Translated, name: str, constant: Any, value: Any) -> None:  # noqa: ANN401 - any JSON value
    if value == constant and isinstance(value, bool) == isinstance(constant, bool):
        return
    if name not in FRAME_RATES:
        raise InvalidRequest(
            f"{name} must be {as_text(constant)} (got {shown(value)})",
            param=name,
            kind="literal_error",
        )
    rate = _count(name, value)
    if not 1 <= rate <= MAX_RATE:
        raise InvalidRequest(
            f"{name} must be between 1 and {MAX_RATE} (got {shown(value)})",
            param=name,
            kind="less_than_equal" if rate > MAX_RATE else "greater_than_equal",
        )
    found.exact[name] = value


def _count(name: str, value: Any) -> int:  # noqa: ANN401 - any JSON value
    try:
        return validate(_Count, {"value": value}).value
    except InvalidRequest as error:
        message = error.message.replace("value", name, 1)
        raise InvalidRequest(message, param=name, kind=error.kind) from None


def _read_files(found: Translated, name: str, template: Any, value: Any) -> None:  # noqa: ANN401 - any JSON value
    if isinstance(template, list | tuple):
        for number, member in enumerate(_members(name, value, limit=1)):
            _read_files(found, f"{name}.{number}", template[0], member)
    elif isinstance(template, dict):
        _read_object(found, name, template, value)
    else:
        role = Role(next(placeholders(template)).name)
        is_list = role is Role.REFERENCE
        members = _members(name, value) if is_list else [value]
        found.files += [(name, role, member) for member in members]


def _read_object(found: Translated, name: str, template: dict[str, Any], value: Any) -> None:  # noqa: ANN401 - any JSON value
    if not isinstance(value, dict) or not value.keys() <= template.keys():
        names = ", ".join(template)
        raise InvalidRequest(f"{name} must be an object of {names}", param=name, kind="dict_type")
    for key, member in value.items():
        _read_files(found, f"{name}.{key}", template[key], member)


def _members(name: str, value: Any, limit: int = MAX_LIST) -> list[Any]:  # noqa: ANN401 - any JSON value
    if not isinstance(value, list):
        raise InvalidRequest(
            f"{name} must be a list (got {shown(value)})", param=name, kind="list_type"
        )
    if len(value) > limit:
        members = "member" if limit == 1 else "members"
        raise InvalidRequest(
            f"{name} must have at most {limit} {members}", param=name, kind="too_long"
        )
    return value


def _add_length(found: Translated, model: ModelEntry, fields: Mapping[str, Any]) -> None:
    """Add the seconds of a number of frames, and drop the number if they stand for it."""
    name = next((name for name, template in model.arguments.items() if _counts(template)), "")
    frames = model.frames
    if frames is None or name not in found.exact:
        return
    count = found.exact[name]
    if not frames.min <= count <= frames.max:
        raise InvalidRequest(
            f"{name} must be between {frames.min} and {frames.max} (got {count})",
            param=name,
            kind="less_than_equal" if count > frames.max else "greater_than_equal",
        )
    rates = [float(found.exact[rate]) for rate in FRAME_RATES & found.exact.keys()]
    seconds = _seconds_of(count, frames, model.seconds, rates[0] if rates else None)
    if not rates and frames.count(seconds) == count:
        del found.exact[name]
    else:
        found.exact[name] = fields[name]
    found.share("duration", seconds, name)


def _counts(template: Any) -> bool:  # noqa: ANN401 - any JSON value
    return any(placeholder.name == "frames" for placeholder in placeholders(template))


def _seconds_of(count: int, frames: Frames, allowed: tuple[int, ...], rate: float | None) -> int:
    """Return the length to which a number of frames is rounded up, for its price."""
    if rate is None:
        exact = [seconds for seconds in allowed if frames.count(seconds) == count]
        if exact:
            return exact[0]
    needed = math.ceil(count / (rate or frames.fps))
    return min((seconds for seconds in allowed if seconds >= needed), default=max(allowed))
