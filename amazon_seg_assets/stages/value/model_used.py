"""The models of value that a snapshot keeps, to value its customers or others by."""

from amazon_seg_assets.stages.value.bg_nbd import NAMES as PURCHASES
from amazon_seg_assets.stages.value.bg_nbd import Params
from amazon_seg_assets.stages.value.gamma_gamma import NAMES as SPEND
from amazon_seg_assets.stages.value.models import ValueParams
from amazon_seg_assets.stages.value.tables import NOW, VALUE_MODEL
from amazon_seg_assets.storage.facts import read_facts, require_facts
from amazon_seg_assets.storage.layout import Store
from amazon_seg_assets.storage.parquet import read_small

REASON = "reason"
"""The fact beside ``value_model`` that says why there is none."""


def stored_params(store: Store, month: str) -> ValueParams | None:
    """The parameters of a stored month; None where there are too few customers for them.

    Raises:
        InputError: the models of that month are not stored.
    """
    facts = require_facts(store, VALUE_MODEL.name, month, REASON)
    if facts[REASON]:
        return None
    table = read_small(store, VALUE_MODEL, month)
    values = table[table["as_of"] == NOW].set_index(["model", "parameter"])["value"]
    return ValueParams(
        Params(*(float(values["bg_nbd", name]) for name in PURCHASES)),
        tuple(float(values["gamma_gamma", name]) for name in SPEND),
        facts["priced_share"],
    )


def why_no_value(store: Store, month: str) -> str | None:
    """Says why a month has no models of value; None if it has them."""
    if month not in store.months(VALUE_MODEL.name):
        return f"{VALUE_MODEL.name} of {store.category} is not stored for {month}."
    return read_facts(store, VALUE_MODEL.name, month).get(REASON)
