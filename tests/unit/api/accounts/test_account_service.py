"""Management of accounts, on fakes."""

from typing import Any

import pytest

from rushes.api.accounts.account_service import AccountService
from rushes.api.accounts.schemas import AccountChanges, NewAccount
from rushes.dialects.validation import validate
from rushes.errors import AccountExists, InvalidRequest, NotFound
from tests.fakes import FakeAccounts, FakeClock

ACTOR = "key:0123456789abcdef"


class Setup:
    def __init__(self) -> None:
        self.accounts, self.clock = FakeAccounts(), FakeClock()
        self.service = AccountService(self.accounts, self.clock)

    def create(self, account: str = "team", **fields: Any) -> None:
        self.service.create(validate(NewAccount, {"account": account, **fields}), ACTOR)

    def change(self, **fields: Any) -> Any:
        return self.service.update("team", validate(AccountChanges, fields), ACTOR)


@pytest.fixture
def setup() -> Setup:
    return Setup()


def test_account_has_display_name_contact_and_notes(setup: Setup):
    setup.create(display_name="The Team, Inc.", contact="ops@team.example", notes="two\nlines")
    account = setup.service.get("team")
    assert (account.display_name, account.contact) == ("The Team, Inc.", "ops@team.example")
    assert (account.notes, account.created_at) == ("two\nlines", setup.clock.now)


@pytest.mark.parametrize("name", ["a", "0", "a-b", "a" * 63])
def test_account_names_of_all_lengths_are_accepted(setup: Setup, name: str):
    setup.create(name)
    assert setup.service.get(name).name == name


@pytest.mark.parametrize("name", ["a" * 64, "-a", "A", "a_b", "a#b", "a b", "ä", "a\n"])
def test_invalid_account_names_are_refused(setup: Setup, name: str):
    with pytest.raises(InvalidRequest, match="account is invalid: an account is up to 63"):
        setup.create(name)
    with pytest.raises(NotFound):
        setup.service.get(name)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"contact": "absent"}, "contact is invalid: it must be an e-mail address"),
        ({"contact": f"{'a' * 250}@b.example"}, "contact must have at most 254"),
        ({"contact": "a@b.example\nbcc: c@d.example"}, "contact is invalid"),
        ({"display_name": "x" * 121}, "display_name must have at most 120"),
        ({"display_name": "a\x00b"}, "display_name is invalid"),
        ({"notes": "x" * 2001}, "notes must have at most 2000"),
        ({"email": "a@b.example"}, "email is not supported"),
    ],
)
def test_invalid_fields_are_refused_by_name(setup: Setup, fields: Any, message: str):
    with pytest.raises(InvalidRequest, match=message):
        setup.create(**fields)
    assert not setup.accounts.rows


def test_account_is_created_once(setup: Setup):
    setup.create(display_name="first")
    with pytest.raises(AccountExists, match="account team exists"):
        setup.create(display_name="second")
    assert setup.service.get("team").display_name == "first"
    assert setup.accounts.audit.actions == ["account.create"]


def test_account_is_disabled_and_enabled(setup: Setup):
    setup.create()
    assert setup.change(disabled=True).disabled_at == setup.clock.now
    disabled_at = setup.clock.now
    setup.clock.advance(10)
    assert setup.change(disabled=True).disabled_at == disabled_at
    assert setup.change(contact="a@b.example").disabled_at == disabled_at
    assert setup.change(disabled=False).disabled_at is None
    actions = ["account.create", "account.disable", "account.update", "account.enable"]
    assert setup.accounts.audit.actions == actions


def test_change_of_an_unknown_account_is_refused(setup: Setup):
    with pytest.raises(NotFound, match="account team not found"):
        setup.change(notes="x")
    assert setup.accounts.audit.entries == []


def test_accounts_are_listed_by_name_in_pages(setup: Setup):
    for name in ("c", "a", "b"):
        setup.create(name)
    first, has_more = setup.service.page(2)
    rest, ends = setup.service.page(2, first[-1].name)
    assert [account.name for account in (*first, *rest)] == ["a", "b", "c"]
    assert (has_more, ends) == (True, False)
