"""The tasks of the state machine, one module each, and the sweeper.

A task reads the job, makes one step and returns the next one; a provider error becomes a job
outcome, not an exception. The job in the table is authoritative: a task's result only routes.
"""
