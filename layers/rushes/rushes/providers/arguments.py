"""Arguments of a create call, built from the data of the catalog's model."""

from typing import Any

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.parameters import options_of, variant_of
from rushes.catalog.template import fill, placeholders
from rushes.errors import ProviderNotConfigured
from rushes.jobs.job import Job
from rushes.providers.roles import check_roles
from rushes.providers.values import values_of


def model_arguments(job: Job, model: ModelEntry) -> dict[str, Any]:
    """Return the arguments of the model's template; options without a placeholder are added.

    Raises
    ------
    InvalidInputFile
        If the template has no place for a file, or the file is larger than the provider accepts.
    """
    variant = variant_of(model, job.request)
    template = (variant and variant.arguments) or model.arguments
    names = {placeholder.name for placeholder in placeholders(template)}
    check_roles(job.request, model.name, *(role for role in model.inputs if role.value in names))
    arguments: dict[str, Any] = fill(template, values_of(job, model)) or {}
    others = {name: value for name, value in options_of(job.request).items() if name not in names}
    return {**arguments, **others, **job.request.vendor_arguments}


def require_arguments(job: Job, model: ModelEntry | None) -> ModelEntry:
    """Return the model of an adapter without default arguments.

    Raises
    ------
    ProviderNotConfigured
        If the catalog has no arguments for it.
    """
    if model is None or not model.arguments:
        raise ProviderNotConfigured(
            f"model {job.upstream_model!r} requires `path` and `arguments` in the catalog"
        )
    return model


def model_path(job: Job, model: ModelEntry) -> str:
    """Return the path of the create call."""
    variant = variant_of(model, job.request)
    return (variant and variant.path) or model.path
