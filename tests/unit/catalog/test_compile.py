"""The deployment's configuration with the vendor data."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from rushes.catalog import vendor_data
from rushes.catalog.compile import ConfigError, compile_config
from rushes.catalog.models import Catalog
from rushes.errors import UnknownModel

ACME = """
[vendor]
name = "acme"
title = "Acme"
protocol = "fal"
base_url = "https://acme.example"
sources = ["https://acme.example/docs (read 2026-11-28)"]
files = { forms = ["link"] }
[aliases.sora-2]
models = ["video/fast", "video/fast/image"]
on_mismatch = "nearest"
[[models]]
id = "video/fast"
seconds = [4, 8]
prices = [{ per_second = 0.1 }]
price_source = "https://acme.example/prices"
price_date = "2026-11-28"
[[models]]
id = "video/fast/image"
inputs = ["image"]
needs = ["image"]
price_unknown = "not published"
[[models]]
id = "image/plain"
modality = "image"
price_unknown = "not published"
"""
MINIMAL = """
default_model = "acme/video/fast"
[providers.acme]
models = ["video/fast"]
"""


@pytest.fixture(autouse=True)
def _acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "acme.toml").write_text(ACME)
    monkeypatch.setattr(vendor_data, "VENDORS", tmp_path)
    vendor_data.read_vendor.cache_clear()


def names(catalog: Catalog) -> list[str]:
    return [model.name for model in catalog.models]


def test_one_line_enables_a_model() -> None:
    catalog = compile_config(MINIMAL)
    assert names(catalog) == ["acme/video/fast"]
    model = catalog.find("acme/video/fast")
    assert model.model_at_provider == "video/fast"
    assert model.files is not None
    assert model.files.forms == ("link",)
    assert catalog.providers["acme"].base_url == "https://acme.example"
    assert catalog.providers["acme"].vendor == "acme"


@pytest.mark.parametrize(
    ("patterns", "enabled"),
    [
        ('["video/*"]', ["video/fast", "video/fast/image"]),
        ('["*"]', ["video/fast", "video/fast/image", "image/plain"]),
        ('["*/fast", "image/plain"]', ["video/fast", "image/plain"]),
    ],
)
def test_patterns_enable_models(patterns: str, enabled: list[str]) -> None:
    catalog = compile_config(MINIMAL.replace('["video/fast"]', patterns))
    assert names(catalog) == [f"acme/{model}" for model in enabled]


def test_alias_of_the_vendor_enables_its_models() -> None:
    catalog = compile_config(
        'default_model = "sora-2"\n[providers.mine]\nvendor = "acme"\naliases = ["sora-2"]\n'
    )
    assert names(catalog) == ["mine/video/fast", "mine/video/fast/image"]
    assert catalog.aliases["sora-2"].models == ("mine/video/fast", "mine/video/fast/image")
    assert catalog.aliases["sora-2"].on_mismatch == "nearest"


def test_two_providers_may_use_one_vendor() -> None:
    text = MINIMAL + '[providers.second]\nvendor = "acme"\nmodels = ["video/fast"]\n'
    assert names(compile_config(text)) == ["acme/video/fast", "second/video/fast"]


def test_fields_of_the_configuration_replace_those_of_the_vendor() -> None:
    text = (
        MINIMAL.replace("[providers.acme]", '[providers.acme]\nbase_url = "https://eu.example"')
        + '[[models]]\nname = "acme/video/fast"\nprice_source = "contract"\n'
        + "prices = [{ per_second = 0.05 }]\n"
    )
    catalog = compile_config(text)
    model = catalog.find("acme/video/fast")
    assert (model.prices[0].per_second, model.price_source, model.seconds) == (
        0.05,
        "contract",
        (4, 8),
    )
    assert catalog.providers["acme"].base_url == "https://eu.example"


def test_own_model_is_added_to_the_provider_of_a_vendor() -> None:
    text = MINIMAL + '[[models]]\nname = "acme/video/next"\nseconds = [5]\n'
    assert names(compile_config(text)) == ["acme/video/fast", "acme/video/next"]


def test_alias_of_an_alias_is_resolved() -> None:
    text = MINIMAL + '[aliases]\nfast = "acme/video/fast"\ndraft = ["fast"]\n'
    assert compile_config(text).aliases["draft"].models == ("acme/video/fast",)


def test_catalog_survives_json() -> None:
    catalog = compile_config(MINIMAL.replace('["video/fast"]', '["*"]'))
    assert Catalog.model_validate_json(catalog.model_dump_json()) == catalog


@pytest.mark.parametrize(
    ("text", "message", "path"),
    [
        (
            MINIMAL.replace("models", 'vendor = "emca"\nmodels'),
            "vendor must be one of acme (got 'emca')",
            ("providers", "acme", "vendor"),
        ),
        (
            MINIMAL.replace("video/fast", "video/slow"),
            "vendor 'acme' has no model 'video/slow'",
            ("providers", "acme", "models"),
        ),
        (
            MINIMAL + 'aliases = ["sora-3"]\n',
            "aliases must be of sora-2 (got 'sora-3')",
            ("providers", "acme", "aliases"),
        ),
        (
            MINIMAL + "[providers.other]\n",
            "provider 'other' requires a vendor (acme) or a protocol",
            ("providers", "other"),
        ),
        (
            MINIMAL + '[providers.other]\nprotocol = "fal"\nmodels = ["*"]\n',
            "provider 'other' enables models but has no vendor",
            ("providers", "other"),
        ),
        (
            MINIMAL
            + 'aliases = ["sora-2"]\n[providers.b]\nvendor = "acme"\naliases = ["sora-2"]\n',
            "alias 'sora-2' is enabled by two providers",
            ("providers", "b", "aliases"),
        ),
        (
            MINIMAL + 'aliases = ["sora-2"]\n[aliases]\nsora-2 = "acme/video/fast"\n',
            "alias 'sora-2' is enabled by provider 'acme' and defined in [aliases]",
            ("aliases", "sora-2"),
        ),
        (
            MINIMAL + '[aliases]\na = "b"\nb = ["c"]\nc = "a"\n',
            "alias 'a' refers to itself: a -> b -> c -> a",
            ("aliases", "a"),
        ),
        (
            MINIMAL + '[[models]]\nname = "acme/x"\n[[models]]\nname = "acme/x"\n',
            "model 'acme/x' is defined twice",
            ("models", "acme/x"),
        ),
    ],
)
def test_error_names_the_key(text: str, message: str, path: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        compile_config(text)
    assert message in str(caught.value)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MINIMAL + "colour = 1\n", "Extra inputs are not permitted"),
        (MINIMAL + '[aliases]\na = "acme/video/fast/image"\n', "alias 'a' refers to the undefined"),
        (MINIMAL + '[[models]]\nname = "other/x"\n', "has an undefined provider"),
        (MINIMAL + '[[models]]\nname = "acme/video/fast"\nseconds = "4"\n', "seconds"),
        ("default_model = 'a'\n[providers]\n", "providers"),
    ],
)
def test_invalid_configuration_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        compile_config(text)


def test_model_that_is_not_enabled_is_unknown() -> None:
    with pytest.raises(UnknownModel):
        compile_config(MINIMAL).find("acme/image/plain")


def test_vendor_names_are_those_of_the_files() -> None:
    assert vendor_data.vendor_names() == ["acme"]
