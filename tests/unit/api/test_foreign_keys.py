"""Keys of other services are refused with a hint that does not repeat them."""

import pytest

from rushes.api.foreign_keys import vendor_of
from tests.unit.dialects.api_client import BIFROST, OPENAI, Caller

KEYS = {
    "sk-proj-abcdefghijklmnop": "OpenAI",
    "sk-0123456789abcdef": "OpenAI",
    "sk-ant-api03-abcdef": "Anthropic",
    "sk-or-v1-abcdef": "OpenRouter",
    "sk-bf-abcdef": "Bifrost",
    "01234567-89ab-cdef-0123-456789abcdef:0123456789abcdef0123456789abcdef": "fal",
    "r8_abcdef": "Replicate",
    "tgp_v1_abcdef": "Together",
    "AIzaSyabcdef": "Google",
    "xai-abcdef": "xAI",
    "whsec_abcdef": "Svix",
}


@pytest.mark.parametrize("key", KEYS)
def test_vendor_of_a_key(key: str):
    assert vendor_of(key) == KEYS[key]


@pytest.mark.parametrize("key", ["", "rk_0123456789abcdef_x", "password", "demo", "a" * 64 + "-"])
def test_other_text_has_no_vendor(key: str):
    assert vendor_of(key) is None


@pytest.mark.parametrize("base", [BIFROST, OPENAI])
@pytest.mark.parametrize("key", KEYS)
def test_error_names_the_vendor_and_not_the_key(caller: Caller, base: str, key: str):
    reply = caller.call("GET", base, headers={"authorization": f"Bearer {key}"})
    assert (reply.status, reply.code) == (401, "invalid_api_key")
    message = reply.json["error"]["message"]
    assert f"it looks like a key of {KEYS[key]}" in message
    assert "keys of this gateway begin with rk_" in message
    assert key not in reply.text


def test_key_of_fal_in_fals_own_scheme_is_recognized(caller: Caller):
    key = next(key for key, vendor in KEYS.items() if vendor == "fal")
    reply = caller.call("POST", "/fal/sora-2", {}, {"authorization": f"Key {key}"})
    assert reply.status == 401
    assert "key of fal" in reply.text
    assert key not in reply.text


def test_unknown_text_gets_the_form_of_a_key(caller: Caller):
    reply = caller.call("GET", OPENAI, headers={"authorization": "Bearer hunter2"})
    assert reply.json["error"]["message"] == (
        "the API key is not valid: keys of this gateway begin with rk_"
    )


@pytest.mark.parametrize("change", [lambda key: key[:-1], lambda key: key + "x", str.upper])
def test_wrong_key_of_this_gateway_gets_no_hint(caller: Caller, change: object):
    assert callable(change)
    key = change(caller.key)
    reply = caller.call("GET", OPENAI, headers={"authorization": f"Bearer {key}"})
    assert reply.status == 401
    assert ("begin with" in reply.text) is (not key.startswith("rk_"))
