"""Figures as bytes: the same figure gives the same bytes."""

import base64
import io

from matplotlib.figure import Figure
from PIL import Image

from amazon_seg_assets.plots.style import house_style

_SVG_RASTER_DPI = 144

_PREVIEW_WIDTH = 640  # pixels
_PREVIEW_COLOURS = 32


def to_png(figure: Figure, dpi: int = 110) -> bytes:
    """The figure as PNG, of its size in inches times ``dpi`` pixels."""
    return _render(figure, "png", {"Software": None}, dpi)


def to_svg(figure: Figure) -> bytes:
    """The figure as SVG; texts stay texts, and densities are bitmaps inside it."""
    return _render(figure, "svg", {"Date": None, "Creator": None}, _SVG_RASTER_DPI)


def to_preview(png: bytes) -> bytes:
    """A picture that is small enough to lie in a record with others: some 15 kB, as PNG."""
    with Image.open(io.BytesIO(png)) as opened:
        picture = opened.convert("RGB")
    height = picture.height * _PREVIEW_WIDTH // picture.width
    small = picture.resize((_PREVIEW_WIDTH, height), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.quantize(_PREVIEW_COLOURS, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def as_source(png: bytes) -> str:
    """A picture as the source of an image in Markdown or HTML, which then needs no file."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _render(figure: Figure, kind: str, metadata: dict[str, str | None], dpi: int) -> bytes:
    buffer = io.BytesIO()
    with house_style():
        _settle(figure)
        figure.savefig(buffer, format=kind, metadata=metadata, dpi=dpi)
    return buffer.getvalue()


def _settle(figure: Figure) -> None:
    """Lays the figure out once, so that all its renderings agree, in whatever order.

    The last bits of what the layout's solver finds vary from run to run, and identifiers inside an
    SVG are hashes of all bits; so the places are rounded. Without an engine matplotlib also draws
    the figure once, not twice, to save it.
    """
    engine = figure.get_layout_engine()
    if engine is None:
        return
    engine.execute(figure)
    figure.set_layout_engine(None)
    for axes in figure.axes:
        left, bottom, width, height = axes.get_position(original=True).bounds
        axes.set_position((round(left, 6), round(bottom, 6), round(width, 6), round(height, 6)))
