"""Estimated price of a request: the quantities that the price rows of its model bill."""

from typing import TYPE_CHECKING

from rushes.catalog.conditions import Parameters, holds
from rushes.catalog.parameters import Setting, format_of, parameters_of
from rushes.catalog.prices import ASSUMED_INPUT_SECONDS, Quantities, rounded_up
from rushes.jobs.request import IMAGE_ROLES, GenerationRequest

if TYPE_CHECKING:
    from rushes.catalog.model_entry import ModelEntry


def price(model: "ModelEntry", request: GenerationRequest) -> float:
    setting = Setting(request.seconds or next(iter(model.seconds), None), format_of(model, request))
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


def _outputs(model: "ModelEntry", parameters: Parameters) -> int:
    count = parameters.get(model.count_option) if model.count_option else None
    return count if isinstance(count, int) and count > 0 else 1
