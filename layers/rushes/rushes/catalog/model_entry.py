"""A model of the catalog: its fields, limits, arguments and prices."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from rushes.catalog import estimates, nearest, validation
from rushes.catalog.conditions import Condition, Value
from rushes.catalog.options import Option
from rushes.catalog.parameters import NEUTRAL_OPTIONS
from rushes.catalog.prices import Dollars, PriceRow
from rushes.catalog.provider_config import (
    FILE_FORMS,
    FILE_NAMES,
    SIZE_NAMES,
    VALUE_FORMS,
    VALUE_NAMES,
    FileLimits,
    without_place,
)
from rushes.catalog.sizes import (
    RATIOS_OF_INPUT,
    aspect_ratio,
    exact_ratio,
    is_near,
    lines_of,
    resolution,
    size_of,
    width_and_height,
)
from rushes.catalog.template import placeholders
from rushes.errors import InvalidRequest
from rushes.jobs.request import GenerationRequest, Role
from rushes.jobs.stored_job import formerly

SIZE_PATTERN = r"^[1-9]\d{1,4}x[1-9]\d{1,4}$"
Size = Annotated[str, Field(pattern=SIZE_PATTERN)]
Resolution = Annotated[str, Field(pattern=r"^[1-9]\d{1,3}p$")]
AspectRatio = Annotated[str, Field(pattern=r"^[1-9]\d?:[1-9]\d?$")]
Seconds = Annotated[int, Field(ge=1, le=3600)]
Modality = Literal["video", "image", "audio", "transcription"]
Duration = Annotated[float, Field(gt=0, le=7 * 24 * 3600, allow_inf_nan=False)]
"""In seconds."""


class Frames(BaseModel):
    """Conversion of seconds to a number of frames: a multiple of `step` plus `offset`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fps: Annotated[int, Field(ge=1, le=240)]
    step: Annotated[int, Field(ge=1)] = 1
    offset: Annotated[int, Field(ge=0)] = 0
    min: Annotated[int, Field(ge=1)] = 1
    max: Annotated[int, Field(ge=1)] = 100_000

    def count(self, seconds: int) -> int:
        steps = round((seconds * self.fps - self.offset) / self.step)
        return min(max(steps * self.step + self.offset, self.min), self.max)


class Rule(BaseModel):
    """Allowed combination: if `when` holds, `allow` must hold and `needs` must be given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    when: Condition = {}
    allow: Condition = {}
    needs: tuple[Role, ...] = ()


class Variant(BaseModel):
    """Create path and arguments of the requests for which `when` holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    when: Condition
    path: str = ""
    arguments: dict[str, Any] = {}


class Format(NamedTuple):
    """A size that a model offers, with the neutral names of its resolution and aspect ratio."""

    size: str
    resolution: str
    aspect_ratio: str


class ModelEntry(BaseModel):
    """A model.

    The first value of `seconds`, `sizes`, `resolutions` and `aspect_ratios` is the default. A model
    without `seconds`, or without sizes, does not accept that field.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9_-]+/\S+$")]
    upstream_model: str = ""
    modality: Modality = "video"
    inputs: tuple[Role, ...] = ()
    """Roles of files that the model accepts."""
    needs: tuple[Role, ...] = ()
    """Roles of files that the model requires."""
    max_references: Annotated[int, Field(ge=1, le=64)] = 16
    needs_prompt: bool = True
    prompt_characters: Annotated[int, Field(ge=1, le=32_000)] = 32_000
    seconds: tuple[Seconds, ...] = ()
    sizes: tuple[Size, ...] = ()
    """Derived from `resolutions` and `aspect_ratios` if absent; else in their order."""
    resolutions: tuple[Resolution, ...] = ()
    aspect_ratios: tuple[AspectRatio, ...] = ()
    """Without them, a model with `resolutions` follows the ratio of the input file."""
    follows_input: bool = False
    """Leave the shape to the provider if a request has an image or a video, but no size."""
    options: dict[str, Option] = {}
    rules: tuple[Rule, ...] = ()
    path: str = ""
    """Path of the create call, at vendors with one path per kind of generation."""
    arguments: dict[str, Any] = {}
    """Template of the arguments; without it the adapter uses its own names."""
    values: dict[str, dict[str, Any]] = {}
    """Spelling of neutral values at the provider, by placeholder."""
    other_values: dict[str, tuple[Value, ...]] = {}
    """Values of the vendor's arguments that no neutral field expresses, such as `auto`."""
    frames: Frames | None = None
    variants: tuple[Variant, ...] = ()
    files: FileLimits | None = None
    price_per_second: Dollars = 0.0
    price_per_job: Dollars = 0.0
    prices: tuple[PriceRow, ...] = ()
    """If none of the rows applies, `price_per_second` and `price_per_job` do."""
    max_input_seconds: Duration | None = None
    """Longest source video or sound that the provider accepts: estimates assume it."""
    count_option: str = ""
    """Option with the number of outputs, each of which is billed."""
    price_source: str = ""
    price_date: str = ""
    price_unknown: str = ""
    """Reason for which the price is unknown."""
    typical_seconds: Duration = 60
    typical_source: str = ""
    deadline_seconds: Duration = 3600
    queue_timeout_seconds: Duration | None = formerly(
        "queue_timeout_seconds", "queue_seconds", default=None
    )
    """Longest wait for the provider before a job with fallbacks moves to its next model.

    It limits the time until the provider accepts the job, and its time in the provider's queue.
    Default: 15 seconds while the provider throttles create calls, and no limit in its queue.
    """

    @property
    def provider(self) -> str:
        return self.name.partition("/")[0]

    @property
    def model_at_provider(self) -> str:
        return self.upstream_model or self.name.partition("/")[2]

    @property
    def capabilities(self) -> frozenset[str]:
        """Fields with a choice, file roles and neutral options, by their names in a request."""
        neutral = set(NEUTRAL_OPTIONS).intersection(self.options)
        return frozenset({*self.choices, *self.inputs, *neutral})

    @property
    def choices(self) -> tuple[str, ...]:
        """The fields `seconds` and `size`, if the model accepts several values of them."""
        values = {"seconds": self.seconds, "size": self.sizes}
        return tuple(name for name, allowed in values.items() if len(allowed) > 1)

    @property
    def price_rows(self) -> tuple[PriceRow, ...]:
        """`prices`, and the row of `price_per_second` and `price_per_job` for the rest."""
        rest = PriceRow(per_second=self.price_per_second, per_job=self.price_per_job)
        return *self.prices, rest

    def formats(self) -> Iterator[Format]:
        """Yield the sizes of the model, the default first."""
        if not self.resolutions:
            for size in self.sizes:
                yield Format(size, resolution(size), aspect_ratio(size))
            return
        ratios = self.aspect_ratios or RATIOS_OF_INPUT
        pairs = [(lines, ratio) for lines in self.resolutions for ratio in ratios]
        for size, (lines, ratio) in zip(self.sizes, pairs, strict=True):
            yield Format(size, lines, ratio)

    def format_of(self, size: str) -> Format | None:
        """Return the offered size that a requested one stands for.

        A size of a model with resolutions matches if its shorter side does and its ratio is close.
        """
        for offered in self.formats():
            if offered.size == size or (size.startswith("x") and offered.size.endswith(size)):
                return offered
        if not self.resolutions or not re.fullmatch(SIZE_PATTERN, size):
            return None
        shorter, ratio = min(width_and_height(size).values()), exact_ratio(size)
        for offered in self.formats():
            if lines_of(offered.resolution) != shorter:
                continue
            if not self.aspect_ratios:
                return Format(size, offered.resolution, aspect_ratio(size))
            if is_near(ratio, offered.aspect_ratio):
                return offered
        return None

    def validate_and_fill(self, request: GenerationRequest) -> GenerationRequest:
        """Return the request with defaults for absent fields.

        Raises
        ------
        InvalidRequest
            If the model does not accept a field, its value or the combination; `param` names the
            field.
        """
        return validation.validate_and_fill(self, request)

    def accepts(self, request: GenerationRequest) -> bool:
        """Whether the model accepts the request, apart from `validate_inputs`."""
        try:
            self.validate_and_fill(request)
        except InvalidRequest:
            return False
        return True

    def nearest(self, request: GenerationRequest) -> tuple[GenerationRequest, tuple[str, ...]]:
        """Return the request with the nearest accepted seconds and size, and a warning per change.

        Raises
        ------
        InvalidRequest
            If the model does not accept another field.
        """
        return nearest.nearest(self, request)

    def validate_inputs(self, given: Mapping[Role, str]) -> None:
        """Refuse files that the model does not accept, and requests without a required file.

        `given` maps the role of each file to the request field that contained it.
        """
        for role, field in given.items():
            if role not in self.inputs:
                message = f"{self.name} does not accept {role.value}"
                raise InvalidRequest(message, param=field, kind="extra_forbidden")
        for role in self.needs:
            if role not in given:
                message = f"{self.name} requires {role.value}"
                raise InvalidRequest(message, param=role.value, kind="missing")

    def price(self, request: GenerationRequest) -> float:
        """Return the US dollars for a filled request; rounded up to micro-dollars."""
        return estimates.price(self, request)

    @field_validator("seconds", mode="before")
    @classmethod
    def _expand_range(cls, value: object) -> object:
        """Expand `{min, max, step, default}`."""
        if not isinstance(value, Mapping):
            return value
        bounds = _SecondsRange.model_validate(value)
        allowed = list(range(bounds.min, bounds.max + 1, bounds.step))
        if bounds.default is None:
            return allowed
        if bounds.default not in allowed:
            raise ValueError(f"default must be one of {allowed} (got {bounds.default})")
        return [bounds.default, *(second for second in allowed if second != bounds.default)]

    @field_validator("options", mode="before")
    @classmethod
    def _expand_names(cls, value: object) -> object:
        """Accept a list of names: options without a declared type."""
        return dict.fromkeys(value, Option()) if isinstance(value, list | tuple) else value

    @model_validator(mode="before")
    @classmethod
    def _derive_sizes(cls, value: Any) -> Any:  # noqa: ANN401 - any input
        if not isinstance(value, Mapping) or value.get("sizes") or not value.get("resolutions"):
            return value
        ratios = value.get("aspect_ratios") or RATIOS_OF_INPUT
        try:
            sizes = [size_of(lines, ratio) for lines in value["resolutions"] for ratio in ratios]
        except (ValueError, TypeError, AttributeError):  # the fields' own errors say more
            return value
        return {**value, "sizes": tuple(sizes)}

    @model_validator(mode="after")
    def _validate_sizes(self) -> Self:
        if self.resolutions:
            count = len(self.resolutions) * len(self.aspect_ratios or RATIOS_OF_INPUT)
            if len(self.sizes) != count:
                raise ValueError(
                    f"sizes must have one entry per resolution and aspect ratio, {count}"
                    f" (got {len(self.sizes)})"
                )
        elif self.aspect_ratios:
            raise ValueError("aspect_ratios requires resolutions")
        return self

    @model_validator(mode="after")
    def _validate_price(self) -> Self:
        timed = self.price_per_second or any(
            row.per_second or row.per_megapixel_second for row in self.prices
        )
        if timed and not self.seconds:
            raise ValueError("price_per_second requires seconds; use price_per_job")
        if self.price_unknown and self.prices:
            raise ValueError("price_unknown excludes prices")
        return self

    @model_validator(mode="after")
    def _validate_arguments(self) -> Self:
        """Check that the arguments have a place for each field that the model accepts."""
        if not self.arguments:
            return self
        templates = [self.arguments, *(variant.arguments for variant in self.variants)]
        found = list(placeholders(templates))
        for name, form, _ in found:
            if form not in (FILE_FORMS if name in FILE_NAMES else VALUE_FORMS):
                raise ValueError(f"arguments has {{{name}!{form}}}: {name} has no form {form!r}")
        names = {placeholder.name for placeholder in found}
        known = FILE_NAMES | SIZE_NAMES | VALUE_NAMES | {"frames", *self.options}
        if unknown := names - known:
            raise ValueError(f"arguments has an unknown placeholder {{{min(unknown)}}}")
        if missing := without_place({*self.choices, *self.inputs}, templates):
            raise ValueError(f"arguments has no placeholder for {', '.join(missing)}")
        if "frames" in names and self.frames is None:
            raise ValueError("arguments has {frames}, but the model has no frames")
        return self

    @model_validator(mode="after")
    def _validate_conditions(self) -> Self:
        known = {"seconds", "size", "resolution", "aspect_ratio", "generate_audio", "input"}
        known.update(self.options)
        conditions = [
            *((f"rules.{number}", rule.when) for number, rule in enumerate(self.rules)),
            *((f"rules.{number}", rule.allow) for number, rule in enumerate(self.rules)),
            *((f"variants.{number}", entry.when) for number, entry in enumerate(self.variants)),
            *((f"prices.{number}", row.when) for number, row in enumerate(self.prices)),
        ]
        for place, condition in conditions:
            if unknown := set(condition) - known:
                raise ValueError(f"{place} has a condition on the unknown {min(unknown)!r}")
        if self.count_option and self.count_option not in self.options:
            raise ValueError(f"count_option {self.count_option!r} is not an option")
        return self


class _SecondsRange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    min: Seconds
    max: Seconds
    step: Annotated[int, Field(ge=1)] = 1
    default: int | None = None
