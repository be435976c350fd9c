import pytest
from pydantic import ValidationError

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.models import built_in_catalog, read_catalog
from rushes.errors import InvalidRequest, UnknownModel
from rushes.jobs.request import GenerationRequest, Role
from tests.harness import CATALOG

TEMPLATE = """
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
DUPLICATE = '[[models]]\nname = "sandbox/one"\nseconds = [4]\nsizes = ["1280x720"]'


def test_alias_with_the_name_of_a_model_is_refused() -> None:
    """Failover would find another model than the one that was reserved and validated."""
    text = TEMPLATE.format(**VALUES).replace("short =", '"sandbox/one" = "sandbox/one"\nshort =')
    with pytest.raises(ValidationError, match="alias 'sandbox/one' is the name of a model"):
        read_catalog(text)


def test_alias_of_models_for_different_media_is_refused() -> None:
    ears = '[[models]]\nname = "sandbox/ears"\nmodality = "transcription"'
    text = TEMPLATE.format(**VALUES | {"more": ears})
    text = text.replace("short =", 'mixed = ["sandbox/one", "sandbox/ears"]\nshort =')
    with pytest.raises(ValidationError, match="alias 'mixed' mixes transcription and video models"):
        read_catalog(text)


def one() -> ModelEntry:
    return CATALOG.find("sandbox/one")


def request(**fields: object) -> GenerationRequest:
    return GenerationRequest.model_validate({"model": "short", "prompt": "a red ball", **fields})


def test_built_in_catalog_serves_its_default_model() -> None:
    model = built_in_catalog().find(built_in_catalog().default_model)
    filled = model.validate_and_fill(GenerationRequest(model="sora-2", prompt="a red ball"))
    assert (filled.seconds, filled.size) == (4, "720x1280")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"default": "long"}, "default_model 'long'"),
        ({"alias": "sandbox/two"}, "alias 'short' refers to the undefined model 'sandbox/two'"),
        ({"name": "absent/one", "alias": "absent/one"}, "model 'absent/one' has an undefined"),
        ({"more": DUPLICATE}, "model 'sandbox/one' is defined twice"),
        ({"name": "one"}, "models.0.name"),
        ({"seconds": '["a few"]'}, "models.0.seconds.0"),
        ({"seconds": "4"}, "models.0.seconds"),
        ({"sizes": '"1280x720"'}, "models.0.sizes"),
        ({"sizes": '["big"]'}, "models.0.sizes.0"),
        ({"more": "colour = true"}, "models.0.colour"),
        ({"more": "price_per_second = -1"}, "models.0.price_per_second"),
        ({"more": "price_per_job = -1"}, "models.0.price_per_job"),
        ({"more": "price_per_job = inf"}, "models.0.price_per_job"),
        ({"more": "price_per_second = nan"}, "models.0.price_per_second"),
        ({"more": "price_per_second = 1e7"}, "models.0.price_per_second"),
        ({"more": 'modality = "smell"'}, "models.0.modality"),
        ({"more": 'inputs = ["image", "sofa"]'}, "models.0.inputs.1"),
        ({"more": 'needs = ["sofa"]'}, "models.0.needs.0"),
        ({"more": 'inputs = "image"'}, "models.0.inputs"),
        ({"more": 'needs_prompt = "hardly"'}, "models.0.needs_prompt"),
        ({"more": "image = true"}, "models.0.image"),
        ({"more": "typical_seconds = 0"}, "models.0.typical_seconds"),
        ({"more": "deadline_seconds = 0"}, "models.0.deadline_seconds"),
        ({"more": "deadline_seconds = inf"}, "models.0.deadline_seconds"),
        ({"more": "deadline_seconds = nan"}, "models.0.deadline_seconds"),
        ({"more": "typical_seconds = 1e308"}, "models.0.typical_seconds"),
        ({"more": "queue_seconds = inf"}, "models.0.queue_seconds"),
        ({"more": "prompt_characters = -1"}, "models.0.prompt_characters"),
        ({"seconds": "[-4]"}, "models.0.seconds.0"),
        ({"seconds": "[4, 86400]"}, "models.0.seconds.1"),
    ],
)
def test_invalid_catalog_is_refused_by_name(changes: dict[str, str], named: str) -> None:
    read_catalog(TEMPLATE.format(**VALUES))
    with pytest.raises(ValidationError) as refused:
        read_catalog(TEMPLATE.format(**{**VALUES, **changes}))
    assert named in str(refused.value)


def test_default_model_may_be_a_model_name() -> None:
    assert read_catalog(TEMPLATE.format(**{**VALUES, "default": "sandbox/one"})).default_model


def test_find_accepts_a_name_or_an_alias() -> None:
    assert CATALOG.find("short") is CATALOG.find("sandbox/one")


def test_unknown_model_is_named_in_one_short_line() -> None:
    with pytest.raises(UnknownModel) as refused:
        CATALOG.find("no\nsuch  " + "x" * 500)
    assert refused.value.param == "model"
    assert "no such x" in refused.value.message
    assert len(refused.value.message) < 200


def test_model_at_provider_is_the_upstream_model() -> None:
    assert one().model_at_provider == "one-at-home"
    assert CATALOG.find("sandbox/plain").model_at_provider == "plain"


def test_price_per_second() -> None:
    assert one().price(request(seconds=8)) == 0.8
    assert one().price(request()) == 0.4  # of the default, 4 seconds
    assert CATALOG.find("sandbox/plain").price(request(seconds=8)) == 0.0


def test_price_per_job_is_added() -> None:
    assert CATALOG.find("sandbox/ears").price(request()) == 0.25
    assert (
        model(seconds=[8], price_per_job=0.25, price_per_second=0.1).price(request(seconds=8))
        == 1.05
    )


@pytest.mark.parametrize(
    ("per_job", "per_second", "dollars"),
    [
        (1e-7, 0, 1e-6),
        (0, 1e-9, 1e-6),
        (0, 0.1, 0.8),
        (0.1, 0.0125, 0.2),
        (0.30000049, 0, 0.300001),
    ],
)
def test_price_is_rounded_up_to_micro_dollars(
    per_job: float, per_second: float, dollars: float
) -> None:
    """Rounded down, any number of very cheap jobs would be free to a budget."""
    entry = model(seconds=[8], price_per_job=per_job, price_per_second=per_second)
    assert entry.price(request(seconds=8)) == dollars


def test_validate_and_fill_adds_defaults_and_keeps_given_values() -> None:
    assert one().validate_and_fill(request()) == request(seconds=4, size="1280x720")
    complete = request(seconds=8, size="720x1280", seed=0, provider_options={"fps": 24})
    assert one().validate_and_fill(complete) == complete


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
def test_unsupported_value_is_refused_by_field(fields: dict[str, object], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        one().validate_and_fill(request(**fields))
    assert refused.value.param == param
    assert len(refused.value.message) < 200


def test_refused_value_is_reported_with_the_allowed_ones() -> None:
    for fields, message in (
        ({"seconds": 5}, r"seconds must be one of 4, 8 \(got 5\)"),
        ({"size": "1x1"}, r"size must be one of .*1280x720.* \(got 1x1\)"),
        ({"prompt": "x" * 101}, r"prompt must have at most 100 characters \(got 101\)"),
        ({"generate_audio": True}, "sandbox/one does not accept generate_audio"),
    ):
        with pytest.raises(InvalidRequest, match=message):
            one().validate_and_fill(request(**fields))
    with pytest.raises(InvalidRequest, match="must be one of 1, 2, 4 "):
        model(seconds=[4, 1, 2]).validate_and_fill(request(seconds=9))


def test_validate_inputs_refuses_unsupported_files() -> None:
    one().validate_inputs({Role.IMAGE: "input_reference", Role.SOURCE_VIDEO: "video"})
    one().validate_inputs({})
    plain = CATALOG.find("sandbox/plain")
    plain.validate_inputs({})
    for role in Role:
        with pytest.raises(
            InvalidRequest, match=f"sandbox/plain does not accept {role.value}"
        ) as refused:
            plain.validate_inputs({role: f"the field of {role}"})
        assert refused.value.param == f"the field of {role}"


def test_validate_inputs_names_the_unsupported_file_of_several() -> None:
    with pytest.raises(InvalidRequest, match="does not accept last_frame") as refused:
        one().validate_inputs({Role.IMAGE: "first", Role.LAST_FRAME: "last"})
    assert refused.value.param == "last"


def model(**fields: object) -> ModelEntry:
    return ModelEntry.model_validate({"name": "sandbox/some", **fields})


def test_validate_inputs_refuses_absent_required_files() -> None:
    morph = model(inputs=["image", "last_frame", "audio"], needs=["image", "last_frame"])
    both = {Role.IMAGE: "image", Role.LAST_FRAME: "last"}
    morph.validate_inputs(both)
    morph.validate_inputs({**both, Role.AUDIO: "voice"})
    for given, param in (
        ({}, "image"),
        ({Role.AUDIO: "voice"}, "image"),
        ({Role.LAST_FRAME: "last"}, "image"),
        ({Role.IMAGE: "image"}, "last_frame"),
    ):
        with pytest.raises(InvalidRequest, match=f"sandbox/some requires {param}") as refused:
            morph.validate_inputs(given)
        assert refused.value.param == param


@pytest.mark.parametrize("modality", ["video", "image", "audio", "transcription"])
def test_modality_defaults_to_video(modality: str) -> None:
    assert model(modality=modality).modality == modality
    assert model().modality == "video"


def test_model_without_seconds_and_sizes_refuses_both() -> None:
    assert model().validate_and_fill(request()) == request()
    for field, value in (("seconds", 4), ("size", "1280x720"), ("seconds", 0), ("size", "")):
        with pytest.raises(InvalidRequest, match=f"does not accept {field}") as refused:
            model().validate_and_fill(request(**{field: value}))
        assert refused.value.param == field


@pytest.mark.parametrize("prompt", ["", " ", "a word"])
def test_model_with_an_optional_prompt_accepts_any(prompt: str) -> None:
    complete = request(prompt=prompt)
    assert model(needs_prompt=False).validate_and_fill(complete) == complete


def test_optional_prompt_has_a_maximum_length() -> None:
    with pytest.raises(InvalidRequest) as refused:
        model(needs_prompt=False, prompt_characters=3).validate_and_fill(request(prompt="four"))
    assert refused.value.param == "prompt"
