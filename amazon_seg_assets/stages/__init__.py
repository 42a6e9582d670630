"""The stages of the data's way, one folder a subject; each may import only stages above it here.

A stage holds ``tables`` (what is stored), modules named after what they compute (pure: frames in,
frames out), ``plots`` (small pandas frames to pictures), ``assets`` and ``checks``.
"""

STAGES = (
    *("raw", "cleaning", "exploration", "rfm", "history", "clusters", "segments", "overview"),
    *("value", "churn", "movement", "sentiment", "comparison", "report"),
)
"""All stages, in the order of the data; a new subject is a folder and its name here."""
