"""Names of the log events of webhooks."""

DELIVERY_ATTEMPTED = "delivery_attempted"
DELIVERIES_CREATED = "deliveries_created"
DELIVERY_NOT_MARKED = "delivery_not_marked"
DELIVERY_NOT_QUEUED = "delivery_not_queued"
PAYLOAD_NOT_RENDERED = "payload_not_rendered"
