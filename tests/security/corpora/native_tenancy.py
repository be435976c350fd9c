"""Probes of the native API, generated from its routes: another account's ids, and admin routes.

The caller's key has no scope `admin`: each admin route is refused, whatever it names.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from rushes.api.auth import Authenticator
from rushes.api.native.dispatcher import NativeApi
from rushes.api.native.resource import PREFIX, Route
from rushes.api.native.routes import ROUTES
from rushes.jobs.list_cursor import CursorScope
from rushes.ports.search import JobFilter, cursor_scope
from rushes.wiring import api as api_wiring
from tests.fakes import BUCKET
from tests.security.corpora.api import Api, running_api
from tests.security.corpora.case import JSON, Case
from tests.security.corpora.tenancy import ABSENT, AUTH, FORMS, Probe
from tests.unit.api.native.native_caller import Services

VARIABLES = {
    "job_id": ("job", "finished_job"),
    "key_id": ("key_id",),
    "account": ("account",),
    "name": ("provider",),
}
"""Records that a variable of a path stands for."""
PARAMETERS = {
    "cursor": ("cursor", "job"),
    "key": ("key_id",),
    "account": ("account",),
    "actor": ("key_id",),
    "target": ("key_id", "job"),
}
"""Records that a query parameter may name."""
Ids = dict[str, tuple[str, str]]
"""Ids of the other account's records, and of absent ones."""


@contextmanager
def running_native_api() -> Iterator[Api]:
    with running_api() as api, pytest.MonkeyPatch.context() as patch:
        services: Any = Services(api.jobs)
        native = NativeApi(ROUTES, services, Authenticator(api.jobs.keys))
        patch.setattr(api_wiring, "native_api", lambda: native)
        yield api


def probes(api: Api) -> Iterator[Probe]:
    ids = _ids(api)
    for route in ROUTES:
        for record in _records_in_path(route):
            yield from _forms(api, route, record, ids[record])
        for parameter in route.query.model_fields:
            for record in PARAMETERS.get(parameter, ()):
                yield from _forms(api, route, record, ids[record], parameter)
    yield from _bodies(api, ids)


def _ids(api: Api) -> Ids:
    owner, account = api.owner, api.account_of(api.owner.key)
    scope = cursor_scope(account, JobFilter(), newest_first=True)
    upload = owner.upload_url.removeprefix(BUCKET).partition("?")[0].rpartition("/")[2]
    return {
        "job": (owner.job, ABSENT.job),
        "finished_job": (owner.finished_job, ABSENT.job),
        "key_id": (owner.key.split("_")[1], "0" * 16),
        "account": (account, "absent"),
        "provider": ("sandbox", "nowhere"),
        "cursor": (scope.encode(owner.job), CursorScope("f" * 64).encode(ABSENT.job)),
        "upload": (upload, "00000000000000000000000000000000.png"),
        "upload_url": (owner.upload_url, ABSENT.upload_url),
        "idempotency_key": (owner.idempotency_key, ABSENT.idempotency_key),
    }


def _records_in_path(route: Route) -> Iterator[str]:
    for variable, records in VARIABLES.items():
        if f"<{variable}>" in route.path:
            yield from records


def _forms(
    api: Api, route: Route, record: str, ids: tuple[str, str], parameter: str | None = None
) -> Iterator[Probe]:
    """Yield each form of an id, in the path or in a query parameter, with each kind of key."""
    for form_name, form in FORMS.items():
        sent = (form(ids[0]), form(ids[1]))
        for auth_name, auth in AUTH.items():
            foreign, absent = (_case(route, text, auth(api.caller.key), parameter) for text in sent)
            place = parameter or "path"
            name = f"{route.name}: {record} in {place} {form_name}, {auth_name}"
            yield Probe(name, foreign, absent, ids, sent)


def _case(route: Route, text: str, auth: dict[str, str], parameter: str | None) -> Case:
    path, query = f"{PREFIX}{route.path}", {}
    if parameter:
        query[parameter] = text
    for variable in VARIABLES:
        path = path.replace(f"<{variable}>", text)
    path = path.replace("<path:name>", "sandbox/video")
    body = None if route.method == "GET" else b"{}"
    return Case(route.name, route.method, path, body, {**JSON, **auth}, query)


def _bodies(api: Api, ids: Ids) -> Iterator[Probe]:
    """Yield create calls with the other account's uploads and idempotency key."""
    image = {"role": "image"}
    bodies: dict[str, dict[str, Any]] = {
        "upload": {"inputs": [{**image, "upload": "{id}"}]},
        "upload_url": {"inputs": [{**image, "url": "{id}"}]},
        "idempotency_key": {},
    }
    creates = (route for route in ROUTES if route.name in ("jobs.create", "jobs.estimate"))
    for route in creates:
        for record, fields in bodies.items():
            for auth_name, auth in AUTH.items():
                foreign, absent = (
                    _create(route, record, fields, text, auth(api.caller.key))
                    for text in ids[record]
                )
                name = f"{route.name}: {record} in the request, {auth_name}"
                yield Probe(name, foreign, absent, ids[record], ids[record])


def _create(
    route: Route, record: str, fields: dict[str, Any], text: str, auth: dict[str, str]
) -> Case:
    body = {"model": "sandbox/video", "prompt": "mine", **fields}
    content = json.dumps(body).replace("{id}", text).encode()
    headers = {**JSON, **auth}
    if record == "idempotency_key":
        headers["idempotency-key"] = text
    return Case(route.name, route.method, f"{PREFIX}{route.path}", content, headers)
