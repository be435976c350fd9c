"""Whether anything may be sent to an address: judged when it is named, and at each attempt."""

from collections.abc import Callable
from dataclasses import dataclass

from rushes.addresses import check_public
from rushes.errors import AddressRefused

LONGEST = 2048
"""Characters."""

Judge = Callable[[str, str], None]
"""Takes an address and the name of the field that it came in; raises AddressRefused."""


@dataclass(frozen=True)
class AddressJudge:
    """In local mode http and this machine will do."""

    local_mode: bool

    def __call__(self, url: str, param: str) -> None:
        if len(url) > LONGEST:
            raise AddressRefused(f"an address has at most {LONGEST} characters", param=param)
        if "#" in url:
            raise AddressRefused("what is behind # would never be sent", param=param)
        try:
            check_public(url, local_mode=self.local_mode)
        except AddressRefused as refused:
            raise AddressRefused(
                f"nothing can be sent there: {refused.message}", param=param
            ) from refused


STRICT: Judge = AddressJudge(local_mode=False)
