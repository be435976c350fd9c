"""The catalog: that bad ones are refused by name, and that bad requests are told their field."""

import pytest
from pydantic import ValidationError

from rushes.catalog.models import CATALOG_FILE, ModelEntry, catalog, read_catalog
from rushes.errors import InvalidRequest, UnknownModel
from rushes.jobs.request import GenerationRequest, Role
from rushes.providers import PROVIDERS, adapter
from tests.harness import CATALOG

SOUND = """
default_model = "{default}"
[providers.sandbox]
protocol = "openai_compatible"
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
    "alias": "sandbox/one",
    "name": "sandbox/one",
    "seconds": "[4]",
    "sizes": '["1280x720"]',
    "more": "",
}
TWIN = '[[models]]\nname = "sandbox/one"\nseconds = [4]\nsizes = ["1280x720"]'


def one() -> ModelEntry:
    return CATALOG.find("sandbox/one")


def request(**fields: object) -> GenerationRequest:
    return GenerationRequest.model_validate({"model": "short", "prompt": "a red ball", **fields})


def test_the_catalog_that_is_deployed_can_be_read() -> None:
    assert catalog() == read_catalog(CATALOG_FILE.read_text("utf-8"))


@pytest.mark.parametrize("provider", catalog().providers)
def test_every_provider_of_the_deployed_catalog_is_of_a_kind_we_speak(provider: str) -> None:
    entry = catalog().providers[provider]
    assert entry.protocol in PROVIDERS
    assert adapter(entry).profile.key_header


@pytest.mark.parametrize("name", [model.name for model in catalog().models])
def test_every_model_of_the_deployed_catalog_takes_a_silent_request(name: str) -> None:
    model = catalog().find(name)
    fitted = model.fit(GenerationRequest(model=name, prompt="a red ball"))
    assert fitted.seconds == (model.seconds[0] if model.seconds else None)
    assert fitted.size == (model.sizes[0] if model.sizes else None)
    assert model.price_source or model.price(model.seconds[0] if model.seconds else 1) == 0


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"default": "long"}, "default_model 'long'"),
        ({"alias": "sandbox/two"}, "alias 'short' stands for 'sandbox/two'"),
        ({"name": "nobody/one", "alias": "nobody/one"}, "model 'nobody/one' names no provider"),
        ({"more": TWIN}, "model 'sandbox/one' is there twice"),
        ({"name": "one"}, "models.0.name"),
        ({"seconds": '["a few"]'}, "models.0.seconds.0"),
        ({"seconds": "4"}, "models.0.seconds"),
        ({"sizes": '"1280x720"'}, "models.0.sizes"),
        ({"sizes": '["big"]'}, "models.0.sizes.0"),
        ({"more": "colour = true"}, "models.0.colour"),
        ({"more": "price_per_second = -1"}, "models.0.price_per_second"),
        ({"more": "price_per_job = -1"}, "models.0.price_per_job"),
        ({"more": 'modality = "smell"'}, "models.0.modality"),
        ({"more": 'inputs = ["image", "sofa"]'}, "models.0.inputs.1"),
        ({"more": 'needs = ["sofa"]'}, "models.0.needs.0"),
        ({"more": 'inputs = "image"'}, "models.0.inputs"),
        ({"more": 'needs_prompt = "hardly"'}, "models.0.needs_prompt"),
        ({"more": "image = true"}, "models.0.image"),
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
    assert read_catalog(SOUND.format(**{**VALUES, "default": "sandbox/one"})).default_model


def test_a_model_is_found_by_its_name_and_by_its_alias() -> None:
    assert CATALOG.find("short") is CATALOG.find("sandbox/one")


def test_an_unknown_model_is_named_in_one_short_line() -> None:
    with pytest.raises(UnknownModel) as refused:
        CATALOG.find("no\nsuch  " + "x" * 500)
    assert refused.value.param == "model"
    assert "no such x" in refused.value.message
    assert len(refused.value.message) < 150


def test_the_provider_is_asked_for_its_own_name_of_the_model() -> None:
    assert one().model_at_provider == "one-at-home"
    assert CATALOG.find("sandbox/plain").model_at_provider == "plain"


def test_the_price_is_by_the_second() -> None:
    assert one().price(8) == 0.8
    assert one().price(None) == 0.0
    assert CATALOG.find("sandbox/plain").price(8) == 0.0


def test_the_price_may_be_by_the_job_or_both() -> None:
    assert CATALOG.find("sandbox/ears").price(None) == 0.25
    assert model(price_per_job=0.25, price_per_second=0.1).price(8) == 1.05


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
    with pytest.raises(InvalidRequest, match="sandbox/one has no seconds 5; it has 4, 8"):
        one().fit(request(seconds=5))


def test_files_are_taken_only_by_models_that_work_from_them() -> None:
    one().check_files({Role.IMAGE: "input_reference", Role.SOURCE_VIDEO: "video"})
    one().check_files({})
    plain = CATALOG.find("sandbox/plain")
    plain.check_files({})
    for role in Role:
        with pytest.raises(InvalidRequest, match="sandbox/plain does not work from") as refused:
            plain.check_files({role: f"the field of {role}"})
        assert refused.value.param == f"the field of {role}"


def test_of_several_files_the_one_that_is_not_taken_is_named() -> None:
    with pytest.raises(InvalidRequest, match="does not work from a last frame") as refused:
        one().check_files({Role.IMAGE: "first", Role.LAST_FRAME: "last"})
    assert refused.value.param == "last"


def model(**fields: object) -> ModelEntry:
    return ModelEntry.model_validate({"name": "sandbox/some", **fields})


def test_a_model_is_refused_without_the_files_that_it_needs() -> None:
    morph = model(inputs=["image", "last_frame", "audio"], needs=["image", "last_frame"])
    both = {Role.IMAGE: "image", Role.LAST_FRAME: "last"}
    morph.check_files(both)
    morph.check_files({**both, Role.AUDIO: "voice"})
    for given, param in (
        ({}, "image"),
        ({Role.AUDIO: "voice"}, "image"),
        ({Role.LAST_FRAME: "last"}, "image"),
        ({Role.IMAGE: "image"}, "last_frame"),
    ):
        with pytest.raises(InvalidRequest, match="sandbox/some works from") as refused:
            morph.check_files(given)
        assert refused.value.param == param


@pytest.mark.parametrize("kind", ["video", "image", "audio", "transcription"])
def test_a_model_is_of_a_kind_and_makes_films_where_it_says_nothing(kind: str) -> None:
    assert model(modality=kind).modality == kind
    assert model().modality == "video"


def test_a_model_without_lengths_and_sizes_cannot_be_asked_for_any() -> None:
    assert model().fit(request()) == request()
    for field, asked in (("seconds", 4), ("size", "1280x720"), ("seconds", 0), ("size", "")):
        with pytest.raises(InvalidRequest, match=f"does not take {field}") as refused:
            model().fit(request(**{field: asked}))
        assert refused.value.param == field


@pytest.mark.parametrize("prompt", ["", " ", "a word"])
def test_a_model_that_needs_no_prompt_takes_none_or_any(prompt: str) -> None:
    wish = request(prompt=prompt)
    assert model(needs_prompt=False).fit(wish) == wish


def test_a_model_that_needs_no_prompt_has_a_longest_one_all_the_same() -> None:
    with pytest.raises(InvalidRequest) as refused:
        model(needs_prompt=False, prompt_characters=3).fit(request(prompt="four"))
    assert refused.value.param == "prompt"
