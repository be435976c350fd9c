"""The real core on ports in memory with a virtual clock, crashed and interleaved at every call.

One seed is one small world: a few jobs, their executions, clients, sweepers and moody providers,
then quiet until nothing is left to be done. `python -m tests.simulation --seed 7` tells one again.
"""
