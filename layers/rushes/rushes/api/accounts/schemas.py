"""Requests about accounts."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from rushes.api.keys.schemas import AccountName, one_line
from rushes.dialects.validation import StrictModel, shown

MAX_DISPLAY_NAME, MAX_CONTACT, MAX_NOTES = 120, 254, 2000
CONTACT = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def _contact(text: str) -> str:
    if text and not CONTACT.fullmatch(text):
        raise ValueError(f"it must be an e-mail address (got {shown(text)})")
    return text


DisplayName = Annotated[str, Field(max_length=MAX_DISPLAY_NAME), AfterValidator(one_line)]
Contact = Annotated[
    str, Field(max_length=MAX_CONTACT), AfterValidator(one_line), AfterValidator(_contact)
]
Notes = Annotated[str, Field(max_length=MAX_NOTES)]


class NewAccount(StrictModel):
    """An account to create."""

    account: AccountName
    display_name: DisplayName = ""
    contact: Contact = ""
    """An e-mail address."""
    notes: Notes = ""
    """For operators; the account's own keys do not see them."""


class AccountChanges(StrictModel):
    """Changes of an account; absent fields stay. A disabled account creates no jobs."""

    display_name: DisplayName | None = None
    contact: Contact | None = None
    notes: Notes | None = None
    disabled: bool | None = None
