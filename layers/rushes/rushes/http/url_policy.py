"""Whether anything may be sent to an address: judged when it is named, and at each attempt."""

from dataclasses import dataclass

from rushes.errors import UrlNotAllowed
from rushes.http.ssrf import check_public

LONGEST = 2048
"""Characters."""


@dataclass(frozen=True)
class PublicUrlPolicy:
    """In local mode http and this machine will do."""

    local_mode: bool

    def __call__(self, url: str, param: str) -> None:
        if len(url) > LONGEST:
            raise UrlNotAllowed(f"an address has at most {LONGEST} characters", param=param)
        if "#" in url:
            raise UrlNotAllowed("what is behind # would never be sent", param=param)
        try:
            check_public(url, local_mode=self.local_mode)
        except UrlNotAllowed as refused:
            raise UrlNotAllowed(
                f"nothing can be sent there: {refused.message}", param=param
            ) from refused
