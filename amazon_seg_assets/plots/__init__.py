"""Pictures: functions from small pandas frames to Matplotlib figures, with a text alternative.

No Spark and no Dagster here. All of them share the style, the colours and the captions of
``style``.
"""
