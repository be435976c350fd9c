"""Creation of API keys."""

import re

import pytest

from rushes.api.key_hashing import KEY, create_api_key


def test_record_does_not_contain_secret() -> None:
    key, record = create_api_key("demo", 100.0)
    secret = key.rpartition(record.key_id)[2][1:]
    assert KEY.fullmatch(key)
    assert secret not in repr(record)
    assert re.fullmatch("[0-9a-f]{64}", record.digest)
    assert (record.account, record.created_at, record.revoked) == ("demo", 100.0, False)


def test_create_api_key_returns_unique_keys() -> None:
    assert len({create_api_key("demo", 100.0)[0] for _ in range(50)}) == 50


@pytest.mark.parametrize("account", ["", "Demo", "-a", "a b", "a#b", "a/b", "ä", "a" * 64, "a\n"])
def test_create_api_key_refuses_ambiguous_account_names(account: str) -> None:
    with pytest.raises(ValueError, match="account must match"):
        create_api_key(account, 100.0)
