"""The caller of the native API."""

from typing import Annotated

from pydantic import Field

from rushes.api.keys.views import LimitView
from rushes.api.native.schemas.shared import Closed


class WhoAmI(Closed):
    """The account and the API key of the request, and the limits that apply to both."""

    account: str
    key_id: Annotated[str, Field(description="Public id of the API key.")]
    key_name: str
    scopes: list[str]
    models: Annotated[list[str], Field(description="Names and patterns; `*`: all.")]
    account_limits: list[LimitView]
    key_limits: list[LimitView]
