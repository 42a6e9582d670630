"""Days that divide what a model may know from what it is asked for."""

from dataclasses import dataclass
from datetime import date, timedelta

from amazon_seg_assets.stages.value.tables import HORIZON_DAYS


@dataclass(frozen=True)
class Cutoffs:
    """Days up to which features look, each a horizon or more before the next.

    Attributes:
        train: the model is fitted on features as of this day, and what came in the horizon after.
        evaluate: it is judged on features as of this day, likewise.
        now: it is applied to features as of this day, the snapshot's last.
        horizon_days: days after a cut-off without a clean review that make a customer churned.
    """

    train: date
    evaluate: date
    now: date
    horizon_days: int


def cutoffs(last_day: date, horizon_days: int = HORIZON_DAYS) -> Cutoffs:
    """The cut-offs for a snapshot: ends of months, so that whole months are read.

    Args:
        last_day: L.
        horizon_days: after each cut-off.
    """
    evaluate = _month_end_by(last_day - timedelta(days=horizon_days))
    train = _month_end_by(evaluate - timedelta(days=horizon_days))
    return Cutoffs(train, evaluate, last_day, horizon_days)


def _month_end_by(day: date) -> date:
    """The last end of a month that is not after a day."""
    next_day = day + timedelta(days=1)
    return day if next_day.day == 1 else day.replace(day=1) - timedelta(days=1)
