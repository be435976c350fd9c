"""Signed upload URLs: an HMAC over file name and expiry time permits one PUT target."""

import hashlib
import hmac
import secrets
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

UPLOAD_SECONDS = 900


class Uploads:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._secret = secrets.token_bytes(32)

    def create_url(self, base: str, extension: str) -> str:
        name = f"{secrets.token_hex(16)}.{extension}"
        expires = int(time.time()) + UPLOAD_SECONDS
        return f"{base}/{name}?expires={expires}&signature={self._sign(name, str(expires))}"

    def is_valid(self, name: str, expires: str, signature: str) -> bool:
        return self._is_signed(name, expires, signature) and int(expires) > time.time()

    def store(self, name: str, content: bytes) -> None:
        self._path(name).write_bytes(content)

    def find(self, url: str) -> Path | None:
        """Return the file uploaded to a signed URL, which may have expired since."""
        parts = urlsplit(url)
        name = parts.path.rpartition("/")[2]
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if not self._is_signed(name, query.get("expires", ""), query.get("signature", "")):
            return None
        return self._path(name) if self._path(name).exists() else None

    def _path(self, name: str) -> Path:
        return self._folder / f"upload-{name}"

    def _is_signed(self, name: str, expires: str, signature: str) -> bool:
        return hmac.compare_digest(self._sign(name, expires).encode(), signature.encode())

    def _sign(self, name: str, expires: str) -> str:
        return hmac.new(self._secret, f"{name} {expires}".encode(), hashlib.sha256).hexdigest()
