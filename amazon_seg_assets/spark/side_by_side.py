"""The same computation for several items at once, of arrays that fit into memory.

On one machine in threads of this process: NumPy and scikit-learn let other threads run, and a
worker of Spark's would import them anew, for seconds. On a cluster each item is a Spark task.
"""

import re
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from pyspark.sql import SparkSession
from threadpoolctl import threadpool_limits

Content = TypeVar("Content")
Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(
    spark: SparkSession,
    compute: Callable[[Content, Item], Result],
    content: Content,
    items: Sequence[Item],
) -> list[Result]:
    """Computes a result for each item, in their order.

    Args:
        spark: whose master says where.
        compute: must not depend on which item comes first. Workers of a cluster need not have this
            package: a function within another, of modules that are pickled by value.
        content: what all items share; of types that workers know.
        items: the longest to compute first.
    """
    context = spark.sparkContext
    if re.fullmatch(r"local(\[.*\])?", context.master or ""):
        # A computation limits threads and warnings for itself, but part of that is one state for
        # all: what one that ends early restores must not be felt by the others.
        with (
            threadpool_limits(1),
            warnings.catch_warnings(action="ignore"),
            ThreadPoolExecutor(context.defaultParallelism) as pool,
        ):
            return list(pool.map(partial(compute, content), items))
    broadcast = context.broadcast(content)

    def compute_broadcast(item: Item) -> Result:
        return compute(broadcast.value, item)

    try:
        return context.parallelize(items, len(items)).map(compute_broadcast).collect()
    finally:
        broadcast.destroy()
