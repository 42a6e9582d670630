"""Churn: who is likely to leave, by a model that is held to account beside simple rules."""
