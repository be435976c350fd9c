"""Tests of stored deliveries."""

import json

from rushes.webhooks.attempt import MAX_MANUAL_ATTEMPTS, DeliveryAttempt, trim_manual
from rushes.webhooks.delivery import Delivery
from tests.unit.webhooks.harness import START, endpoint, event


def test_delivery_stored_by_version_0_1_0_is_read():
    stored = json.loads(Delivery.for_endpoint(endpoint(), event(), START).model_dump_json())
    del stored["is_paused"]
    old = {**stored, "is_held": True, "attempts": [{"at": START, "kind": "manual"}]}
    delivery = Delivery.model_validate_json(json.dumps(old))
    assert delivery.is_paused
    assert delivery.attempts == (DeliveryAttempt(at=START, trigger="manual"),)
    assert Delivery.model_validate_json(delivery.model_dump_json()) == delivery


def test_trim_manual_drops_only_the_oldest_manual_attempts():
    scheduled = DeliveryAttempt(at=START)
    manual = tuple(
        DeliveryAttempt(at=START + number, trigger="manual")
        for number in range(MAX_MANUAL_ATTEMPTS + 2)
    )
    assert trim_manual((scheduled, *manual)) == (scheduled, *manual[2:])
