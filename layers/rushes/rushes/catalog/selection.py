"""Select the models that serve a request: the first of an alias that can, and its fallbacks."""

from collections.abc import Mapping
from typing import NamedTuple

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.models import Catalog, OnMismatch
from rushes.errors import InvalidRequest
from rushes.jobs.job import Job
from rushes.jobs.request import GenerationRequest, Role


class Candidate(NamedTuple):
    """A model that can serve a request."""

    model: ModelEntry
    request: GenerationRequest
    """The request with the model's defaults, seconds and size."""
    warnings: tuple[str, ...] = ()
    """One per field that differs from the client's request."""
    on_mismatch: OnMismatch = "refuse"

    @property
    def price(self) -> float:
        return self.model.price(self.request)


class _Refusal(NamedTuple):
    """A model that cannot serve a request. `checks` counts the passed ones."""

    checks: int
    model: ModelEntry
    error: InvalidRequest


def candidates(
    catalog: Catalog,
    name: str,
    request: GenerationRequest,
    files: Mapping[Role, str],
    on_mismatch: OnMismatch | None = None,
) -> tuple[Candidate, ...]:
    """Return the models of a name or alias that can serve a request, in the order of preference.

    Models that accept the request as it is precede those that need other seconds or another size,
    which only `on_mismatch = "nearest"` allows. `files` maps the role of each file in
    `request.inputs` to the field of the create call that contained it.

    Raises
    ------
    UnknownModel
    InvalidRequest
        If no model can serve it: the error of the model that passed the most checks.
    """
    models = catalog.resolve(name)
    policy = on_mismatch or catalog.on_mismatch(name)
    exact, changed, refusals = [], [], []
    for model in models:
        try:
            model.validate_inputs(files)
            filled = model.validate_and_fill(request)
        except InvalidRequest as error:
            is_compared = policy == "nearest" or len(models) > 1
            adapted = _adapted(model, request, files) if is_compared else None
            if adapted and policy == "nearest":
                changed.append(adapted)
            refusals.append(_Refusal(_passed_checks(model, adapted, files), model, error))
        else:
            exact.append(Candidate(model, filled, on_mismatch=policy))
    if not exact and not changed:
        best = max(refusals, key=lambda refusal: refusal.checks)
        raise _named(best, name, len(models))
    return (*exact, *changed)


def fallback_of(job: Job, model: ModelEntry) -> Candidate | None:
    """Return a fallback of a job with the request as the model accepts it; None if it does not."""
    request = job.original_request
    try:
        return Candidate(model, model.validate_and_fill(request))
    except InvalidRequest:
        is_changeable = model.name in job.nearest_models
        return _adapted(model, request, None) if is_changeable else None


def _adapted(
    model: ModelEntry, request: GenerationRequest, files: Mapping[Role, str] | None
) -> Candidate | None:
    """Return the nearest request that the model accepts; None if another field is refused."""
    try:
        if files is not None:
            model.validate_inputs(files)
        nearest, warnings = model.nearest(request)
    except InvalidRequest:
        return None
    return Candidate(model, nearest, warnings, "nearest")


def _passed_checks(model: ModelEntry, adapted: Candidate | None, files: Mapping[Role, str]) -> int:
    """Count the passed checks: input files, then the fields other than seconds and size.

    Below zero is the number of files that the model refuses or lacks.
    """
    if adapted:
        return 2
    wrong = len(set(files) - set(model.inputs)) + len(set(model.needs) - set(files))
    return -wrong if wrong else 1


def _named(refusal: _Refusal, name: str, count: int) -> InvalidRequest:
    """Return the error with the name that the client used, then the model that it stands for."""
    model, error = refusal.model.name, refusal.error
    if name == model:
        return error
    subject = f"{name} ({model})"
    is_about_model = error.message.startswith(f"{model} ")
    text = error.message.removeprefix(model) if is_about_model else f": {error.message}"
    others = f"; none of the {count} models of {name} accepts the request" if count > 1 else ""
    message = f"{subject}{text}{others}"
    return InvalidRequest(
        message,
        param=error.param,
        code=error.error_code,
        kind=error.kind,
        allowed=error.allowed if count == 1 else (),
    )
