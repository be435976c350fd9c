"""The root's rushes.toml: the four documents' own model ids, sizes and lengths."""

import pytest

from local.stack import SANDBOX_PROVIDERS
from rushes.errors import InvalidRequest
from rushes.jobs.request import GenerationRequest, Input, Role
from rushes.providers import PROVIDERS, adapter
from tests.default_config import default_catalog

WITHOUT_LOCAL_URL = {"vllm"}
"""Providers that the local stack does not have."""
IMAGE = (Role.IMAGE,)


def filled(
    name: str, *, inputs: tuple[Role, ...] = (), prompt: str = "a cat", **fields: object
) -> GenerationRequest:
    model = default_catalog().find(name)
    model.validate_inputs({role: role.value for role in inputs})
    files = [Input(role=role) for role in inputs]
    request = GenerationRequest.model_validate(
        {"model": name, "prompt": prompt, "inputs": files, **fields}
    )
    return model.validate_and_fill(request)


@pytest.mark.parametrize("provider", default_catalog().providers)
def test_each_provider_has_a_known_protocol(provider: str):
    entry = default_catalog().providers[provider]
    assert entry.protocol in PROVIDERS
    assert adapter(entry).profile.key_header


SANDBOX_MODELS = [
    model.name for model in default_catalog().models if model.provider.startswith("sandbox")
]


@pytest.mark.parametrize("name", SANDBOX_MODELS)
def test_each_model_of_the_sandbox_fills_its_defaults(name: str):
    model = default_catalog().find(name)
    request = filled(name, inputs=model.needs)
    assert request.seconds == (model.seconds[0] if model.seconds else None)
    assert request.size == (model.sizes[0] if model.sizes else None)
    assert model.price_source or model.price(request) == 0


def test_each_provider_is_served_by_the_local_sandbox():
    providers = set(default_catalog().providers)
    assert providers - WITHOUT_LOCAL_URL == set(SANDBOX_PROVIDERS)


PIPELET_SIZES = ("1280x720", "720x1280", "480x832", "832x480", "512x512", "768x768")
LONG = {"480x832", "832x480", "512x512"}


@pytest.mark.parametrize("tier", ["", "-premium", "-pro"])
@pytest.mark.parametrize("size", PIPELET_SIZES)
def test_pipelet_text_to_video_has_the_documented_sizes_and_lengths(tier: str, size: str):
    name = f"wan22-fast-t2v{tier}"
    for seconds in range(1, 8 if size in LONG else 6):
        assert filled(name, size=size, seconds=seconds).size == size
    too_long = 8 if size in LONG else 6
    with pytest.raises(InvalidRequest, match="seconds must be one of"):
        filled(name, size=size, seconds=too_long)
    with pytest.raises(InvalidRequest, match="does not accept image"):
        filled(name, size=size, inputs=IMAGE)


@pytest.mark.parametrize("tier", ["", "-premium", "-pro"])
@pytest.mark.parametrize(("height", "longest"), [(720, 5), (480, 7)])
def test_pipelet_image_to_video_uses_the_height_only(tier: str, height: int, longest: int):
    name = f"wan22-fast-i2v{tier}"
    assert filled(name, size=f"x{height}", seconds=longest, inputs=IMAGE).seconds == longest
    with pytest.raises(InvalidRequest, match="seconds must be one of"):
        filled(name, size=f"x{height}", seconds=longest + 1, inputs=IMAGE)
    with pytest.raises(InvalidRequest, match="height must be one of"):
        filled(name, size="x1080", inputs=IMAGE)
    with pytest.raises(InvalidRequest, match="requires image"):
        filled(name, size=f"x{height}")


@pytest.mark.parametrize(
    ("name", "seconds", "size"),
    [
        ("minimax/video-01-director", 5, "1366x768"),
        ("minimax/hailuo-02", 6, "1366x768"),
        ("google/veo-2.0", 5, "1280x720"),
        ("google/veo-3.0", 8, "1280x720"),
        ("google/veo-3.0-fast-audio", 8, "1280x720"),
        ("ByteDance/Seedance-1.0-pro", 5, "864x480"),
        ("pixverse/pixverse-v5", 5, "1280x720"),
        ("kwaivgI/kling-2.1-master", 5, "1920x1080"),
        ("vidu/vidu-2.0", 8, "1280x720"),
        ("Wan-AI/wan2.7-t2v", 5, "1920x1080"),
    ],
)
def test_togethers_documented_ids_have_their_defaults(name: str, seconds: int, size: str):
    request = filled(name)
    assert (request.seconds, request.size) == (seconds, size)
    assert default_catalog().find(name).name == f"together/{name}"


def test_togethers_documented_example_is_accepted():
    options = {"fps": 30, "steps": 30, "guidance_scale": 8.0, "output_format": "MP4"}
    request = filled(
        "minimax/hailuo-02",
        size="1366x768",
        seconds=6,
        seed=42,
        negative_prompt="blurry, low quality, distorted",
        provider_options={**options, "output_quality": 20},
    )
    assert request.seconds == 6


def test_openais_models_are_those_of_the_provider_openai():
    model = default_catalog().find("openai/sora-2")
    assert (model.provider, model.model_at_provider) == ("openai", "sora-2")
    assert filled("openai/sora-2").seconds == 4


@pytest.mark.parametrize("size", ["large", "medium", "small", "tiny"])
def test_tiyaros_documented_models_transcribe(size: str):
    name = f"ent/tiyarofs/1/openai/whisper-{size}"
    options = {"serviceTier": "gpuflex", "temperature": 0, "beam_size": 5, "language": "en"}
    request = filled(name, prompt="", inputs=(Role.AUDIO,), provider_options=options)
    assert request.provider_options == options
    assert default_catalog().find(name).provider == "tiyaro"


def test_the_sandboxs_own_models_stay_available():
    for name in ("sora-2", "sora-2-pro", "sandbox/sandbox-i2v", "sandbox-together/sandbox-1"):
        assert default_catalog().find(name).provider.startswith("sandbox")
