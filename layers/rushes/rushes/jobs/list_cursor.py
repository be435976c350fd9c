"""Cursors of lists: a position that is valid in one list only."""

import base64
import binascii
import re
from dataclasses import dataclass

from rushes.errors import UnknownCursor

DIGEST_CHARACTERS = 16
POSITION = re.compile(r"[A-Za-z0-9_-]{1,100}")
MAX_CHARACTERS = 200


@dataclass(frozen=True)
class CursorScope:
    """A list. `digest` identifies its account, filters and order, and reveals none of them."""

    digest: str

    def encode(self, position: str) -> str:
        text = f"{self.digest[:DIGEST_CHARACTERS]}{position}"
        return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()

    def decode(self, cursor: str) -> str:
        """Return the position.

        Raises
        ------
        UnknownCursor
        """
        digest, position = _split(cursor)
        if digest is None or not POSITION.fullmatch(position):
            raise UnknownCursor(
                f"cursor is not one of this API (got {cursor[:80]}); use the next_cursor of a page",
                param="cursor",
            )
        if digest != self.digest[:DIGEST_CHARACTERS]:
            raise UnknownCursor(
                "cursor is of another list: use it with the account, filters and sort order of the"
                " page that returned it",
                param="cursor",
            )
        return position


def _split(cursor: str) -> tuple[str | None, str]:
    if len(cursor) > MAX_CHARACTERS or not cursor.isascii():
        return None, ""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None, ""
    return text[:DIGEST_CHARACTERS], text[DIGEST_CHARACTERS:]
