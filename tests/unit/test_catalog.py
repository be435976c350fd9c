"""The catalog: that bad ones are refused by name, and that bad requests are told their field."""

import pytest
from pydantic import ValidationError

from rushes.catalog import CATALOG_FILE, ModelEntry, catalog, read_catalog
from rushes.errors import InvalidRequest, UnknownModel
from rushes.providers import PROVIDERS, adapter
from rushes.request import GenerationRequest
from tests.world import CATALOG

SOUND = """
default_model = "{default}"
[providers.studio]
kind = "openai_compatible"
[aliases]
short = "{alias}"
[[models]]
name = "{name}"
seconds = {seconds}
sizes = {sizes}
{more}
"""
VALUES = {
    "default": "short",
    "alias": "studio/one",
    "name": "studio/one",
    "seconds": "[4]",
    "sizes": '["1280x720"]',
    "more": "",
}
TWIN = '[[models]]\nname = "studio/one"\nseconds = [4]\nsizes = ["1280x720"]'


def one() -> ModelEntry:
    return CATALOG.find("studio/one")


def request(**fields: object) -> GenerationRequest:
    return GenerationRequest.model_validate({"model": "short", "prompt": "a red ball", **fields})


def test_the_catalog_that_is_deployed_can_be_read() -> None:
    assert catalog() == read_catalog(CATALOG_FILE.read_text("utf-8"))


@pytest.mark.parametrize("provider", catalog().providers)
def test_every_provider_of_the_deployed_catalog_is_of_a_kind_we_speak(provider: str) -> None:
    kind = catalog().providers[provider].kind
    assert kind in PROVIDERS
    assert adapter(kind).profile.key_header


@pytest.mark.parametrize("name", [model.name for model in catalog().models])
def test_every_model_of_the_deployed_catalog_takes_a_silent_request(name: str) -> None:
    model = catalog().find(name)
    fitted = model.fit(GenerationRequest(model=name, prompt="a red ball"))
    assert (fitted.seconds, fitted.size) == (model.seconds[0], model.sizes[0])
    assert model.price_source


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"default": "long"}, "default_model 'long'"),
        ({"alias": "studio/two"}, "alias 'short' stands for 'studio/two'"),
        ({"name": "nobody/one", "alias": "nobody/one"}, "model 'nobody/one' names no provider"),
        ({"more": TWIN}, "model 'studio/one' is there twice"),
        ({"name": "one"}, "models.0.name"),
        ({"seconds": "[]"}, "models.0.seconds"),
        ({"sizes": "[]"}, "models.0.sizes"),
        ({"sizes": '["big"]'}, "models.0.sizes.0"),
        ({"more": "colour = true"}, "models.0.colour"),
        ({"more": "price_per_second = -1"}, "models.0.price_per_second"),
        ({"more": "typical_seconds = 0"}, "models.0.typical_seconds"),
        ({"more": "deadline_seconds = 0"}, "models.0.deadline_seconds"),
    ],
)
def test_a_bad_catalog_is_refused_by_name(changes: dict[str, str], named: str) -> None:
    read_catalog(SOUND.format(**VALUES))
    with pytest.raises(ValidationError) as refused:
        read_catalog(SOUND.format(**{**VALUES, **changes}))
    assert named in str(refused.value)


def test_the_default_may_be_a_model_itself() -> None:
    assert read_catalog(SOUND.format(**{**VALUES, "default": "studio/one"})).default_model


def test_a_model_is_found_by_its_name_and_by_its_alias() -> None:
    assert CATALOG.find("short") is CATALOG.find("studio/one")


def test_an_unknown_model_is_named_in_one_short_line() -> None:
    with pytest.raises(UnknownModel) as refused:
        CATALOG.find("no\nsuch  " + "x" * 500)
    assert refused.value.param == "model"
    assert "no such x" in refused.value.message
    assert len(refused.value.message) < 150


def test_the_provider_is_asked_for_its_own_name_of_the_model() -> None:
    assert one().model_at_provider == "one-at-home"
    assert CATALOG.find("studio/plain").model_at_provider == "plain"


def test_the_price_is_by_the_second() -> None:
    assert one().price(8) == 0.8
    assert CATALOG.find("studio/plain").price(8) == 0.0


def test_gaps_are_filled_with_the_first_choice_and_wishes_are_kept() -> None:
    assert one().fit(request()) == request(seconds=4, size="1280x720")
    wish = request(seconds=8, size="720x1280", seed=0, provider_options={"fps": 24})
    assert one().fit(wish) == wish


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": " \n"}, "prompt"),
        ({"prompt": "x" * 101}, "prompt"),
        ({"seconds": 5}, "seconds"),
        ({"seconds": 0}, "seconds"),
        ({"size": "1x1"}, "size"),
        ({"size": ""}, "size"),
        ({"negative_prompt": ""}, "negative_prompt"),
        ({"generate_audio": False}, "generate_audio"),
        ({"provider_options": {"steps": 3}}, "steps"),
        ({"provider_options": {"y" * 500: 3}}, "y" * 80),
    ],
)
def test_what_the_model_does_not_have_is_refused_by_its_field(
    fields: dict[str, object], param: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        one().fit(request(**fields))
    assert refused.value.param == param
    assert len(refused.value.message) < 200


def test_a_refused_length_is_answered_with_those_on_offer() -> None:
    with pytest.raises(InvalidRequest, match="studio/one has no seconds 5; it has 4, 8"):
        one().fit(request(seconds=5))


def test_files_are_taken_only_by_models_that_work_from_them() -> None:
    one().check_files(image=True, source=True)
    plain = CATALOG.find("studio/plain")
    plain.check_files(image=False, source=False)
    with pytest.raises(InvalidRequest) as refused:
        plain.check_files(image=True, source=False)
    assert refused.value.param == "input_reference"
    with pytest.raises(InvalidRequest) as refused:
        plain.check_files(image=False, source=True)
    assert refused.value.param == "model"
