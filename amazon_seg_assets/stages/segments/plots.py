"""The schemes side by side."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.patches import Patch

from amazon_seg_assets.formats import count, cut_name
from amazon_seg_assets.plots import marks, style
from amazon_seg_assets.plots.style import Picture, Scope, house_style

_LOOKS = {"standard": style.filled, "notebook": style.hatched}
_MEANINGS = {
    "standard": "equal customers, equal scores",
    "notebook": "equal customers may part (change against standard)",
}


@house_style()
def scheme_comparison(segments: pd.DataFrame, colours: Mapping[str, str], scope: Scope) -> Picture:
    """Customers of each segment under the two schemes, and by how much the notebook's differs.

    ``segments`` has a row per segment, with ``segment`` and the customers that it has under
    ``standard`` and under ``notebook``.
    """
    title = "Segments under the standard and the notebook scheme"
    if segments[["standard", "notebook"]].sum().sum() == 0:
        return style.empty_picture(title, scope.caption())
    ordered = segments.sort_values(["standard", "segment"], ascending=[False, True])
    names = [cut_name(name, marks.NAME_WIDTH) for name in ordered["segment"]]
    pairs = list(zip(ordered["standard"], ordered["notebook"], strict=True))
    changes = [_change(before, after) for before, after in pairs]
    texts = {
        "standard": [count(before) for before, _ in pairs],
        "notebook": [
            f"{count(after)} ({change})" for (_, after), change in zip(pairs, changes, strict=True)
        ],
    }
    height = marks.bars_height(len(names), each=0.5)
    figure = style.new_figure(title, scope.caption(), height=height)
    axes = figure.subplots()
    shades = [colours[name] for name in ordered["segment"]]
    for offset, (scheme, look) in zip((-0.2, 0.2), _LOOKS.items(), strict=True):
        rows = [row + offset for row in range(len(names))]
        marks.bars_in_rows(axes, rows, ordered[scheme], texts[scheme], map(look, shades))
    marks.name_rows(axes, names)
    style.count_axis(axes.xaxis, "Customers")
    handles = [
        Patch(label=f"{scheme}: {_MEANINGS[scheme]}", **look(style.ACCENT))
        for scheme, look in _LOOKS.items()
    ]
    figure.legend(handles=handles, loc="outside lower center")
    marks.make_room_for_labels(axes)
    parts = "; ".join(
        f"{name} {count(before)} against {count(after)} ({change})"
        for name, (before, after), change in zip(names, pairs, changes, strict=True)
    )
    return Picture(figure, f"{title}. {scope.caption()}. {parts}.")


def _change(before: float, after: float) -> str:
    """From the standard scheme to the notebook's, as a signed percentage."""
    if before == after:
        return "same"
    if before == 0:
        return "none under standard"
    return f"{(after - before) / before * 100:+,.0f} %"
