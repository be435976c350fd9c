"""What the state machine does with a job, one module for each of its steps.

Each step reads the job, does one thing and returns an outcome; what a provider does wrong is an
outcome too, never an exception. The truth is in the store; an outcome only says where to go next.
"""
