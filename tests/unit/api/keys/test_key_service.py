"""Management of API keys, on fakes."""

import json
from typing import Any

import pytest

from rushes.api.auth import Authenticator
from rushes.api.key_hashing import KEY
from rushes.api.keys.key_service import KeyService
from rushes.api.keys.schemas import KeyChanges, NewKey, Rotation
from rushes.dialects.validation import validate
from rushes.errors import ExpiredApiKey, InvalidApiKey, InvalidRequest, KeyConflict, NotFound
from rushes.ports.api_keys import DEFAULT_SCOPES, ApiKey, Scope
from tests.fakes import FakeClock, FakeKeys

ACTOR = "arn:aws:iam::123456789012:user/operator"
HOUR = 3600.0


class Setup:
    def __init__(self) -> None:
        self.keys, self.clock = FakeKeys(), FakeClock()
        self.service = KeyService(self.keys, self.clock)
        self.authenticator = Authenticator(self.keys, clock=self.clock)

    def create(self, **fields: Any) -> tuple[str, ApiKey]:
        request = validate(NewKey, {"account": "team", **fields})
        created = self.service.create(request, ACTOR)
        return created.secret, created.key

    def rotate(self, key_id: str, hours: float = 24) -> tuple[str, ApiKey]:
        created = self.service.rotate(key_id, Rotation(overlap_hours=hours), ACTOR)
        return created.secret, created.key

    @property
    def entries(self) -> list[Any]:
        return self.keys.accounts.audit.entries


@pytest.fixture
def setup() -> Setup:
    return Setup()


def test_new_key_has_defaults_and_is_valid(setup: Setup):
    secret, key = setup.create(name="CI of the shop")
    assert (key.name, key.scopes, key.models) == ("CI of the shop", DEFAULT_SCOPES, None)
    assert (key.expires_at, key.created_by, key.account) == (None, ACTOR, "team")
    assert setup.authenticator.authenticate(secret).scopes == DEFAULT_SCOPES
    assert "team" in setup.keys.accounts.rows


def test_new_key_has_the_given_permissions(setup: Setup):
    secret, key = setup.create(
        scopes=["read"], models=["kling/*", "fast"], expires_at="2027-01-31T12:00:00+01:00"
    )
    identity = setup.authenticator.authenticate(secret)
    assert identity.scopes == {Scope.READ}
    assert identity.models == frozenset({"kling/*", "fast"})
    assert key.expires_at == 1801393200.0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"account": "Team"}, 'account is invalid: .* up to 63 lower-case .* \\(got "Team"\\)'),
        ({"account": "a" * 64}, "account is invalid"),
        ({"account": ""}, "account is required"),
        ({"account": "a/b"}, "account is invalid"),
        (
            {"scopes": ["submit", "write"]},
            "scopes.1 must be one of 'submit', .*got \"write\"",
        ),
        ({"scopes": "read"}, "scopes must be a list"),
        ({"scopes": []}, "scopes .*at least 1"),
        ({"scopes": ["SUBMIT"]}, "scopes.0 must be one of"),
        ({"models": ["a b"]}, "models.0 is invalid: a model is a name"),
        ({"models": []}, "models .*at least 1"),
        ({"models": ["x"] * 51}, "models must have at most 50"),
        ({"name": "x" * 81}, "name must have at most 80 characters"),
        ({"name": "two\nlines"}, "name is invalid: it must be one line"),
        ({"expires_at": "tomorrow"}, 'expires_at is invalid: .*ISO 8601.*never .got "tomorrow"'),
        ({"expires_at": "2030-01-01T00:00:00"}, "expires_at is invalid: .*time zone"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at must be in the future"),
        ({"expires_at": "2990-01-01T00:00:00Z"}, "expires_at must be in the future, within 3650"),
        ({"owner": "x"}, "owner is not supported"),
    ],
)
def test_invalid_fields_are_refused_by_name(setup: Setup, fields: Any, message: str):
    with pytest.raises(InvalidRequest, match=message):
        setup.create(**fields)
    assert setup.entries == []
    assert not setup.keys.rows


@pytest.mark.parametrize(("seconds", "is_valid"), [(-0.001, True), (0.0, False), (1e6, False)])
def test_key_is_valid_until_its_expiry_alone(setup: Setup, seconds: float, *, is_valid: bool):
    secret, key = setup.create(expires_at="2027-01-31T00:00:00Z")
    setup.clock.now = (key.expires_at or 0) + seconds
    if is_valid:
        assert setup.authenticator.authenticate(secret).account == "team"
        return
    with pytest.raises(ExpiredApiKey, match="expired at 2027-01-31T00:00:00Z"):
        setup.authenticator.authenticate(secret)


def test_only_the_holder_of_the_secret_learns_of_the_expiry(setup: Setup):
    secret, key = setup.create(expires_at="2027-01-31T00:00:00Z")
    setup.clock.now = (key.expires_at or 0) + 1
    with pytest.raises(InvalidApiKey) as raised:
        setup.authenticator.authenticate(secret[:-1] + ("A" if secret[-1] != "A" else "B"))
    assert raised.value.error_code == "invalid_api_key"
    assert raised.value.message == "the API key is not valid"


def test_update_changes_the_given_fields_only(setup: Setup):
    _, key = setup.create(name="old", scopes=["read"], models=["a/*"])
    changed = setup.service.update(key.key_id, KeyChanges(name="new"), ACTOR)
    assert (changed.name, changed.scopes) == ("new", frozenset({Scope.READ}))
    changed = setup.service.update(key.key_id, KeyChanges(models=("*",)), ACTOR)
    assert changed.models is None
    assert [entry.action for entry in setup.entries] == ["key.create", "key.update", "key.update"]
    assert setup.entries[1].detail == {"account": "team", "name": "new"}


def test_expiry_can_be_removed_and_shortened(setup: Setup):
    _, key = setup.create(expires_at="2027-01-31T00:00:00Z")
    assert (
        setup.service.update(key.key_id, KeyChanges(expires_at="never"), ACTOR).expires_at is None
    )


def test_rotation_keeps_permissions_and_limits(setup: Setup):
    _, key = setup.create(scopes=["read"], models=["a/*"], name="shop")
    secret, new = setup.rotate(key.key_id)
    assert (new.name, new.scopes, new.models) == (
        "shop",
        frozenset({Scope.READ}),
        frozenset({"a/*"}),
    )
    identity = setup.authenticator.authenticate(secret)
    assert (identity.key_id, identity.limits_id) == (new.key_id, key.key_id)
    _, third = setup.rotate(new.key_id)
    assert third.limits_id == key.key_id


def test_both_keys_are_valid_for_the_overlap(setup: Setup):
    old_secret, key = setup.create()
    new_secret, new = setup.rotate(key.key_id, hours=2)
    for seconds, old_is_valid in ((0.0, True), (2 * HOUR - 1, True), (2 * HOUR, False)):
        setup.clock.now = key.created_at + seconds
        setup.authenticator = Authenticator(setup.keys, clock=setup.clock)
        assert setup.authenticator.authenticate(new_secret).account == "team"
        if old_is_valid:
            assert setup.authenticator.authenticate(old_secret).account == "team"
        else:
            with pytest.raises(ExpiredApiKey, match=f"replaced by the key {new.key_id}"):
                setup.authenticator.authenticate(old_secret)


def test_rotation_without_overlap_ends_the_old_key_at_once(setup: Setup):
    old_secret, key = setup.create()
    setup.rotate(key.key_id, hours=0)
    with pytest.raises(ExpiredApiKey):
        setup.authenticator.authenticate(old_secret)


def test_rotation_never_prolongs_the_old_key(setup: Setup):
    _, key = setup.create(expires_at="2027-01-15T09:00:00Z")
    setup.rotate(key.key_id, hours=720)
    assert setup.keys.rows[key.key_id].expires_at == key.expires_at


def test_successor_of_a_key_with_an_expiry_has_the_same_lifetime(setup: Setup):
    _, key = setup.create(expires_at="2027-01-31T00:00:00Z")
    setup.clock.advance(1000)
    _, new = setup.rotate(key.key_id)
    assert new.expires_at == pytest.approx((key.expires_at or 0) + 1000)


def test_second_rotation_names_the_successor(setup: Setup):
    _, key = setup.create()
    _, new = setup.rotate(key.key_id)
    with pytest.raises(KeyConflict, match=f"rotated before: the key {new.key_id} is in its place"):
        setup.rotate(key.key_id)
    assert len(setup.keys.rows) == 2


@pytest.mark.parametrize("hours", [-1, 720.5, float("nan"), float("inf"), "soon"])
def test_overlap_is_bounded(hours: Any):
    with pytest.raises(InvalidRequest, match="overlap_hours"):
        validate(Rotation, {"overlap_hours": hours})


def test_revoked_key_stays_revoked(setup: Setup):
    secret, key = setup.create()
    revoked = setup.service.revoke(key.key_id, ACTOR)
    assert (revoked.revoked, revoked.revoked_at) == (True, setup.clock.now)
    setup.clock.advance(10)
    assert setup.service.revoke(key.key_id, ACTOR).revoked_at == revoked.revoked_at
    with pytest.raises(KeyConflict, match="is revoked and cannot be rotated"):
        setup.rotate(key.key_id)
    with pytest.raises(KeyConflict, match="is revoked and cannot be changed"):
        setup.service.update(key.key_id, KeyChanges(name="x"), ACTOR)
    with pytest.raises(InvalidApiKey):
        setup.authenticator.authenticate(secret)
    assert [entry.action for entry in setup.entries] == ["key.create", "key.revoke"]


def test_rotated_key_keeps_the_end_of_its_overlap(setup: Setup):
    _, key = setup.create()
    setup.rotate(key.key_id)
    with pytest.raises(KeyConflict, match="was rotated before"):
        setup.service.update(key.key_id, KeyChanges(expires_at="never"), ACTOR)


@pytest.mark.parametrize("key_id", ["", "0" * 16, "x", "0" * 200, "rk_0"])
def test_unknown_key_is_not_found(setup: Setup, key_id: str):
    for act in (
        lambda: setup.service.get(key_id),
        lambda: setup.service.revoke(key_id, ACTOR),
        lambda: setup.rotate(key_id),
        lambda: setup.service.update(key_id, KeyChanges(name="x"), ACTOR),
    ):
        with pytest.raises(NotFound, match=r"key .*not found"):
            act()


def test_key_of_another_account_is_not_found(setup: Setup):
    _, key = setup.create()
    assert setup.service.get(key.key_id, "team").key_id == key.key_id
    with pytest.raises(NotFound):
        setup.service.get(key.key_id, "other")


def test_keys_are_listed_by_account_in_pages(setup: Setup):
    for number in range(5):
        setup.clock.advance(1)
        setup.create(name=str(number))
        setup.create(account="other")
    first, has_more = setup.service.page("team", 3)
    rest, ends = setup.service.page("team", 3, first[-1].key_id)
    assert [key.name for key in (*first, *rest)] == ["4", "3", "2", "1", "0"]
    assert (has_more, ends) == (True, False)


def test_no_entry_contains_a_secret(setup: Setup):
    secrets = [setup.create()[0]]
    secrets.append(setup.rotate(next(iter(setup.keys.rows)))[0])
    text = json.dumps([vars(entry) for entry in setup.entries], default=str)
    for secret in secrets:
        match = KEY.fullmatch(secret)
        assert match
        assert match[2] not in text


def test_last_use_is_written_once_an_hour(setup: Setup):
    secret, key = setup.create()
    for seconds in (0, 10, HOUR - 11, 1, 30):
        setup.clock.advance(seconds)
        setup.authenticator.authenticate(secret)
    assert setup.keys.uses == 2
    assert setup.keys.rows[key.key_id].last_used_at == key.created_at + HOUR
