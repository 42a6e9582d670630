"""What makes stored data fit for use: figures held against thresholds, without Dagster.

Functions take what was stored, or small facts about it, and give verdicts. When they are reached,
and what follows from them, is up to ``assets.checks``.
"""
