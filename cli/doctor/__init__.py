"""`rushes doctor`: checks of a deployment that only a real account can answer.

One check is one function that takes a `Deployment` and returns an `Answer`.
"""
