"""Providers at run time, for operators: state, pause and resume."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from rushes.api.native.resource import Call, EmptyBody, EmptyQuery, Route
from rushes.api.native.services import NativeServices
from rushes.api.provider_control.key_check import KeyCheckView
from rushes.api.provider_control.service import MAX_REASON
from rushes.api.provider_control.views import ProviderList, ProviderView
from rushes.dialects.validation import StrictModel
from rushes.ports.api_keys import Scope


class NewPause(StrictModel):
    reason: Annotated[str, Field(max_length=MAX_REASON)]
    until: datetime | None = Field(
        default=None,
        description="Time with a time zone at which the pause ends, 30 days ahead at most; without"
        " it, an operator resumes the provider.",
    )


def list_providers(services: NativeServices, _: Call[EmptyBody, EmptyQuery]) -> ProviderList:
    return services.providers.list()


def show(services: NativeServices, call: Call[EmptyBody, EmptyQuery]) -> ProviderView:
    return services.providers.get(call.variables["name"])


def pause(services: NativeServices, call: Call[NewPause, EmptyQuery]) -> ProviderView:
    name, body = call.variables["name"], call.body
    services.providers.pause(name, body.reason, body.until, call.identity.actor)
    return services.providers.get(name)


def resume(services: NativeServices, call: Call[EmptyBody, EmptyQuery]) -> ProviderView:
    name = call.variables["name"]
    services.providers.resume(name, call.identity.actor)
    return services.providers.get(name)


def test_key(services: NativeServices, call: Call[EmptyBody, EmptyQuery]) -> KeyCheckView:
    return services.key_checks.check(call.variables["name"], call.identity.actor)


ROUTES = (
    Route(
        "GET",
        "/admin/providers",
        Scope.ADMIN,
        list_providers,
        name="admin.providers.list",
        summary="List the providers with their state, errors and open jobs",
        response=ProviderList,
    ),
    Route(
        "GET",
        "/admin/providers/<name>",
        Scope.ADMIN,
        show,
        name="admin.providers.retrieve",
        summary="Retrieve the state of a provider",
        response=ProviderView,
    ),
    Route(
        "POST",
        "/admin/providers/<name>/pause",
        Scope.ADMIN,
        pause,
        name="admin.providers.pause",
        summary="Send no create call to a provider; its running jobs continue",
        response=ProviderView,
        body=NewPause,
    ),
    Route(
        "POST",
        "/admin/providers/<name>/resume",
        Scope.ADMIN,
        resume,
        name="admin.providers.resume",
        summary="End the pause of a provider: waiting jobs begin within a minute",
        response=ProviderView,
    ),
    Route(
        "POST",
        "/admin/providers/<name>/test",
        Scope.ADMIN,
        test_key,
        name="admin.providers.test",
        summary="Ask a provider whether it accepts the stored key, by a request that bills nothing",
        response=KeyCheckView,
    ),
)
