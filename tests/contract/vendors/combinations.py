"""All combinations of parameters that a model accepts."""

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from rushes.catalog.parameters import Setting, legal_settings, unsent_fields, with_setting
from rushes.jobs.request import GenerationRequest, Input, Role

if TYPE_CHECKING:
    from rushes.catalog.model_entry import ModelEntry


class Combination(NamedTuple):
    """A combination of parameters that a model accepts."""

    seconds: int | None
    size: str | None
    generate_audio: bool | None
    roles: tuple[Role, ...]


def allowed_combinations(model: "ModelEntry") -> Iterator[Combination]:
    """Yield each combination of seconds, size, audio and input files that the model accepts."""
    for roles in _role_sets(model):
        for audio in (None, True, False) if "generate_audio" in model.options else (None,):
            inputs = tuple(Input(role=role) for role in roles)
            request = GenerationRequest(model=model.name, generate_audio=audio, inputs=inputs)
            legal = legal_settings(model, request)
            sent = dict.fromkeys(_sent_values(model, request, setting) for setting in legal)
            for seconds, size in sent:
                yield Combination(seconds, size, audio, roles)


def _sent_values(
    model: "ModelEntry", request: GenerationRequest, setting: Setting
) -> tuple[int | None, str | None]:
    """Return the length and the size of a setting, None if the arguments have no place for it."""
    filled = with_setting(request, setting)
    sent = filled.model_copy(update=dict.fromkeys(unsent_fields(model, filled)))
    return sent.seconds, sent.size


def _role_sets(model: "ModelEntry") -> Iterator[tuple[Role, ...]]:
    optional = [role for role in model.inputs if role not in model.needs]
    for count in range(len(optional) + 1):
        for chosen in combinations(optional, count):
            yield (*model.needs, *chosen)
