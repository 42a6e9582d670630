"""Figures as bytes: the same figure gives the same bytes."""

from __future__ import annotations

import io

from matplotlib.figure import Figure

from amazon_seg_assets.plots.style import house_style

_SVG_RASTER_DPI = 144


def to_png(figure: Figure, dpi: int = 110) -> bytes:
    """The figure as PNG, of its size in inches times ``dpi`` pixels."""
    return _render(figure, "png", {"Software": None}, dpi)


def to_svg(figure: Figure) -> bytes:
    """The figure as SVG; texts stay texts, and densities are bitmaps inside it."""
    return _render(figure, "svg", {"Date": None, "Creator": None}, _SVG_RASTER_DPI)


def _render(figure: Figure, kind: str, metadata: dict[str, str | None], dpi: int) -> bytes:
    buffer = io.BytesIO()
    with house_style():
        # The layout settles once, so that all renderings of a figure agree, in whatever order.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        figure.savefig(buffer, format=kind, metadata=metadata, dpi=dpi)
    return buffer.getvalue()
