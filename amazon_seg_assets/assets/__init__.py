"""The software-defined assets: each selects its input, calls one pure function, stores, reports.

One module per stage of the way. What all of them need to declare themselves and to report is in
``declaration``, ``metadata`` and ``cost``; their checks are in ``checks``.
"""
