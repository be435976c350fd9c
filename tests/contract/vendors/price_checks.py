"""Checks of the prices and conditions in vendor data, by model."""

import re
from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime

from rushes.catalog.conditions import INPUT, NO_FILES, Condition, Value, holds
from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.parameters import parameters_of
from rushes.catalog.prices import ASSUMED_INPUT_SECONDS
from rushes.jobs.request import GenerationRequest, Input
from tests.contract.vendors.combinations import allowed_combinations

OWN_HARDWARE = "your own hardware"
"""Source of the price of a self-hosted model, which is 0."""
PROMPT = "a" * 500
OPEN_SECONDS = 5
"""Assumed length of a video whose length cannot be chosen."""
MIN_PER_SECOND, MAX_PER_SECOND = 0.0005, 5
MAX_RATIO = 50
"""Of the prices per second of a model's dearest and cheapest video."""
NAMED_SOURCE = re.compile(
    r"https://\S+\.\S+|\b[\w-]+\.(com|org|io|ai)/\S+|\b\d+\.\d+\.\d+\b|pricing API"
)
"""A URL, a package with its version, or fal's pricing API, which the vendor file's header cites."""


def hidden_rows(model: ModelEntry) -> Iterator[str]:
    """Yield the price rows that never apply, as an earlier row applies to all their requests."""
    for number, row in enumerate(model.prices):
        for earlier, other in enumerate(model.prices[:number]):
            if all(_covers(other.when[field], row.when.get(field)) for field in other.when):
                yield f"{model.name}: prices.{number} is hidden by prices.{earlier}"


def _covers(values: Collection[Value], others: Collection[Value] | None) -> bool:
    """Whether all other values are among the values; true differs from 1, as in JSON."""
    return others is not None and set(map(repr, others)) <= set(map(repr, values))


def foreign_values(model: ModelEntry) -> Iterator[str]:
    """Yield the values in conditions that no request of the model has."""
    formats = list(model.formats())
    own: dict[str, set[Value]] = {
        "seconds": set(model.seconds),
        "size": {offered.size for offered in formats},
        "resolution": {offered.resolution for offered in formats},
        "aspect_ratio": {offered.aspect_ratio for offered in formats},
        INPUT: {NO_FILES, *(role.value for role in model.inputs)},
    }
    for place, condition in _conditions(model):
        for field, values in condition.items():
            option = model.options.get(field)
            for value in values:
                is_own = value in own[field] if field in own else option and not option.error(value)
                if not is_own:
                    yield f"{model.name}: {place}.{field} has {value!r}, the model does not"


def _conditions(model: ModelEntry) -> Iterator[tuple[str, Condition]]:
    for number, row in enumerate(model.prices):
        yield f"prices.{number}.when", row.when
    for number, rule in enumerate(model.rules):
        yield f"rules.{number}.when", rule.when
        yield f"rules.{number}.allow", rule.allow
    for number, variant in enumerate(model.variants):
        yield f"variants.{number}.when", variant.when


def implausible_prices(model: ModelEntry) -> Iterator[str]:
    """Yield requests without a price, and videos whose price per second is hardly right."""
    rates: list[float] = []
    for combination in allowed_combinations(model):
        request = GenerationRequest(
            model=model.name,
            prompt=PROMPT,
            seconds=combination.seconds,
            size=combination.size,
            generate_audio=combination.generate_audio,
            inputs=tuple(Input(role=role) for role in combination.roles),
        )
        price = model.price(request)
        if not price:
            yield f"{model.name}: no price for {combination}"
            return
        rates.append(price / _billed_seconds(model, request))
    if model.modality != "video":
        return
    if min(rates) < MIN_PER_SECOND or max(rates) > MAX_PER_SECOND:
        yield f"{model.name}: {min(rates):.6f} to {max(rates):.6f} dollars per second"
    if max(rates) > MAX_RATIO * min(rates):
        yield f"{model.name}: the dearest second costs {max(rates) / min(rates):.0f} times as much"


def _billed_seconds(model: ModelEntry, request: GenerationRequest) -> float:
    """Return the seconds of output, and of input if the row of the request bills those."""
    parameters = parameters_of(model, request)
    row = next((row for row in model.prices if holds(row.when, parameters)), None)
    if row and row.per_input_second:
        input_seconds = model.max_input_seconds or ASSUMED_INPUT_SECONDS
        return (request.seconds or 0) + input_seconds
    return request.seconds or OPEN_SECONDS


def unfounded(model: ModelEntry) -> Iterator[str]:
    """Yield what is wrong with the source and the date of a price."""
    if model.price_source != OWN_HARDWARE and not NAMED_SOURCE.search(model.price_source):
        yield f"{model.name}: price_source {model.price_source!r} names no document"
    try:
        read = date.fromisoformat(model.price_date)
    except ValueError:
        yield f"{model.name}: price_date must be YYYY-MM-DD (got {model.price_date!r})"
    else:
        if read > datetime.now(UTC).date():
            yield f"{model.name}: price_date {model.price_date} is in the future"
