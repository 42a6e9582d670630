"""Writes invented reviews and products as the hub's raw files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from amazon_seg_assets.categories import CATEGORY_NAME
from amazon_seg_assets.errors import InputError
from amazon_seg_assets.sample import words
from amazon_seg_assets.sample.catalog import Catalog, make_catalog, metadata_lines
from amazon_seg_assets.sample.customers import FIRST_REVIEW_MS, Customers
from amazon_seg_assets.sources.base import Kind, raw_name

MINIMUM_REVIEWS = 1_000

_CHUNK = 100_000
_PRODUCTS_PER_REVIEW = 1_610_012 / 43_886_944
_DUPLICATE_SHARE = 0.0109
_IMAGE_SHARE = 0.05
_EMPTY_TEXT_SHARE = 0.00094
_PLACEHOLDER_SHARE = 0.0015
_STORY_SHAPE, _STORY_SCALE = 1.6, 1.0
"""Of the Pareto distribution of a text's further sentences: a line has 510 bytes in the mean."""

# Rows that occur so seldom that they are placed by hand, in the first thousand.
_ZERO_STARS = (17, 503)
_NEGATIVE_VOTES = {29: -1, 311: -4, 641: -1, 877: -2}


def require_possible(reviews: int, seed: int) -> None:
    """Checks what a sample is asked to be.

    Raises:
        InputError: there are too few reviews, or the seed is negative.
    """
    if reviews < MINIMUM_REVIEWS:
        raise InputError(
            f"A sample of {reviews:,} reviews is too small to show anything: "
            f"ask for {MINIMUM_REVIEWS:,} or more."
        )
    if seed < 0:
        raise InputError(f"A sample cannot have the seed {seed}: ask for 0 or more.")


def write_sample(
    directory: Path, category: str = "Electronics", reviews: int = 200_000, seed: int = 42
) -> None:
    """Writes the raw files of a category.

    Args:
        directory: gets the hub's layout.
        category: names the files.
        reviews: number of review lines.
        seed: the same seed gives the same bytes.

    Raises:
        InputError: there cannot be such a sample, or the directory cannot be written to.
    """
    require_possible(reviews, seed)
    if not CATEGORY_NAME.fullmatch(category):
        raise InputError(
            f"The category {category!r} cannot name files: use letters, digits and underscores."
        )
    products = max(300, round(min(reviews, 43_886_944) * _PRODUCTS_PER_REVIEW))
    catalog_seed, metadata_seed, words_seed, customers_seed, stories_seed = np.random.SeedSequence(
        seed
    ).spawn(5)
    stories = words.Stories(np.random.default_rng(stories_seed))
    catalog = make_catalog(products, np.random.default_rng(catalog_seed))
    _write(
        directory / raw_name(Kind.METADATA, category),
        metadata_lines(catalog, stories, np.random.default_rng(metadata_seed)),
    )
    _write(
        directory / raw_name(Kind.REVIEWS, category),
        _review_chunks(catalog, stories, reviews, words_seed, customers_seed),
    )


def _write(path: Path, lines: Iterable[str]) -> None:
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with unfinished.open("w", encoding="ascii", newline="\n") as file:
                file.writelines(lines)
            unfinished.replace(path)
        except BaseException:  # an interrupt, too; the next try would write beside what is left
            unfinished.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror}): check the folder and its permissions, "
            "and that the disk has room."
        ) from error


def _review_chunks(
    catalog: Catalog,
    stories: words.Stories,
    reviews: int,
    words_seed: np.random.SeedSequence,
    customers_seed: np.random.SeedSequence,
) -> Iterator[str]:
    customers = Customers(catalog)
    phrases = _Phrases(np.random.default_rng(words_seed), stories)
    starts = range(0, reviews, _CHUNK)
    seeds = customers_seed.spawn(len(starts))
    for start, seed in zip(starts, seeds, strict=True):
        lines = min(_CHUNK, reviews - start)
        yield _chunk(catalog, customers, phrases, lines, seed, is_first=start == 0)


class _Phrases:
    """Ready-made parts of titles and texts, by rating."""

    def __init__(self, random: np.random.Generator, stories: words.Stories) -> None:
        ratings = range(1, 6)
        self.stories = stories
        self.titles = [words.title_bank(rating, random) for rating in ratings]
        self.openings = [words.opening_bank(rating, random) for rating in ratings]
        self.endings = [words.ending_bank(rating, random) for rating in ratings]
        self.size = len(self.titles[0])


def _chunk(
    catalog: Catalog,
    customers: Customers,
    phrases: _Phrases,
    lines: int,
    seed: np.random.SeedSequence,
    is_first: bool,
) -> str:
    random = np.random.default_rng(seed)
    # Stories and tones draw from sequences of their own: they change nothing else.
    stories_seed, tones_seed = seed.spawn(2)
    duplicates = round(lines * _DUPLICATE_SHARE)
    count = lines - duplicates
    drawn = customers.draw(count, random)
    rating, votes = drawn.rating.astype(float), drawn.helpful_vote
    if is_first:
        drawn.timestamp[0] = FIRST_REVIEW_MS
        for row in _ZERO_STARS:
            rating[row] = 0.0
        for row, vote in _NEGATIVE_VOTES.items():
            votes[row] = vote
    tone = words.draw_tones(drawn.rating, np.random.default_rng(tones_seed))
    titles, texts = _say(phrases, drawn.rating, tone, random, np.random.default_rng(stories_seed))
    parent = catalog.parent_asin[drawn.product]
    asins = np.column_stack([catalog.variants[drawn.product], parent])
    asin = asins[np.arange(count), drawn.variant]
    images = _images(count, random)
    heads = [
        f'{{"rating": {stars}, "title": {title}, "text": "{text}", "images": '
        for stars, title, text in zip(rating.tolist(), titles, texts, strict=True)
    ]
    tails = [
        f', "asin": "{a}", "parent_asin": "{p}", "user_id": "{u}", "timestamp": {t}, '
        f'"helpful_vote": {v}, "verified_purchase": {"true" if verified else "false"}}}\n'
        for a, p, u, t, v, verified in zip(
            asin.tolist(),
            parent.tolist(),
            drawn.user_id.tolist(),
            drawn.timestamp.tolist(),
            votes.tolist(),
            drawn.verified.tolist(),
            strict=True,
        )
    ]
    rows = [head + image + tail for head, image, tail in zip(heads, images, tails, strict=True)]
    for number, row in enumerate(random.choice(count, duplicates, replace=False).tolist()):
        # One in ten differs in its pictures, which does not make it another review.
        image = '[{"attachment_type": "IMAGE"}]' if number % 10 == 0 else images[row]
        rows[row] += heads[row] + image + tails[row]
    return "".join(rows)


def _say(
    phrases: _Phrases,
    rating: np.ndarray,
    tone: np.ndarray,
    random: np.random.Generator,
    stories_random: np.random.Generator,
) -> tuple[list[str], list[str]]:
    count = len(rating)
    stars, tones = (rating - 1).tolist(), (tone - 1).tolist()
    first, second, third = random.integers(0, phrases.size, (3, count)).tolist()
    titles = [phrases.titles[r][i] for r, i in zip(stars, first, strict=True)]
    further = np.floor(stories_random.pareto(_STORY_SHAPE, count) * _STORY_SCALE).astype(int)
    stories = phrases.stories.tell(further, stories_random)
    texts = [
        f"{phrases.openings[r][i]}{story} {phrases.endings[r][j]}"
        for r, i, j, story in zip(tones, second, third, stories, strict=True)
    ]
    for row in np.flatnonzero(random.random(count) < _EMPTY_TEXT_SHARE).tolist():
        texts[row] = ""
    for row in np.flatnonzero(random.random(count) < _PLACEHOLDER_SHARE).tolist():
        placeholder = words.PLACEHOLDERS[row % len(words.PLACEHOLDERS)]
        if row % 2:
            titles[row] = f'"{placeholder}"'
        else:
            texts[row] = placeholder
    return titles, texts


def _images(count: int, random: np.random.Generator) -> list[str]:
    images = ["[]"] * count
    for row in np.flatnonzero(random.random(count) < _IMAGE_SHARE).tolist():
        url = f"https://images.example/I/{int(random.integers(1 << 40)):010x}"
        images[row] = (
            f'[{{"small_image_url": "{url}_s.jpg", "medium_image_url": "{url}_m.jpg", '
            f'"large_image_url": "{url}_l.jpg", "attachment_type": "IMAGE"}}]'
        )
    return images
