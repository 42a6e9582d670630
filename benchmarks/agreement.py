"""Comparison of the peer's results with ours: exact, but for the optima of K-Means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

WCSS_TOLERANCE = 0.001


def compare(ours: Path, peers: Path) -> dict[str, Any]:
    """Compares customers, sums, segments and sums of squares.

    Args:
        ours: folder of our category's tables, with one snapshot.
        peers: folder of the peer's results.

    Returns:
        ``agrees``, and what it was found from, ours beside the peer's.
    """
    found = {name: _figures(folder) for name, folder in (("ours", ours), ("peer", peers))}
    ours_by_k, peers_by_k = (found[who]["wcss"] for who in ("ours", "peer"))
    wcss = {k: ours_by_k[k] / peers_by_k[k] for k in sorted(ours_by_k.keys() & peers_by_k.keys())}
    exact = ("customers", "frequency", "monetary", "segments")
    equal = {name: found["ours"][name] == found["peer"][name] for name in exact}
    same_ks = ours_by_k.keys() == peers_by_k.keys()
    close = same_ks and max(wcss.values(), default=1) <= 1 + WCSS_TOLERANCE
    return {
        "agrees": all(equal.values()) and close,
        "equal": equal,
        "wcss_ours_over_peer": {str(k): round(value, 6) for k, value in wcss.items()},
        **{who: {name: figures[name] for name in exact} for who, figures in found.items()},
    }


def _figures(folder: Path) -> dict[str, Any]:
    def table(name: str) -> str:
        return f"read_parquet('{folder / name}/**/*.parquet', hive_partitioning = false)"

    with duckdb.connect() as db:
        totals = db.execute(
            "SELECT count(*), sum(frequency)::BIGINT, sum(monetary::DECIMAL(20, 6))::VARCHAR "
            f"FROM {table('rfm_features')}"
        ).fetchone()
        assert totals is not None
        segments = db.execute(
            f"SELECT segment, count(*) FROM {table('rfm_segments')} GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        wcss = db.execute(f"SELECT k, wcss FROM {table('k_sweep')}").fetchall()
    customers, frequency, monetary = totals
    return {
        "customers": customers,
        "frequency": frequency,
        "monetary": monetary,
        "segments": dict(segments),
        "wcss": dict(wcss),
    }
