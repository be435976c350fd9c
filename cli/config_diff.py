"""Differences between two catalogs, for people."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from rushes.catalog.limits import AccountLimit, Limits
from rushes.catalog.models import Catalog


@dataclass(frozen=True)
class Difference:
    change: Literal["added", "removed", "changed"]
    kind: Literal["provider", "model", "alias", "limits", "default_model"]
    name: str
    fields: tuple[str, ...] = ()
    """Of a change: `field: old -> new`."""


def differences(old: Catalog, new: Catalog) -> Iterator[Difference]:
    if old.default_model != new.default_model:
        change = f"{old.default_model} -> {new.default_model}"
        yield Difference("changed", "default_model", "default_model", (change,))
    yield from _compared("provider", old.providers, new.providers)
    yield from _compared("model", _by_name(old), _by_name(new))
    yield from _compared("alias", old.aliases, new.aliases)
    yield from _compared("limits", _limits(old.limits), _limits(new.limits))


def _by_name(catalog: Catalog) -> Mapping[str, BaseModel]:
    return {model.name: model for model in catalog.models}


def _limits(limits: Limits) -> Mapping[str, BaseModel]:
    every = {name: getattr(limits, name) for name in AccountLimit.model_fields}
    return {
        "of all accounts": AccountLimit(**every),
        **{f"of account {name}": limit for name, limit in limits.accounts.items()},
        **{f"of key {name}": limit for name, limit in limits.keys.items()},
    }


def _compared(
    kind: Literal["provider", "model", "alias", "limits"],
    old: Mapping[str, BaseModel],
    new: Mapping[str, BaseModel],
) -> Iterator[Difference]:
    for name in sorted({*old, *new}):
        if name not in old:
            yield Difference("added", kind, name)
        elif name not in new:
            yield Difference("removed", kind, name)
        elif old[name] != new[name]:
            yield Difference("changed", kind, name, tuple(_changes(old[name], new[name])))


def _changes(old: BaseModel, new: BaseModel) -> Iterator[str]:
    before, after = old.model_dump(mode="json"), new.model_dump(mode="json")
    for field in after:
        if before.get(field) != after[field]:
            yield f"{field}: {_text(before.get(field))} -> {_text(after[field])}"


def _text(value: Any) -> str:  # noqa: ANN401 - any JSON
    return json.dumps(value, ensure_ascii=False)
