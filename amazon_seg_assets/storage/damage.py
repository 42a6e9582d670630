"""Damage: stored files held against what was kept of them when they were written.

Where a storage is reached by URL, what was found sound is not looked at again by this process: a
published version is never changed, and each look costs requests.
"""

from collections.abc import Iterable, Mapping, Sequence

from amazon_seg_assets.errors import MADE_ANEW, DamagedError
from amazon_seg_assets.storage.contents import CONTENTS, Contents, data_files, parse_contents
from amazon_seg_assets.storage.layout import Store, month_folder
from amazon_seg_assets.storage.locations import (
    Location,
    is_local,
    name_below,
    read_texts,
    sizes_below,
    url_of,
)

_SOUND: set[tuple[str, ...]] = set()


def require_sound(store: Store, asset: str, months: Iterable[str] | None = None) -> None:
    """Checks that an artifact, or some months of it, are stored, and as they were written.

    Raises:
        InputError: they are not; names month, file and remedy.
    """
    chosen = None if months is None else list(months)
    store.require(asset, chosen)
    if found := damage(store, asset, chosen):
        raise _damaged(store, asset, found)


def require_rows(store: Store, asset: str, month: str | None, rows: int) -> None:
    """Checks that a table, or a month of it, has as many rows as were written.

    Raises:
        InputError: it has not.
    """
    folder = store.path(asset, month)
    [text] = read_texts([folder / CONTENTS])
    written = None if text is None else parse_contents(text).rows
    if written not in (None, rows):
        found = f"files have {rows:,} rows instead of {written:,}, in {url_of(folder)}"
        raise _damaged(store, asset, found)


def _damaged(store: Store, asset: str, found: str) -> DamagedError:
    return DamagedError(f"{asset} of {store.category} is damaged: {found}; {MADE_ANEW}.")


def damage(store: Store, asset: str, months: Iterable[str] | None = None) -> str:
    """The first file that is damaged, with its folder, and how; empty if all are sound.

    Of an artifact, or some months of it, that are stored. One that was written by an earlier
    version must have a file at least, as every table has.
    """
    whole = store.path(asset)
    if not whole.name.startswith(month_folder("")) and (whole / CONTENTS).exists():
        within = None if months is None else list(map(month_folder, months))
        return next(iter(_faults(whole, [whole], within).values()), "")
    named = store.months(asset) if months is None else list(months)
    folders = store.paths(asset, named) if named else [whole]
    return next(iter(_faults(store.base(asset), folders).values()), "")


def sound_months(store: Store, asset: str, months: Iterable[str]) -> set[str]:
    """Of some months those that are stored by themselves, and as they were written."""
    stored = set(store.months(asset))
    there = [month for month in months if month in stored]
    folders = store.paths(asset, there)
    faults = _faults(store.base(asset), folders)
    return {
        month for month, folder in zip(there, folders, strict=True) if url_of(folder) not in faults
    }


def _faults(
    base: Location, folders: Sequence[Location], within: Sequence[str] | None = None
) -> dict[str, str]:
    """Damage of folders that are below another; of months ``within`` them alone, if given."""
    unknown = [each for each in folders if (url_of(each), *(within or ())) not in _SOUND]
    texts = read_texts([folder / CONTENTS for folder in unknown])
    faults = {}
    for folder, text, sizes in zip(unknown, texts, _sizes(base, unknown), strict=True):
        place = url_of(folder)
        if fault := _fault(text, data_files(sizes), within):
            faults[place] = f"{fault}, in {place}"
        elif not is_local(folder):
            _SOUND.add((place, *(within or ())))
    return faults


def _fault(text: str | None, found: Mapping[str, int], within: Sequence[str] | None) -> str:
    if text is None:
        return "" if found else "its files are missing"
    try:
        kept = parse_contents(text)
    except ValueError:
        return f"{CONTENTS} is cut short"
    if within is None:
        return kept.fault(found)
    starts = tuple(f"{folder}/" for folder in within)
    return kept.within(starts).fault(Contents(found).within(starts).files)


def _sizes(base: Location, folders: Sequence[Location]) -> list[dict[str, int]]:
    """Bytes of the files of each folder, which are listed together where that is by request."""
    if not folders or is_local(base):
        return [sizes_below(folder) for folder in folders]
    listed = sizes_below(base)
    starts = [f"{name_below(folder, base)}/".lstrip("/") for folder in folders]
    return [
        {name.removeprefix(start): size for name, size in listed.items() if name.startswith(start)}
        for start in starts
    ]
