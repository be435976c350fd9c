"""What jobs cost, added up by account, API key, model, provider, tag, user, modality, day or month.

A job counts on the UTC day on which it was accepted, as in budgets.
"""
