"""Choose the model of a create request and its fallbacks."""

from collections.abc import Mapping
from dataclasses import dataclass

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.models import Catalog, OnMismatch
from rushes.catalog.selection import Candidate, candidates
from rushes.errors import InvalidRequest, UnknownModel
from rushes.jobs.request import CreateRequest, GenerationRequest, Input, LengthAndSize, Role

INPUT_FIELD = "input_reference"
"""Name in errors of an input without a field, such as one of a job that an operator retries."""
MAX_FALLBACKS = 8
"""Each may leave a handle and an error in the job's item."""


@dataclass(frozen=True)
class ChosenModels:
    """`requested` are the length and size that each fallback adapts to its own limits."""

    first: Candidate
    fallbacks: tuple[Candidate, ...]
    requested: LengthAndSize

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(fallback.model.name for fallback in self.fallbacks)

    @property
    def nearest_names(self) -> tuple[str, ...]:
        """Names of the fallbacks whose alias allows other lengths and sizes."""
        nearest = [entry for entry in self.fallbacks if entry.on_mismatch == "nearest"]
        return tuple(fallback.model.name for fallback in nearest)


def choose_models(catalog: Catalog, create_request: CreateRequest) -> ChosenModels:
    """Return the first model that can serve the request, and the fallbacks that can.

    Raises
    ------
    UnknownModel
    InvalidRequest
    """
    request = _with_files(create_request, create_request.request.model or catalog.default_model)
    _validate_modality(catalog.find(request.model), create_request)
    files = roles_of(create_request)
    of_alias = candidates(catalog, request.model, request, files)
    first = of_alias[0]
    request = _with_defaults(request, first.request)
    if len(of_alias) > 1:  # the fallbacks accept the first model's defaults, too
        of_alias = candidates(catalog, request.model, request, files)
    others = [entry for entry in of_alias if entry.model.name != first.model.name]
    known = {entry.model.name for entry in of_alias}
    named = _named_fallbacks(catalog, create_request.request.fallbacks, first, request, files)
    added = [entry for entry in named if entry.model.name not in known]
    return ChosenModels(
        first,
        (*others[: MAX_FALLBACKS - len(added)], *added),
        _requested(request),
    )


def choose_for_remix(
    catalog: Catalog, request: GenerationRequest, fallbacks: tuple[str, ...]
) -> ChosenModels:
    """Return the models of a remix. Each adapts the source's length and size to its own limits."""
    files = {Role.SOURCE_VIDEO: "model"}
    first = candidates(catalog, request.model, request, files, on_mismatch="nearest")[0]
    files = {Role.SOURCE_VIDEO: "fallbacks"}
    named = _named_fallbacks(catalog, fallbacks, first, request, files, on_mismatch="nearest")
    others = tuple(entry for entry in named if entry.model.name != first.model.name)
    return ChosenModels(first, others, _requested(request))


def _requested(request: GenerationRequest) -> LengthAndSize:
    return LengthAndSize(
        seconds=request.seconds,
        size=request.size,
        resolution=request.resolution,
        aspect_ratio=request.aspect_ratio,
    )


def _validate_modality(model: ModelEntry, create_request: CreateRequest) -> None:
    supported = create_request.modalities
    if supported is not None and model.modality not in supported:
        limit = f"this API supports {' and '.join(sorted(supported))} only"
        named = create_request.request.model[:80] or model.name
        raise InvalidRequest(f"{named} generates {model.modality}; {limit}", param="model")


def roles_of(create_request: CreateRequest) -> dict[Role, str]:
    """Return the roles of the input files, each with the request field of the file."""
    roles = {file.role: file.field or INPUT_FIELD for file in create_request.request.inputs}
    roles |= {role: upload.field for role, upload in create_request.uploads}
    return roles | {role: "URL" for role, _ in create_request.uploaded}


def _with_files(create_request: CreateRequest, model: str) -> GenerationRequest:
    """Return the request with an input for each file, stored or not: prices count them."""
    roles = [role for role, _ in (*create_request.uploads, *create_request.uploaded)]
    inputs = (*create_request.request.inputs, *(Input(role=role) for role in roles))
    return create_request.request.model_copy(update={"model": model, "inputs": inputs})


def _with_defaults(request: GenerationRequest, filled: GenerationRequest) -> GenerationRequest:
    """Return the request with the first model's length and size in place of absent ones."""
    changes = {"seconds": request.seconds or filled.seconds}
    if request.size is None or request.size.startswith("x"):
        names = {"resolution": filled.resolution, "aspect_ratio": filled.aspect_ratio}
        return request.model_copy(update={**changes, "size": filled.size, **names})
    return request.model_copy(update=changes)


def _of_fallback(name: str, error: InvalidRequest) -> InvalidRequest:
    """Return the error with the fallback's name: the first model may accept the same value."""
    text = error.message if error.message.startswith(name) else f"{name}: {error.message}"
    return InvalidRequest(
        f"fallbacks: {text}", param=error.param, code=error.error_code, kind=error.kind
    )


def _resolve_fallback(catalog: Catalog, name: str) -> tuple[ModelEntry, ...]:
    try:
        return catalog.resolve(name)
    except UnknownModel as error:
        raise UnknownModel(f"fallbacks: {error.message}", param=error.param) from None


def _named_fallbacks(
    catalog: Catalog,
    names: tuple[str, ...],
    first: Candidate,
    request: GenerationRequest,
    files: Mapping[Role, str],
    on_mismatch: OnMismatch | None = None,
) -> list[Candidate]:
    """Return the models of the client's own fallbacks, each once."""
    chosen: dict[str, Candidate] = {}
    for name in names:
        for model in _resolve_fallback(catalog, name):
            if model.modality != first.model.modality:
                modalities = f"{model.modality}, not {first.model.modality}"
                raise InvalidRequest(
                    f"fallbacks: {model.name} generates {modalities}", param="fallbacks"
                )
        try:
            accepting = candidates(catalog, name, request, files, on_mismatch)
        except InvalidRequest as error:
            raise _of_fallback(name, error) from None
        for entry in accepting:
            chosen.setdefault(entry.model.name, entry)
    if len(chosen) > MAX_FALLBACKS:
        raise InvalidRequest(
            f"fallbacks: at most {MAX_FALLBACKS} models are allowed (got {len(chosen)})",
            param="fallbacks",
        )
    return list(chosen.values())
