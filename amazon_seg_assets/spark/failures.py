"""Failures of Java in one line, and their remedies."""

import re

from amazon_seg_assets.errors import MADE_ANEW

_OUT_OF_MEMORY_EXIT = 52  # Spark ends its Java with it when a task has filled the heap
_OUT_OF_MEMORY = "java.lang.OutOfMemoryError"
# Java calls this too little memory as well, but its heap has nothing to do with it.
_NO_MORE_THREADS = "unable to create native thread"
# An executor ends with that exit code too, or is killed (137) for using more than it may. Each kind
# of cluster has its own words for it, Kubernetes on a new line.
_EXECUTOR_OUT_OF_MEMORY = re.compile(
    r"ExecutorLostFailure .*\n?.*"
    rf"(?:\b(?:code|status):? (?:{_OUT_OF_MEMORY_EXIT}|137)\b|exceeding \w+ memory limits)"
)
_NO_SPACE = "No space left on device"
_UNREADABLE = re.compile(r"\bFAILED_READ_FILE\b.*? reading file (?P<file>\S+?)\.?(?:\s|$)")
_SIGNS_OF_AN_END = (
    "SparkContext was shut down",
    "Answer from Java side is empty",
    "Error while sending or receiving",
    "Connection refused",
)
_AS_IT_WAS = "and run it again; what was stored before is as it was."

_DEEPEST = re.compile(r"^(?:Caused by: |: )(?:[\w.$]+: )?(?P<what>\S.*)$", re.MULTILINE)


def cause_in_one_line(message: str) -> str:
    """The innermost cause that a message with Java's stack trace names, else its first line.

    Without a full stop, so that it can be part of a sentence.
    """
    lines = message.strip().splitlines() or ["no reason was given"]
    return [lines[0], *_DEEPEST.findall(message)][-1].strip().rstrip(".")


def tells_of_an_end(message: str) -> bool:
    """Tells whether a message is of a Java that is ending, or has ended."""
    return any(sign in message for sign in _SIGNS_OF_AN_END)


def remedy(message: str, exit_code: int | None, storage: str) -> str | None:
    """The failure and its remedy in one sentence; None where it is not known.

    ``message`` is the error's, with Java's stack trace; ``exit_code`` is None while Java lives.
    """
    if _NO_MORE_THREADS in message:
        return (
            "The system lets Spark's Java start no more threads: raise its limit on processes and "
            "threads (`ulimit -u`, or the limit on pids of a container), or end other programs, "
            f"{_AS_IT_WAS}"
        )
    if _EXECUTOR_OUT_OF_MEMORY.search(message):
        return (
            "Executors ran out of memory: give them more with spark.executor.memory in "
            "AMAZON_SEG_SPARK_CONF, in containers also with spark.executor.memoryOverhead, "
            f"{_AS_IT_WAS}"
        )
    if _OUT_OF_MEMORY in message or exit_code == _OUT_OF_MEMORY_EXIT:
        return (
            "Spark's Java ran out of memory: give it more with spark.driver.memory in "
            f"AMAZON_SEG_SPARK_CONF, on a cluster also with spark.executor.memory, {_AS_IT_WAS}"
        )
    if found := _UNREADABLE.search(message):
        return (
            f"{found['file']} is damaged ({cause_in_one_line(message)}): {MADE_ANEW}, which makes "
            "all anew from the source."
        )
    if exit_code is not None:
        return (
            f"Spark's Java has ended (exit code {exit_code}), as it does when the system is short "
            "of memory and kills it: end other programs, or set a lower spark.driver.memory in "
            f"AMAZON_SEG_SPARK_CONF, {_AS_IT_WAS}"
        )
    if _NO_SPACE in message:
        return (
            f"There is no room left on a disk: make room in {storage}, and where Spark keeps "
            "temporary files (spark.local.dir in AMAZON_SEG_SPARK_CONF, by default /tmp), "
            f"{_AS_IT_WAS}"
        )
    return None
