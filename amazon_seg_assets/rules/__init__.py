"""Rules as data that users can edit: schemes, labels, recommendations, excluded categories.

Each file is checked when it is loaded; what is wrong is told with the file and the entry. The
setting ``AMAZON_SEG_RULES`` names a folder whose files take the place of those beside this one.
"""
