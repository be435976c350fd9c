"""Policy for webhook URLs: checked at registration and at each delivery attempt."""

from dataclasses import dataclass

from rushes.errors import UrlNotAllowed
from rushes.http.ssrf import check_public

MAX_LENGTH = 2048
"""Characters."""


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
