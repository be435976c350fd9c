"""Rules of a model: the allowed combinations of parameters, and the error of a forbidden one."""

from typing import TYPE_CHECKING

from rushes.catalog.conditions import INPUT, Condition, Parameters, holds, violated
from rushes.catalog.template import as_text
from rushes.errors import InvalidRequest

if TYPE_CHECKING:
    from rushes.catalog.model_entry import ModelEntry


SIZE_FIELDS = frozenset({"resolution", "aspect_ratio"})
"""Fields of rules that a request states by its size."""
MAX_SHOWN = 40
"""Characters of a request's value in an error."""


def broken_rule(
    model: "ModelEntry", parameters: Parameters
) -> tuple[Condition, Condition, str] | None:
    """Return the conditions of the first broken rule and the field that breaks it."""
    for rule in model.rules:
        if not holds(rule.when, parameters):
            continue
        missing = [role.value for role in rule.needs if role.value not in parameters[INPUT]]
        if missing:
            return rule.when, {INPUT: tuple(missing)}, missing[0]
        if field := violated(rule.allow, parameters):
            return rule.when, rule.allow, field
    return None


def refusal(model: "ModelEntry", parameters: Parameters) -> InvalidRequest:
    broken = broken_rule(model, parameters)
    if broken is None:  # cannot happen: the caller found no legal setting
        return InvalidRequest(f"{model.name} does not accept this combination")
    when, allow, field = broken
    reason = f" with {_described(when, parameters)}" if when else ""
    if field not in allow:  # a required file
        message = f"{model.name} requires {field}{reason}"
        return InvalidRequest(message, param=field, kind="missing")
    allowed = ", ".join(map(as_text, allow[field]))
    if field == INPUT:
        extra = min(set(parameters[INPUT]) - set(allow[INPUT]))
        return InvalidRequest(f"{model.name} does not accept {extra}{reason}", param=extra)
    message = (
        f"{field} must be one of {allowed}{reason} (got {as_text(parameters[field])[:MAX_SHOWN]})"
    )
    param = "size" if field in SIZE_FIELDS else field
    return InvalidRequest(message, param=param, kind="literal_error")


def _described(when: Condition, parameters: Parameters) -> str:
    """Describe the condition by the request's own values."""
    parts = []
    for field, values in when.items():
        if field == INPUT:
            given = sorted(set(values).intersection(parameters[INPUT])) or ["no file"]
            parts.append(" and ".join(map(str, given)))
        else:
            parts.append(f"{field} {as_text(parameters[field])[:MAX_SHOWN]}")
    return ", ".join(parts)
