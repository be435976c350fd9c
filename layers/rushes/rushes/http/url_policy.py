"""Policies for URLs in requests: of webhooks and of input files.

Both are checked again at connection time (`http.urls.public_url`, `http.connections`).
"""

from dataclasses import dataclass

from rushes.errors import UrlNotAllowed
from rushes.http import ssrf
from rushes.http.ssrf import check_form, check_public

MAX_LENGTH = 2048
"""Characters of a webhook URL."""


@dataclass(frozen=True)
class InputUrlPolicy:
    """Public https only, by the text of the URL alone; local mode also allows http and any host.

    No name is resolved: a create call does not wait for the client's name server, and its response
    reveals no name of the function's network. A fragment is allowed and never sent.
    """

    local_mode: bool

    def __call__(self, url: str, param: str) -> None:
        if len(url) > ssrf.MAX_LENGTH:
            raise UrlNotAllowed(
                f"{param}: url must have at most {ssrf.MAX_LENGTH} characters (got {len(url)})",
                param=param,
            )
        try:
            check_form(url, local_mode=self.local_mode)
        except UrlNotAllowed as error:
            raise UrlNotAllowed(f"{param}: {error.message}", param=param) from error


@dataclass(frozen=True)
class PublicUrlPolicy:
    """Public https only; local mode also allows http and private hosts."""

    local_mode: bool

    def __call__(self, url: str, param: str) -> None:
        if len(url) > MAX_LENGTH:
            raise UrlNotAllowed(
                f"url must have at most {MAX_LENGTH} characters (got {len(url)})", param=param
            )
        if "#" in url:
            raise UrlNotAllowed("url must not have a fragment (#)", param=param)
        try:
            check_public(url, local_mode=self.local_mode)
        except UrlNotAllowed as error:
            raise UrlNotAllowed(error.message, param=param) from error
