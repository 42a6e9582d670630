"""Errors meant for people.

Only exceptions that a user can act on belong here. Anything else that is raised is a defect
of this package and keeps its stack trace.
"""


class InputError(Exception):
    """Something the user gave cannot be used: a file, a row, a month or a setting.

    The message is one clear sentence that names the thing and says what to do about it. It is
    shown without a stack trace on the command line.
    """


class TooFewError(InputError):
    """There are too few reviews or customers: it fails alike until the data or a choice changes."""


MADE_ANEW = "materialize it again, or run `amazon-seg run --force`"
"""The remedy for what is damaged, to end a sentence with."""


class DamagedError(InputError):
    """Stored data is not as it was written: a file is missing or cut; making it anew helps."""
