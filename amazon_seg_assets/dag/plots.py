"""Pictures as assets: PNG and SVG files with an alternative text, shown in the UI."""

from collections.abc import Callable

from dagster import MetadataValue

from amazon_seg_assets.dag.handles import Snapshot, Stored, Whole
from amazon_seg_assets.plots.render import as_source, to_png, to_svg
from amazon_seg_assets.plots.style import Picture
from amazon_seg_assets.storage.locations import url_of
from amazon_seg_assets.texts import as_cell


def store_picture(draw: Callable[..., Picture], handle: Snapshot | Whole) -> Stored:
    """Draws and stores a picture."""
    [artifact] = handle.stores
    picture, name = draw(handle), artifact.name
    png = to_png(picture.figure)
    with handle.replacing() as folder:
        (folder / f"{name}.png").write_bytes(png)
        (folder / f"{name}.svg").write_bytes(to_svg(picture.figure))
        (folder / f"{name}.txt").write_text(picture.alt + "\n", encoding="utf-8")
    place = handle.storage.path(name, handle.month)
    return handle.stored(
        plot=MetadataValue.md(f"![{as_cell(picture.alt)}]({as_source(png)})"),
        alternative_text=picture.alt,
        **{"dagster/uri": MetadataValue.path(url_of(place / f"{name}.png")), "bytes": len(png)},
    )
