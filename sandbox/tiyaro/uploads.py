"""Addresses that one file may be PUT to for a while: a name, an end and a signature over both."""

import hashlib
import hmac
import secrets
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

ADDRESS_SECONDS = 900


class Uploads:
    """Files as they were sent; what they are is found out by who opens them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._secret = secrets.token_bytes(32)

    def address(self, base: str, extension: str) -> str:
        name = f"{secrets.token_hex(16)}.{extension}"
        end = int(time.time()) + ADDRESS_SECONDS
        return f"{base}/{name}?expires={end}&signature={self._sign(name, str(end))}"

    def may_put(self, name: str, end: str, signature: str) -> bool:
        return self._is_ours(name, end, signature) and int(end) > time.time()

    def keep(self, name: str, content: bytes) -> None:
        self._place(name).write_bytes(content)

    def find(self, address: str) -> Path | None:
        """What was put to an address of ours, which may have ended since."""
        parts = urlsplit(address)
        name = parts.path.rpartition("/")[2]
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if not self._is_ours(name, query.get("expires", ""), query.get("signature", "")):
            return None
        return self._place(name) if self._place(name).exists() else None

    def _place(self, name: str) -> Path:
        return self._folder / f"upload-{name}"

    def _is_ours(self, name: str, end: str, signature: str) -> bool:
        return hmac.compare_digest(self._sign(name, end).encode(), signature.encode())

    def _sign(self, name: str, end: str) -> str:
        return hmac.new(self._secret, f"{name} {end}".encode(), hashlib.sha256).hexdigest()
