"""Where clients put their key, and what becomes of several keys in one request."""

import base64
from collections.abc import Callable
from itertools import permutations

import pytest

from rushes.dialects.api_key import read_key
from rushes.errors import ConflictingKeys, InvalidApiKey, MissingApiKey
from tests.unit.dialects.api_client import OPENAI, Caller, assert_refused

Headers = dict[str, str]
MINE = "rk_0123456789abcdef_" + "a" * 43
OTHER = "rk_fedcba9876543210_" + "b" * 43


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


WAYS: dict[str, Callable[[str], Headers]] = {
    "bearer": lambda key: {"authorization": f"Bearer {key}"},
    "basic, as user": lambda key: {"authorization": basic(key, "")},
    "basic, as user with any password": lambda key: {"authorization": basic(key, "x")},
    "basic, as password": lambda key: {"authorization": basic("api", key)},
    "basic, as both": lambda key: {"authorization": basic(key, key)},
    "x-bf-vk": lambda key: {"x-bf-vk": key},
    "x-api-key": lambda key: {"x-api-key": key},
}


@pytest.mark.parametrize("way", WAYS)
def test_the_right_key_is_taken_wherever_it_is(caller: Caller, base: str, way: str):
    query = {"provider": "sandbox"}
    assert caller.raw("GET", base, None, WAYS[way](caller.key), query).status == 200


@pytest.mark.parametrize(
    "key", ["", "x", "sk-123", OTHER, "rk_", "rk_0123456789abcdef_", "\u00e9" * 20, "a:b"]
)
@pytest.mark.parametrize("way", WAYS)
def test_a_wrong_key_is_refused_wherever_it_is(caller: Caller, base: str, way: str, key: str):
    assert_refused(caller.raw("GET", base, None, WAYS[way](key)), base, 401)


def test_a_key_with_another_secret_is_refused(caller: Caller, base: str):
    forged = caller.key[:-43] + OTHER[-43:]
    assert_refused(caller.raw("GET", base, None, WAYS["bearer"](forged)), base, 401)


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": ""}, {"authorization": "Bearer"}, {"x-api-key": "  "}]
)
def test_a_request_without_a_key_is_told_where_to_put_it(
    caller: Caller, base: str, headers: Headers
):
    reply = caller.raw("GET", base, None, headers)
    assert_refused(reply, base, 401)
    assert reply.code == "missing_api_key"
    assert "Authorization: Bearer" in reply.json["error"]["message"]


@pytest.mark.parametrize("name", ["authorization", "Authorization", "AUTHORIZATION"])
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_names_and_schemes_may_be_in_capitals(caller: Caller, name: str, scheme: str):
    assert caller.raw("GET", OPENAI, None, {name: f"{scheme} {caller.key}"}).status == 200


@pytest.mark.parametrize("name", ["X-BF-VK", "X-Api-Key"])
def test_key_headers_may_be_in_capitals(caller: Caller, name: str):
    assert caller.raw("GET", OPENAI, None, {name: caller.key}).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"  Bearer   {MINE}  "},
        {"authorization": f"basic  {basic(MINE, '').partition(' ')[2]} "},
        {"x-api-key": f"\t{MINE} "},
        {"x-bf-vk": MINE, "authorization": " "},
        {"x-bf-vk": MINE, "authorization": "Bearer "},
        {"x-bf-vk": MINE, "authorization": basic("", "")},
    ],
)
def test_white_space_and_empty_headers_do_no_harm(headers: Headers):
    assert read_key(headers) == MINE


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {MINE}", "x-api-key": MINE, "x-bf-vk": MINE},
        {"authorization": basic(MINE, MINE), "x-api-key": MINE},
        {"x-api-key": f"{MINE},{MINE}"},
        {"authorization": f"Bearer {MINE}, Bearer {MINE}"},
        {"authorization": f"Bearer {MINE}, {basic('', MINE)}"},
    ],
)
def test_the_same_key_several_times_is_one_key(headers: Headers):
    assert read_key(headers) == MINE


@pytest.mark.parametrize(("one", "two"), [*permutations(["bearer", "x-bf-vk", "x-api-key"], 2)])
def test_different_keys_are_refused_even_where_one_is_right(
    caller: Caller, base: str, one: str, two: str
):
    reply = caller.raw(
        "GET", base, None, WAYS[one](caller.key) | WAYS[two](caller.other_accounts_key)
    )
    assert_refused(reply, base, 400)
    assert reply.code == "conflicting_keys"


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
def test_different_keys_conflict_however_they_are_sent(headers: Headers):
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
def test_other_schemes_and_broken_ones_are_refused(value: str):
    with pytest.raises(InvalidApiKey):
        read_key({"authorization": value})


def test_a_user_without_password_and_colon_is_a_key():
    assert read_key({"authorization": "Basic " + base64.b64encode(MINE.encode()).decode()}) == MINE


def test_headers_of_other_vendors_are_not_read():
    with pytest.raises(MissingApiKey):
        read_key({"x-goog-api-key": MINE, "cookie": MINE})


def test_a_bad_body_is_not_looked_at_without_a_key(caller: Caller, base: str):
    assert_refused(caller.raw("POST", base, b"[", {}), base, 401)
