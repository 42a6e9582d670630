"""Agreement of two partitions of the same customers, from their contingency table alone.

A contingency table holds counts of customers, shape (rows, columns): a row for each group of the
one partition, a column for each of the other. So nothing here ever sees customers one by one.
"""

from math import comb

import numpy as np


def adjusted_rand(table: np.ndarray) -> float:
    """Adjusted Rand index: 1 for equal partitions, about 0 for independent ones.

    L. Hubert and P. Arabie, Comparing partitions, Journal of Classification 2:193-218, 1985. Pairs
    of customers are counted in whole numbers, as those of millions exceed what a float holds. Where
    there is nothing to disagree about, such as one group each, it is 1.
    """
    together = _pairs(table.ravel())
    rows, columns = _pairs(table.sum(axis=1)), _pairs(table.sum(axis=0))
    pairs = comb(int(table.sum()), 2)
    # (index - expected) / (largest - expected), with expected = rows * columns / pairs, and
    # largest = (rows + columns) / 2; numerator and denominator times 2 * pairs.
    span = pairs * (rows + columns) - 2 * rows * columns
    return 2 * (pairs * together - rows * columns) / span if span else 1.0


def _pairs(counts: np.ndarray) -> int:
    """Pairs of customers within groups of these sizes."""
    return sum(comb(int(count), 2) for count in counts)


def normalized_mutual_information(table: np.ndarray) -> float:
    """Mutual information divided by the mean of both entropies: 0 (independent) to 1 (equal).

    It is 1 also if both partitions consist of one group. N. X. Vinh, J. Epps and J. Bailey,
    Information theoretic measures for clusterings comparison, Journal of Machine Learning Research
    11:2837-2854, 2010 (there NMI_sum).
    """
    rows, columns = entropy(table.sum(axis=1)), entropy(table.sum(axis=0))
    if rows + columns == 0:
        return 1.0
    mutual = rows + columns - entropy(table.ravel())
    return float(np.clip(2 * mutual / (rows + columns), 0, 1))


def entropy(counts: np.ndarray) -> float:
    """Shannon entropy of groups of these sizes, in nats; empty groups add nothing."""
    shares = counts[counts > 0] / max(counts.sum(), 1)
    return float(-(shares * np.log(shares)).sum())


def balance(counts: np.ndarray) -> float:
    """Evenness of sizes: 1 if all are equal, 0 if one group has all customers.

    The entropy of the shares divided by its maximum, the evenness of E. C. Pielou, The measurement
    of diversity in different types of biological collections, Journal of Theoretical Biology
    13:131-144, 1966.
    """
    return entropy(counts) / float(np.log(len(counts))) if len(counts) > 1 else 0.0


def matched(table: np.ndarray) -> np.ndarray:
    """Counts customers of each row's group that stay together in the column matched to it.

    Rows and columns are matched one to one so that as many customers as possible agree (the
    assignment problem, solved by SciPy); a row without a partner has 0. Shape (rows,).
    """
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(table, maximize=True)
    agreeing = np.zeros(len(table), table.dtype)
    agreeing[rows] = table[rows, columns]
    return agreeing
