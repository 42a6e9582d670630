"""The model of churn that a snapshot keeps, to score its customers or others by."""

from amazon_seg_assets.stages.churn.logistic import Logistic
from amazon_seg_assets.stages.churn.tables import CHURN_EVALUATION
from amazon_seg_assets.storage.facts import read_facts, require_facts
from amazon_seg_assets.storage.layout import Store

MODEL, REASON = "model", "reason"
"""Facts beside ``churn_evaluation``: the model, or why there is none."""


def stored_model(store: Store, month: str) -> Logistic | None:
    """The model of a stored month; None where the data carries none.

    Raises:
        InputError: the evaluation of that month is not stored.
    """
    facts = require_facts(store, CHURN_EVALUATION.name, month, REASON)
    return None if facts[REASON] else Logistic.from_facts(facts[MODEL])


def why_no_model(store: Store, month: str) -> str | None:
    """Says why a month has no model of churn; None if it has one."""
    if month not in store.months(CHURN_EVALUATION.name):
        return f"{CHURN_EVALUATION.name} of {store.category} is not stored for {month}."
    return read_facts(store, CHURN_EVALUATION.name, month).get(REASON)
