"""Signed messages about jobs to whoever asked for them.

`model` is what is kept, `signature` and `schedule` are the rules, `fanout` turns an event into
deliveries, `deliver` makes one attempt at one of them.
"""
