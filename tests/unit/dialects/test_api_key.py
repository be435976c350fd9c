"""Tests of the headers for an API key, and of several keys in one request."""

import base64
from collections.abc import Callable
from itertools import permutations, product

import pytest

from rushes.dialects.api_key import read_key
from rushes.errors import ConflictingKeys, InvalidApiKey, MissingApiKey
from tests.unit.dialects.api_client import OPENAI, Caller, Headers, assert_refused

MINE = "rk_0123456789abcdef_" + "a" * 43
OTHER = "rk_fedcba9876543210_" + "b" * 43


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


KEY_HEADERS: dict[str, Callable[[str], Headers]] = {
    "bearer": lambda key: {"authorization": f"Bearer {key}"},
    "basic, as user": lambda key: {"authorization": basic(key, "")},
    "basic, as user with any password": lambda key: {"authorization": basic(key, "x")},
    "basic, as password": lambda key: {"authorization": basic("api", key)},
    "basic, as both": lambda key: {"authorization": basic(key, key)},
    "x-bf-vk": lambda key: {"x-bf-vk": key},
    "x-api-key": lambda key: {"x-api-key": key},
}


@pytest.mark.parametrize("header", KEY_HEADERS)
def test_valid_key_is_accepted_in_every_header(caller: Caller, base: str, header: str):
    query = {"provider": "sandbox"}
    assert caller.raw("GET", base, None, KEY_HEADERS[header](caller.key), query).status == 200


@pytest.mark.parametrize(
    "key", ["", "x", "sk-123", OTHER, "rk_", "rk_0123456789abcdef_", "\u00e9" * 20, "a:b"]
)
@pytest.mark.parametrize("header", KEY_HEADERS)
def test_invalid_key_is_refused_in_every_header(caller: Caller, base: str, header: str, key: str):
    assert_refused(caller.raw("GET", base, None, KEY_HEADERS[header](key)), base, 401)


def test_key_with_wrong_secret_is_refused(caller: Caller, base: str):
    forged = caller.key[:-43] + OTHER[-43:]
    assert_refused(caller.raw("GET", base, None, KEY_HEADERS["bearer"](forged)), base, 401)


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": ""}, {"authorization": "Bearer"}, {"x-api-key": "  "}]
)
def test_missing_key_error_names_the_header(caller: Caller, base: str, headers: Headers):
    reply = caller.raw("GET", base, None, headers)
    assert_refused(reply, base, 401, code="missing_api_key")
    assert "Authorization: Bearer" in reply.json["error"]["message"]


AUTHORIZATION = ("authorization", "Authorization", "AUTHORIZATION")


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        *product(AUTHORIZATION, ("Bearer ", "bearer ", "BEARER ")),
        ("X-BF-VK", ""),
        ("X-Api-Key", ""),
    ],
)
def test_header_name_and_scheme_are_case_insensitive(caller: Caller, name: str, scheme: str):
    assert caller.raw("GET", OPENAI, None, {name: scheme + caller.key}).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"  Bearer   {MINE}  "},
        {"authorization": f"basic  {basic(MINE, '').partition(' ')[2]} "},
        {"x-api-key": f"\t{MINE} "},
        {"x-bf-vk": MINE, "authorization": " "},
        {"x-bf-vk": MINE, "authorization": "Bearer "},
        {"x-bf-vk": MINE, "authorization": basic("", "")},
        {"authorization": "Basic " + base64.b64encode(MINE.encode()).decode()},
        {"authorization": f"Bearer {MINE}", "x-api-key": MINE, "x-bf-vk": MINE},
        {"authorization": basic(MINE, MINE), "x-api-key": MINE},
        {"x-api-key": f"{MINE},{MINE}"},
        {"authorization": f"Bearer {MINE}, Bearer {MINE}"},
        {"authorization": f"Bearer {MINE}, {basic('', MINE)}"},
    ],
)
def test_read_key_accepts_white_space_empty_headers_and_repeated_equal_keys(headers: Headers):
    assert read_key(headers) == MINE


@pytest.mark.parametrize(("one", "two"), [*permutations(["bearer", "x-bf-vk", "x-api-key"], 2)])
def test_different_keys_are_refused_even_if_one_is_valid(
    caller: Caller, base: str, one: str, two: str
):
    headers = KEY_HEADERS[one](caller.key) | KEY_HEADERS[two](caller.other_accounts_key)
    assert_refused(caller.raw("GET", base, None, headers), base, 400, code="conflicting_keys")


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": basic(MINE, OTHER)},
        {"authorization": basic(MINE, ""), "x-api-key": OTHER},
        {"authorization": basic("api", MINE), "x-bf-vk": OTHER},
        {"authorization": f"Bearer {MINE},Bearer {OTHER}"},
        {"x-api-key": f"{MINE},{OTHER}"},
    ],
)
def test_read_key_refuses_different_keys(headers: Headers):
    with pytest.raises(ConflictingKeys):
        read_key(headers)


@pytest.mark.parametrize(
    "value",
    [
        MINE,
        f"Key {MINE}",
        f"Digest username={MINE}",
        f'Digest username="{MINE}", realm="x"',
        "AWS4-HMAC-SHA256 Credential=x/y, SignedHeaders=host, Signature=z",
        f"Bearer\t{MINE}",
        "Basic !",
        "Basic YQ",
        "Basic \u00e9",
        "Basic /w==",
    ],
)
def test_read_key_refuses_other_and_malformed_schemes(value: str):
    with pytest.raises(InvalidApiKey):
        read_key({"authorization": value})


@pytest.mark.parametrize("space", ["\u00a0", "\u2003", "\x1f"])
def test_read_key_strips_the_white_space_of_http_only(space: str):
    assert read_key({"x-api-key": f"{space}key"}) == f"{space}key"
    assert read_key({"authorization": f"Bearer \t key{space}"}) == f"key{space}"


def test_read_key_ignores_other_vendors_headers():
    with pytest.raises(MissingApiKey):
        read_key({"x-goog-api-key": MINE, "cookie": MINE})


def test_missing_key_is_reported_before_malformed_body(caller: Caller, base: str):
    assert_refused(caller.raw("POST", base, b"[", {}), base, 401)
