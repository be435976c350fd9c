"""Simulation: the real core on in-memory ports with a virtual clock.

It crashes and interleaves the core at every port call. One seed is one scenario: a few jobs, their
executions, clients, sweepers and faulty providers, then no faults until no work is left.
"""
