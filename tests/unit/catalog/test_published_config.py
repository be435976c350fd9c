"""Documents of published versions, as functions read them: models are validated when used."""

import json
from typing import Any

import pytest

from rushes.catalog.compile import compile_tables
from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.models import Catalog
from rushes.catalog.published_config import PublishedConfig, digest, parse_catalog, parse_config
from rushes.catalog.vendor_data import read_vendor, vendor_names
from rushes.errors import CorruptConfig, UnknownModel
from tests.default_config import default_catalog
from tests.harness import CATALOG


def document(compiled: Catalog) -> bytes:
    config = PublishedConfig(version=3, published_at=1.0, source="", catalog=compiled)
    return config.model_dump_json(exclude_unset=True).encode()


def every_vendor() -> Catalog:
    """A configuration with all models of all vendors."""
    names = vendor_names()
    tables: dict[str, Any] = {
        "default_model": f"{names[0]}/{read_vendor(names[0]).ids()[0]}",
        "providers": {name: {"models": ["*"]} for name in names},
    }
    return compile_tables(tables)


@pytest.mark.parametrize(
    "compiled", [default_catalog(), every_vendor()], ids=["rushes.toml", "vendors"]
)
def test_document_reads_back_as_the_same_catalog(compiled: Catalog):
    content = document(compiled)
    assert parse_config(content, 3).catalog == compiled
    lazy = parse_catalog(content, 3, digest(content))
    assert tuple(lazy.models) == compiled.models
    assert (lazy.default_model, lazy.providers, lazy.aliases) == (
        compiled.default_model,
        compiled.providers,
        compiled.aliases,
    )
    for name in (*compiled.aliases, compiled.default_model):
        assert lazy.resolve(name) == compiled.resolve(name)
    with pytest.raises(UnknownModel):
        lazy.find("nothing")


def test_only_the_models_that_are_used_are_validated(monkeypatch: pytest.MonkeyPatch):
    lazy = parse_catalog(document(CATALOG), 3)
    validated: list[str] = []
    validate = ModelEntry.model_validate

    def record(table: Any) -> ModelEntry:
        validated.append(table["name"])
        return validate(table)

    monkeypatch.setattr(ModelEntry, "model_validate", record)
    for _ in range(2):
        assert lazy.find("short").name == "sandbox/one"
    assert validated == ["sandbox/one"]
    assert len(lazy.models) == len(CATALOG.models)
    assert lazy.models[-1] == CATALOG.models[-1]
    assert list(lazy.models[1:3]) == list(CATALOG.models[1:3])


def changed(**fields: object) -> bytes:
    """The document with other fields of its first model."""
    tables = json.loads(document(CATALOG))
    tables["catalog"]["models"][0].update(fields)
    return json.dumps(tables).encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "version 3 is invalid: it is not JSON"),
        (b"[]", "version 3 is invalid: Input should be"),
        (b'{"version": 3}', "version 3 is invalid: catalog: Field required"),
        (changed(camera="fixed"), "version 3 is invalid: models have unknown 'camera'"),
        (changed(name=None), "version 3 is invalid: a model has no name"),
    ],
)
def test_unreadable_document_is_found_when_it_is_read(content: bytes, message: str):
    with pytest.raises(CorruptConfig, match=message):
        parse_catalog(content, 3)


def test_invalid_model_is_found_when_it_is_used():
    lazy = parse_catalog(changed(seconds=["four"]), 3)
    with pytest.raises(CorruptConfig, match=r"version 3 is invalid: model 'sandbox/one': sec"):
        lazy.find("short")
    assert lazy.find("sandbox/plain").name == "sandbox/plain"


def test_document_of_another_version_or_digest_is_refused():
    content = document(CATALOG)
    with pytest.raises(CorruptConfig, match="the object of version 4 has version 3"):
        parse_catalog(content, 4)
    with pytest.raises(CorruptConfig, match="does not have the SHA-256 of the pointer"):
        parse_catalog(content, 3, digest(b"other"))
