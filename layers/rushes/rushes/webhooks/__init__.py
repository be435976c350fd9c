"""Signed webhooks about jobs.

`fanout` turns an event into deliveries, `deliver` makes one attempt, `requeue` finds deliveries
that are due and in no queue. `retry_policy` and `signature` hold the rules.
"""
