"""Log events: unique constants, whose values operators search for."""

import ast
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from rushes.metrics import CORRUPT_RECORD

ROOT = Path(__file__).parents[2]
SOURCES = [*ROOT.glob("layers/rushes/rushes/**/*.py"), *ROOT.glob("functions/**/*.py")]
TREES = {path: ast.parse(path.read_text()) for path in SOURCES}
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
EVENTS = {
    "authentication_failed",
    "budget_not_reported",
    "budget_threshold_reached",
    "circuit_closed",
    "circuit_opened",
    "collect_completed",
    "config_not_readable",
    "config_version_replaced",
    "corrupt_record",
    "dead_letter_added",
    "dead_letter_archived",
    "dead_letter_expired",
    "deliveries_created",
    "delivery_attempted",
    "delivery_not_marked",
    "delivery_not_queued",
    "events_not_published",
    "events_rejected",
    "execution_restarted",
    "execution_without_job",
    "finish_completed",
    "job_failed_over",
    "job_finished",
    "job_left_open",
    "job_not_found",
    "job_not_repaired",
    "job_not_started",
    "job_paused",
    "job_restored",
    "jobs_not_checked",
    "message_failed",
    "payload_not_rendered",
    "object_not_tagged",
    "poll_completed",
    "provider_account_refused",
    "provider_call_failed",
    "provider_checked",
    "provider_job_failed",
    "provider_key_rejected",
    "provider_model_unavailable",
    "provider_status_unknown",
    "record_of_newer_release",
    "reply_not_parsed",
    "request_completed",
    "request_failed",
    "submit_completed",
    "sweep_finished",
    "unexpected_error",
    "upload_deleted",
}


def logged(tree: ast.Module) -> Iterator[str]:
    """Yield the first argument of each call of a logger, as source text."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(ast.Name("logger"), level), args=[event, *_]):
                if level in LEVELS:
                    yield ast.unparse(event)
            case _:
                pass


LOGGED = set(chain.from_iterable(logged(tree) for tree in TREES.values()))


def constants(path: Path) -> Iterator[tuple[str, str]]:
    """Yield name and value of the event constants that a module defines."""
    for node in TREES[path].body:
        match node:
            case ast.Assign([ast.Name(name)], ast.Constant(str(value))):
                if path.name == "log_events.py" or name in LOGGED:
                    yield name, value
            case _:
                pass


CONSTANTS = [constant for path in SOURCES for constant in constants(path)]


def test_log_events_are_pinned_and_defined_once():
    assert sorted(value for _, value in CONSTANTS) == sorted(EVENTS)


def test_log_events_are_snake_case_constants_of_the_same_name():
    assert [value for name, value in CONSTANTS if value != name.lower()] == []
    assert [value for value in EVENTS if not re.fullmatch(r"[a-z]+(_[a-z]+)+", value)] == []


def test_every_log_call_names_a_constant_and_every_constant_is_logged():
    assert {name for name, _ in CONSTANTS} == LOGGED


def test_log_events_of_the_guides_for_operators_exist():
    pages = [(ROOT / f"docs/{name}.md").read_text() for name in ("operations", "runbook")]
    named = re.findall(r"\bevent `(\w+)`", "".join(pages))
    assert {CORRUPT_RECORD, "job_not_started", "request_failed"} <= set(named) <= EVENTS
