"""Pictures: functions from small pandas frames to Matplotlib figures, with a text alternative.

No Spark and no Dagster here, and none of pyplot's global state. A picture takes aggregates, never
customers one by one; colours, fonts, formats and captions come from ``style``. ``scope`` is for the
caption, ``colours`` are those of segments by name. A frame without customers gives an honest empty
chart, not an error.
"""
