"""Who the caller is: the account, the API key and its scopes."""

from rushes.api.keys.schemas import ALL_MODELS
from rushes.api.keys.views import limit_views
from rushes.api.native.resource import Call, EmptyBody, EmptyQuery, Route
from rushes.api.native.schemas.whoami import WhoAmI
from rushes.api.native.services import NativeServices
from rushes.ports.api_keys import Scope


def whoami(services: NativeServices, call: Call[EmptyBody, EmptyQuery]) -> WhoAmI:
    key, limits = call.identity, services.limits
    return WhoAmI(
        account=key.account,
        key_id=key.key_id,
        key_name=key.name,
        scopes=sorted(key.scopes),
        models=[ALL_MODELS] if key.models is None else sorted(key.models),
        account_limits=limit_views(limits.of_account(key.account)),
        key_limits=limit_views(limits.of_key(key.account, key.limits_id)),
    )


ROUTES = (
    Route(
        "GET",
        "/whoami",
        Scope.READ,
        whoami,
        name="whoami",
        summary="Retrieve the account and the permissions of the API key",
        response=WhoAmI,
    ),
)
