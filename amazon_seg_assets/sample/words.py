"""Words of invented reviewers: titles and texts by rating, as ready-made JSON strings."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import accumulate

import numpy as np

_TITLES = {
    1: ["Broke after {time}", "Waste of money", "Do not buy", "Stopped working", "Terrible quality",
        "Never  worked", "Dead on arrival", "Very disappointed", "One star is too much"],
    2: ["Not great", "Expected more", "Cheaply made", "Poor battery", "Disappointing", "Meh",
        "Works, sometimes", "Too fragile"],
    3: ["It's okay", "Average", "Does the job", "Mixed feelings", "Decent for the price",
        "Three stars", "Good   but not perfect"],
    4: ["Pretty good", "Good value", "Works well", "Nice \"little\" gadget", "Happy overall",
        "Solid, with one flaw", "Four Stars"],
    5: ["Five Stars", "Love it!", "Excellent", "Great product", "Perfect fit", "Works great",
        "Best purchase this {time}", "Highly recommend", "Awesome sound"],
}  # fmt: skip
_TIMES = ["week", "month", "year", "day", "summer", "winter"]

_OPENINGS = {
    1: ["It broke within a {time} and support never answered.", "Awful. The {part} died at once.",
        "I am angry: the {part} arrived damaged.", "Useless, I want a refund for this {thing}.",
        "The {part} overheats and smells of burning, which is dangerous."],
    2: ["The {part} is flimsy and I am disappointed.", "Weak {part}, poor instructions.",
        "I regret this {thing}; the {part} is bad.", "It disconnects all the time, annoying."],
    3: ["It is an okay {thing}, nothing special.", "The {part} is fine, the rest is average.",
        "Works as described, but the {part} could be better.", "Neither good nor bad."],
    4: ["Good {thing}, the {part} works well.", "I like it, though the {part} feels a bit loose.",
        "Nice quality for the price.", "Pleased with the {part}; easy to set up."],
    5: ["I love this {thing}!", "Excellent {part}, perfect for my needs.",
        "Fantastic quality and great value.", "The best {thing} I have owned, very happy.",
        "Amazing {part}, superb sound, easy to use."],
}  # fmt: skip
_ENDINGS = {
    1: ["Avoid.", "Horrible experience.", "Sending it back.", "The worst {thing} ever.",
        "Lost my money, never again."],
    2: ["Would not buy again.", "Not worth it.", "Sadly below expectations.",
        "It was a poor choice."],
    3: ["Fine for occasional use.", "You get what you pay for.", "It is acceptable."],
    4: ["Would buy again.", "Recommended with small reservations.", "Good for travel."],
    5: ["Highly recommended!", "Thank you!", "A wonderful gift.", "Could not be happier.",
        "Great seller, great {thing}."],
}  # fmt: skip
_MIDDLES = [
    "", "", "I bought it for my {person}.", "It came with a spare {part}.",
    "Shipping took a {time}.",
    "The box said 10\", it measures 9.5\".", "Size, colour, weight: as pictured.",
    "We use it in the kitchen, the car, and the office.", "Compared it with two others.",
    "Pros: light, small.<br />Cons: short cable.", "Update: still the same after a {time}.",
    "My {person} said &#34;okay&#34; &amp; took it.", "First line\nsecond line.",
    "[[VIDEOID:0a1b2c3d4e5f60718293a4b5c6d7e8f9]]", "Très bien 👍", "It fits — mostly.",
    "用起来还可以。", "😀 😀", "C:\\drivers needed updating.",
]  # fmt: skip
_PARTS = ["cable", "battery", "screen", "case", "button", "speaker", "lens", "strap", "plug"]
_THINGS = ["charger", "headset", "camera", "keyboard", "mount", "adapter", "tablet", "radio"]
_PERSONS = ["wife", "husband", "son", "daughter", "father", "boss", "neighbour"]

_SENTENCES = [
    "The {part} is {n} inches from the {other}, and the {thing} weighs {m} ounces.",
    "After {n} hours in the {place} the {thing} showed {m} percent.",
    "In the {place} we keep it beside a {thing} from {year}.",
    "There are {n} of them, each with its own {part} and {other}.",
    "The {thing} sits on the shelf between the {part} and the {other} of the old one.",
    "I measured {n}.{m} volts at the {part}.",
    "Ours replaced a {thing} that we had had since {year} in the {place}.",
    "My {person} put the {part} on the {other}, then took {n} pictures of the {place}.",
    "Page {n} of the manual is about the {part}, page {m} about the {other}.",
    "With the {other} it is {n} feet long.",
    "The label reads {year}-{n}-{m}.",
]
_PLACES = ["kitchen", "garage", "office", "car", "hallway", "basement", "bedroom", "boat", "shed"]

_TONES = np.array(
    [
        [0.86, 0.08, 0.03, 0.01, 0.02],
        [0.25, 0.55, 0.14, 0.04, 0.02],
        [0.04, 0.20, 0.50, 0.20, 0.06],
        [0.01, 0.03, 0.12, 0.54, 0.30],
        [0.01, 0.01, 0.02, 0.14, 0.82],
    ]
)
"""Shares of texts in each tone, by rating; invented, so that a text tells a rating as real ones do.
A tenth of real texts is misread by models that know no more than their words."""

PLACEHOLDERS = ["None", "none", "N/A", "n/a", "null", "NULL", ""]

_BANK = 1_500
_STORIES = 20_000
_LONGEST = 480
"""Sentences of the longest story: some 30,000 characters, about the longest text published."""


class Stories:
    """Plain sentences in no particular tone, by which texts get the length of real ones.

    Their numbers and words vary, so that they compress about as badly as real text. They hold
    nothing that JSON escapes.

    Args:
        random: draws the sentences.
    """

    def __init__(self, random: np.random.Generator) -> None:
        draws = random.integers(0, 1 << 30, (_STORIES, 8)).tolist()
        sentences = [_sentence(*draw) for draw in draws]
        self._text = "".join(sentences)
        self._starts = np.array([0, *accumulate(map(len, sentences))])

    def tell(self, sentences: np.ndarray, random: np.random.Generator) -> Iterable[str]:
        """A story of so many sentences each, at most the longest; a blank before each sentence."""
        lengths = np.minimum(sentences, _LONGEST)
        first = random.integers(0, _STORIES - _LONGEST, len(lengths))
        ends = self._starts[first + lengths].tolist()
        text = self._text
        return [
            text[start:end] for start, end in zip(self._starts[first].tolist(), ends, strict=True)
        ]


def _sentence(
    form: int, part: int, other: int, thing: int, place: int, person: int, n: int, m: int
) -> str:
    return " " + _SENTENCES[form % len(_SENTENCES)].format(
        part=_PARTS[part % len(_PARTS)],
        other=_PARTS[other % len(_PARTS)],
        thing=_THINGS[thing % len(_THINGS)],
        place=_PLACES[place % len(_PLACES)],
        person=_PERSONS[person % len(_PERSONS)],
        year=1985 + n % 38,
        n=n % 97,
        m=m % 89,
    )


def draw_tones(rating: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The tone of each text, from 1 to 5: mostly that of its rating, as real ones contradict some.

    Args:
        rating: 1 to 5, shape (texts,).
        random: draws the tones.
    """
    place = random.random(len(rating))
    return 1 + (place[:, None] >= _TONES.cumsum(axis=1)[rating - 1, :-1]).sum(axis=1)


def title_bank(rating: int, random: np.random.Generator) -> list[str]:
    """Titles in the tone of a rating, as JSON strings in quotes."""
    return [json.dumps(_fill(_pick(_TITLES[rating], random), random)) for _ in range(_BANK)]


def opening_bank(rating: int, random: np.random.Generator) -> list[str]:
    """First halves of texts, as JSON strings without quotes."""
    return _half_bank(_OPENINGS[rating], random)


def ending_bank(rating: int, random: np.random.Generator) -> list[str]:
    """Second halves of texts, as JSON strings without quotes."""
    return _half_bank(_ENDINGS[rating], random)


def _half_bank(core: list[str], random: np.random.Generator) -> list[str]:
    halves = []
    for _ in range(_BANK):
        # Few are long: review texts have a heavy tail.
        sentences = [_pick(core, random)]
        sentences += [_pick(_MIDDLES, random) for _ in range(random.geometric(0.45))]
        text = " ".join(_fill(sentence, random) for sentence in sentences if sentence)
        halves.append(json.dumps(text)[1:-1])
    return halves


def _pick(choices: list[str], random: np.random.Generator) -> str:
    return choices[int(random.integers(len(choices)))]


def _fill(text: str, random: np.random.Generator) -> str:
    return text.format(
        time=_pick(_TIMES, random),
        part=_pick(_PARTS, random),
        thing=_pick(_THINGS, random),
        person=_pick(_PERSONS, random),
    )
