"""The families of the corpora, each with the number of cases that it has at least."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import islice

from tests.security.corpora import (
    headers,
    json_bodies,
    key_forms,
    multipart_bodies,
    native_tenancy,
    paths,
    tenancy,
)
from tests.security.corpora.api import Api, running_api
from tests.security.corpora.case import Case
from tests.security.corpora.check import Report, key_problems, problems, tenancy_problems

GENERATED: dict[str, Callable[[], Iterator[Case]]] = {
    "json": json_bodies.cases,
    "multipart": multipart_bodies.cases,
    "paths": paths.cases,
    "headers": headers.cases,
}
PROBES: dict[str, Callable[[Api], Iterator[tenancy.Probe]]] = {
    "tenancy": tenancy.probes,
    "native": native_tenancy.probes,
}
MINIMUM = {
    "json": 26_000,
    "multipart": 11_000,
    "paths": 20_000,
    "headers": 8_500,
    "tenancy": 7_500,
    "native": 3_000,
    "keys": 1_300,
}


def run(family: str, every: int = 1, first: int = 0) -> Report:
    """Send each `every`-th case of a family, beginning with number `first`."""
    report = Report(family)
    with _running(family) as api:
        if family in PROBES:
            _run_probes(api, report, islice(PROBES[family](api), first, None, every))
        elif family == "keys":
            for case in islice(key_forms.cases(api), first, None, every):
                answer = api.send(case)
                report.add(case, answer, _both(problems(api, case, answer), key_problems(answer)))
        else:
            for case in islice(GENERATED[family](), first, None, every):
                answer = api.send(case)
                report.add(case, answer, problems(api, case, answer))
    return report


def count(family: str) -> int:
    with _running(family) as api:
        if family in PROBES:
            return sum(1 for _ in PROBES[family](api))
        if family == "keys":
            return sum(1 for _ in key_forms.cases(api))
        return sum(1 for _ in GENERATED[family]())


def _running(family: str) -> AbstractContextManager[Api]:
    return native_tenancy.running_native_api() if family == "native" else running_api()


def _run_probes(api: Api, report: Report, probes: Iterable[tenancy.Probe]) -> None:
    before, keys = api.records_of_owner(), dict(api.jobs.keys.rows)
    for probe in probes:
        absent = api.send(probe.absent)
        foreign = api.send(probe.foreign)
        found = _both(
            problems(api, probe.foreign, foreign), tenancy_problems(api, probe, foreign, absent)
        )
        report.add(probe.foreign, foreign, (f"{probe.name}: {problem}" for problem in found))
    used = {key_id: key.last_used_at for key_id, key in api.jobs.keys.rows.items()}
    unused = {key_id: replace(key, last_used_at=used.get(key_id)) for key_id, key in keys.items()}
    if api.records_of_owner() != before or api.jobs.keys.rows != unused:
        report.findings.append("a probe changed records of the other account")


def _both(*groups: Iterator[str]) -> Iterator[str]:
    for group in groups:
        yield from group
