"""Permissions of API keys: the scope of each call, and the models that a key may use."""

from collections.abc import Collection, Iterable
from fnmatch import fnmatchcase

from rushes.catalog.models import Catalog
from rushes.dialects.base import Verb
from rushes.errors import MissingScope, ModelNotAllowed, UnknownModel
from rushes.jobs.job import Job
from rushes.ports.api_keys import Scope

SUBMIT_VERBS: frozenset[Verb] = frozenset({"create", "edit", "remix", "upload", "cancel", "delete"})
MAX_SHOWN_MODELS = 20


def scope_of(verb: Verb) -> Scope:
    """Return the scope that a verb of the dialects needs."""
    return Scope.SUBMIT if verb in SUBMIT_VERBS else Scope.READ


def require_scope(scopes: Collection[Scope], needed: Scope) -> None:
    """Raise MissingScope unless the key has the scope; `admin` includes the others."""
    if needed in scopes or Scope.ADMIN in scopes:
        return
    held = ", ".join(sorted(scopes)) or "none"
    raise MissingScope(
        f"the API key must have the scope {needed} for this request (it has: {held})",
        needed=needed,
    )


def allows(patterns: Iterable[str], name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def require_models(
    patterns: Collection[str] | None, job: Job, names: Iterable[str], catalog: Catalog
) -> None:
    """Raise ModelNotAllowed unless the key may use each model on which the job may run.

    `names` are those in the request: a key that may use an alias may use all of its models.
    """
    if patterns is None:
        return
    requested = [name for name in names if name]
    covered = {
        model for name in requested if allows(patterns, name) for model in _resolved(catalog, name)
    }
    for model in (job.model, *job.fallbacks):
        if model in covered or allows(patterns, model):
            continue
        through = next((name for name in requested if model in _resolved(catalog, name)), model)
        listed = sorted(patterns)
        more = ", ..." if len(listed) > MAX_SHOWN_MODELS else ""
        shown = model if through == model else f"{through[:80]} ({model})"
        raise ModelNotAllowed(
            f"the API key must not use the model {shown}"
            f" (allowed: {', '.join(listed[:MAX_SHOWN_MODELS])}{more})",
            param="model" if model == job.model else "fallbacks",
            allowed=listed,
        )


def _resolved(catalog: Catalog, name: str) -> set[str]:
    try:
        return {model.name for model in catalog.resolve(name)}
    except UnknownModel:  # of a job whose model the configuration no longer has
        return set()
