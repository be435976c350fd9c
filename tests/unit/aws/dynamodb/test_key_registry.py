"""Keys and accounts in moto's table."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from rushes.api.keys.key_service import KeyService
from rushes.api.keys.schemas import NewKey, Rotation
from rushes.aws.dynamodb.accounts import AccountTable
from rushes.aws.dynamodb.api_keys import KeyTable
from rushes.aws.dynamodb.audit import AuditTable
from rushes.aws.dynamodb.key_registry import KeyRegistryTable
from rushes.errors import AwsUnavailable, CorruptRecord, KeyConflict, NotFound, UnknownCursor
from rushes.ports.accounts import Account
from rushes.ports.api_keys import DEFAULT_SCOPES, ApiKey, Scope
from rushes.ports.audit import AuditEntry, AuditFilter
from tests.fakes import FakeClock
from tests.unit.aws.dynamodb.moto_table import CountedTable

ACTOR = "key:0123456789abcdef"
NOW = 1_800_000_000.5
ENTRY = AuditEntry(NOW, ACTOR, "key.update", "key:x")
CLOCK = FakeClock(NOW)


class Stored:
    def __init__(self, table: CountedTable) -> None:
        self.table = table
        self.keys = KeyTable(table.client, table.name)
        self.registry = KeyRegistryTable(table.client, table.name)
        self.accounts = AccountTable(table.client, table.name)
        self.audit = AuditTable(table.client, table.name, CLOCK)
        self.service = KeyService(self.registry, CLOCK)

    def create(self, account: str = "team", **fields: Any) -> ApiKey:
        return self.service.create(NewKey(account=account, **fields), ACTOR).key

    def actions(self) -> list[str]:
        found = self.audit.page(AuditFilter(), 100).entries
        return [entry.action for entry in reversed(found)]


@pytest.fixture
def stored(table: CountedTable) -> Stored:
    return Stored(table)


def test_key_is_read_as_it_was_written(stored: Stored):
    key = ApiKey(
        key_id="0" * 16,
        account="team",
        digest="0" * 64,
        created_at=NOW,
        revoked=True,
        name="shop",
        scopes=frozenset({Scope.READ, Scope.ADMIN}),
        models=frozenset({"a/*", "fast"}),
        expires_at=NOW + 1.25,
        last_used_at=NOW - 1,
        created_by=ACTOR,
        revoked_at=NOW + 2,
        replaced_by="1" * 16,
        first_key_id="2" * 16,
        version=3,
    )
    stored.registry.create(key, ENTRY)
    assert stored.keys.get(key.key_id) == key


def test_key_of_an_older_release_has_the_default_scopes(stored: Stored):
    item = {
        "pk": {"S": "KEY#" + "0" * 16},
        "sk": {"S": "key"},
        "account": {"S": "team"},
        "digest": {"S": "0" * 64},
        "created_at": {"N": "1.5"},
        "revoked": {"BOOL": False},
    }
    stored.table.client.put_item(TableName=stored.table.name, Item=item)
    key = stored.keys.get("0" * 16)
    assert key is not None
    assert key == ApiKey("0" * 16, "team", "0" * 64, 1.5)
    assert (key.scopes, key.models) == (DEFAULT_SCOPES, None)
    changed = stored.registry.change(key.key_id, lambda one: replace(one, name="x"), ENTRY)
    assert (changed.name, changed.version) == ("x", 1)
    assert stored.registry.page("team", 10, None) == ((), False)
    assert stored.registry.register(changed, ENTRY)
    assert not stored.registry.register(changed, ENTRY)
    assert stored.registry.page("team", 10, None) == ((changed,), False)
    assert stored.accounts.page(10, None) == ((Account("team", 1.5),), False)


def test_scope_of_a_newer_release_is_ignored(stored: Stored):
    key = stored.create()
    stored.table.client.update_item(
        TableName=stored.table.name,
        Key={"pk": {"S": f"KEY#{key.key_id}"}, "sk": {"S": "key"}},
        UpdateExpression="SET scopes = :scopes",
        ExpressionAttributeValues={":scopes": {"SS": ["read", "billing"]}},
    )
    found = stored.keys.get(key.key_id)
    assert found
    assert found.scopes == {Scope.READ}


def test_keys_and_accounts_are_listed_by_queries(stored: Stored):
    keys = []
    for number in range(7):
        CLOCK.advance(1)
        keys.append(stored.create(name=str(number)))
    stored.create("other")
    stored.table.calls.clear()
    first, has_more = stored.registry.page("team", 4, None)
    assert stored.table.calls == {"Query": 1, "BatchGetItem": 1}
    rest, ends = stored.registry.page("team", 4, first[-1].key_id)
    assert [key.name for key in (*first, *rest)] == list("6543210")
    assert (has_more, ends) == (True, False)
    accounts, _ = stored.accounts.page(1, None)
    others, _ = stored.accounts.page(1, accounts[-1].name)
    assert [account.name for account in (*accounts, *others)] == ["other", "team"]
    assert stored.table.calls["Scan"] == 0


def test_cursor_of_another_account_is_unknown(stored: Stored):
    other = stored.create("other")
    for cursor in (other.key_id, "f" * 16, "", "x" * 60):
        with pytest.raises(UnknownCursor):
            stored.registry.page("team", 4, cursor)


def test_one_of_two_rotations_at_once_wins(stored: Stored):
    key = stored.create()

    def rotate(_: int) -> str:
        try:
            return stored.service.rotate(key.key_id, Rotation(), ACTOR).key.key_id
        except KeyConflict as error:
            return error.message

    with ThreadPoolExecutor(4) as pool:
        results = sorted(pool.map(rotate, range(4)), key=len)
    winner, others = results[0], results[1:]
    assert others == [f"key {key.key_id} was rotated before: the key {winner} is in its place"] * 3
    found, _ = stored.registry.page("team", 10, None)
    assert {one.key_id for one in found} == {key.key_id, winner}
    assert sorted(stored.actions()) == ["key.create", "key.rotate"]


def test_rotation_loses_to_a_revocation_in_between(stored: Stored):
    key = stored.create()
    calls = 0

    def get(key_id: str) -> ApiKey | None:
        nonlocal calls
        calls += 1
        found = stored.keys.get(key_id)
        if calls == 2:  # the read of the rotation's write
            stored.registry.change(key_id, lambda one: replace(one, revoked=True), ENTRY)
        return found

    stored.registry._keys = type("Keys", (), {"get": staticmethod(get)})()
    with pytest.raises(KeyConflict, match="is revoked"):
        stored.service.rotate(key.key_id, Rotation(), ACTOR)
    found = stored.keys.get(key.key_id)
    assert found
    assert (found.revoked, found.replaced_by) == (True, None)


def test_no_change_is_written_without_its_entry(stored: Stored, monkeypatch: pytest.MonkeyPatch):
    key = stored.create()
    failing: dict[str, Any] = {"pk": {"S": ""}, "sk": {"S": "x"}}  # DynamoDB refuses an empty key
    for module in ("key_registry", "accounts"):
        monkeypatch.setattr(f"rushes.aws.dynamodb.{module}.entry_item", lambda _: failing)
    with pytest.raises((AwsUnavailable, ValueError)):
        stored.service.revoke(key.key_id, ACTOR)
    with pytest.raises((AwsUnavailable, ValueError)):
        stored.create()
    with pytest.raises((AwsUnavailable, ValueError)):
        stored.accounts.create(Account("third", NOW), ENTRY)
    found = stored.keys.get(key.key_id)
    assert found
    assert not found.revoked
    assert stored.accounts.get("third") is None
    assert len(stored.registry.page("team", 10, None)[0]) == 1


def test_last_use_is_stored_once_an_hour(stored: Stored):
    key = stored.create()
    for seconds, expected in ((0.0, 0.0), (3599.0, 0.0), (3600.0, 3600.0)):
        stored.keys.record_use(key.key_id, NOW + seconds, 3600.0)
        found = stored.keys.get(key.key_id)
        assert found
        assert found.last_used_at == NOW + expected
    stored.keys.record_use("f" * 16, NOW, 3600.0)
    assert stored.keys.get("f" * 16) is None


def test_account_is_created_changed_and_disabled(stored: Stored):
    account = Account("team", NOW, "The Team", "ops@team.example", "notes")
    assert stored.accounts.create(account, ENTRY)
    assert not stored.accounts.create(account, ENTRY)
    assert stored.accounts.get("team") == account
    changes: list[dict[str, Any]] = [{"disabled_at": NOW}, {"disabled_at": None}, {"notes": ""}]
    for fields in changes:
        account = replace(account, **fields, version=account.version + 1)
        changed = stored.accounts.change("team", partial(replace, **fields), ENTRY)
        assert changed == account == stored.accounts.get("team")
    with pytest.raises(NotFound):
        stored.accounts.change("other", lambda one: one, ENTRY)


def test_first_key_does_not_replace_the_record_of_its_account(stored: Stored):
    account = Account("team", NOW - 10, "The Team")
    assert stored.accounts.create(account, ENTRY)
    stored.create()
    assert stored.accounts.get("team") == account
    assert stored.accounts.page(10, None) == ((account,), False)


def test_items_that_cannot_be_read_are_skipped_in_lists(stored: Stored):
    key, broken = stored.create(), stored.create()
    for pk, sk in ((f"KEY#{broken.key_id}", "key"), ("ACCOUNT#other", "account")):
        stored.create("other")
        stored.table.client.put_item(
            TableName=stored.table.name, Item={"pk": {"S": pk}, "sk": {"S": sk}}
        )
    assert stored.registry.page("team", 10, None)[0] == (key,)
    assert [account.name for account in stored.accounts.page(10, None)[0]] == ["team"]
    with pytest.raises(CorruptRecord):
        stored.keys.get(broken.key_id)
