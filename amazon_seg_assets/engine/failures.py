"""What Java says of a failure, in one line."""

from __future__ import annotations

import re

_DEEPEST = re.compile(r"^(?:Caused by: |: )(?:[\w.$]+: )?(?P<what>\S.*)$", re.MULTILINE)


def cause_in_one_line(message: str) -> str:
    """The innermost cause that a message with Java's stack trace names, else its first line.

    Without a full stop, so that it can be part of a sentence.
    """
    lines = message.strip().splitlines() or ["no reason was given"]
    return [lines[0], *_DEEPEST.findall(message)][-1].strip().rstrip(".")
