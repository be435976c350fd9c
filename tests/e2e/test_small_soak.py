"""Webhooks reach a failing subscriber, in the small form."""

from pathlib import Path

from tests.e2e.small_forms import check_small_form


def test_webhook_soak_succeeds(tree: Path):
    check_small_form("webhook-soak", tree)
