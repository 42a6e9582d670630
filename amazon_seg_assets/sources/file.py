"""One file of reviews, wherever it lies: JSON Lines, gzipped or not."""

from pathlib import Path

from amazon_seg_assets.errors import InputError
from amazon_seg_assets.sources.base import Kind, RawFile, Source
from amazon_seg_assets.sources.folder import raw_file


class FileSource(Source):
    """A file of reviews as the only one of any category.

    Raises:
        InputError: it is not there.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "does not exist"
            raise InputError(f"{path} {what}: give a file of reviews as JSON Lines.")
        self._path = path

    @property
    def description(self) -> str:
        """A person's name for this source."""
        return f"file {self._path.name}"

    def files(self, kind: Kind, category: str) -> list[RawFile]:
        """The file alone.

        Raises:
            InputError: products are asked for.
        """
        if kind is not Kind.REVIEWS:
            raise InputError(f"There are no {kind} of {category} in {self._path}: it has reviews.")
        return [raw_file(str(self._path), self._path)]
