"""Figures as bytes: the same figure gives the same bytes."""

from __future__ import annotations

import io
import warnings

from matplotlib.figure import Figure

from amazon_seg_assets.plots.style import house_style


def to_png(figure: Figure, dpi: int = 110) -> bytes:
    """The figure as PNG."""
    return _render(figure, "png", {"Software": None}, dpi)


def to_svg(figure: Figure) -> bytes:
    """The figure as SVG."""
    return _render(figure, "svg", {"Date": None, "Creator": None}, 72)


def _render(figure: Figure, kind: str, metadata: dict[str, str | None], dpi: int) -> bytes:
    buffer = io.BytesIO()
    with house_style(), warnings.catch_warnings():
        # Names of products hold characters that no font has; a box stands for them.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(buffer, format=kind, metadata=metadata, dpi=dpi)
    return buffer.getvalue()
