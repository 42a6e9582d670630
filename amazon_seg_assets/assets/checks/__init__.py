"""The checks of all assets: each step loads figures, has them judged, and reports.

What is judged, and against which threshold, is in ``quality``.
"""
