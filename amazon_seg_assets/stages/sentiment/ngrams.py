"""Texts as words and pairs of words, and as hashed features, in whole batches of Arrow and NumPy.

Workers get this module by value: it needs NumPy and PyArrow, not this package.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import cloudpickle

cloudpickle.register_pickle_by_value(sys.modules[__name__])

MOST_CHARACTERS = 2_000
"""Of a text that count: its tone shows long before, and some texts are as long as books."""

FEATURES = 1 << 17
"""Places that words and pairs are hashed to."""

FEWEST_TOLD = 8
"""From so many words on, English holds one of its commonest words."""

LEAST_ASCII = 0.9
"""Characters of a clean text for each of its bytes: fewer, where its letters are not ASCII."""

ENGLISH = (
    "the and to of is it i for this that my with not on have but are be had you very they from one "
    "would at we like when just or if great good them get its has been work works"
)
OTHERS = (
    "el la los las que de muy una y es bien buen pero lo del se por con mi "  # Spanish
    "um uma muito não em com meu bom "  # Portuguese
    "le les des et est je très pas pour dans sur ce "  # French
    "der das und ich ist nicht sehr ein eine mit zu "  # German
    "il che di per molto non è sono gli"  # Italian
)
"""Some of the commonest words of English, and of other languages, that the other side lacks."""

_MARKS = r"<[a-z/][^>]{0,200}>|&#?[a-z0-9]{1,8};|\[\[[a-z]{1,20}id:[^\]]{0,200}\]\]|https?://\S+"
"""HTML, entities, marks of videos and products, and addresses, in small letters."""

_NOT_OF_WORDS = "[^a-z0-9'\u00c0-\u1fff\u2c00-\u2fff\u3040-\ud7ff\uf900-\ufaff]+"
"""All but letters, of any script, digits, and apostrophes."""


@dataclass(frozen=True)
class Words:
    """The words of some texts, one text after the other.

    Attributes:
        texts: how many.
        row: of each word, the number of its text; shape (words,).
        code: of each word, its place among the distinct ones; shape (words,).
        distinct: words.
        is_english: whether each text can be English; shape (texts,).
    """

    texts: int
    row: np.ndarray
    code: np.ndarray
    distinct: pa.StringArray
    is_english: np.ndarray

    @property
    def follows(self) -> np.ndarray:
        """Of each word but the last, whether the next one is of the same text."""
        return self.row[1:] == self.row[:-1]


def words_of(texts: pa.StringArray) -> Words:
    """Splits texts into words: in small letters, without marks, entities and odd spaces.

    Whether a text can be English is told by a simple rule: letters are ASCII but for a few, no more
    common words are of other languages than of English, and a text of some length holds an English
    one. A short text without any counts as English, one without words does not.
    """
    clean = _clean(texts)
    lists = pc.split_pattern(clean, " ")
    found = lists.flatten().dictionary_encode()
    row = np.repeat(np.arange(len(texts)), np.diff(lists.offsets.to_numpy()))
    code, distinct = found.indices.to_numpy(), found.dictionary
    is_word = pc.not_equal(distinct, "").to_numpy(zero_copy_only=False)[code]
    row, code = row[is_word], code[is_word]
    return Words(len(texts), row, code, distinct, _is_english(clean, row, code, distinct))


def _clean(texts: pa.StringArray) -> pa.StringArray:
    """Small letters, digits and single spaces; apostrophes within words alone."""
    text = pc.utf8_lower(pc.utf8_slice_codeunits(pc.fill_null(texts, ""), 0, MOST_CHARACTERS))
    for apostrophe in ("&#39;", "’"):
        text = pc.replace_substring(text, apostrophe, "'")
    for pattern in (_MARKS, _NOT_OF_WORDS):
        text = pc.replace_substring_regex(text, pattern, " ")
    text = pc.utf8_trim(text, " '")
    for edge in (" '", "' "):
        text = pc.replace_substring(text, edge, " ")
    return text


def _is_english(
    clean: pa.StringArray, row: np.ndarray, code: np.ndarray, distinct: pa.StringArray
) -> np.ndarray:
    texts = len(clean)
    words = np.bincount(row, minlength=texts)
    english, others = (
        np.bincount(
            row,
            pc.is_in(distinct, pa.array(listed.split())).to_numpy(zero_copy_only=False)[code],
            minlength=texts,
        )
        for listed in (ENGLISH, OTHERS)
    )
    letters, size = (
        length(clean).to_numpy(zero_copy_only=False)
        for length in (pc.utf8_length, pc.binary_length)
    )
    told = (words < FEWEST_TOLD) | (english > 0)
    return (words > 0) & (letters >= LEAST_ASCII * size) & (others <= english) & told


def terms_of(words: Words) -> pa.ListArray:
    """The words and pairs of each text as texts, and an empty one, which each text has."""
    follows = words.follows
    distinct, code, row = words.distinct, words.code, words.row
    singles = distinct.take(pa.array(code))
    pairs = pc.binary_join_element_wise(
        distinct.take(pa.array(code[:-1][follows])), distinct.take(pa.array(code[1:][follows])), " "
    )
    every = pa.concat_arrays([pa.array([""] * words.texts), singles, pairs])
    rows = np.concatenate([np.arange(words.texts), row, row[1:][follows]])
    order = np.argsort(rows, kind="stable")
    ends = np.searchsorted(rows[order], np.arange(words.texts + 1)).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(ends), every.take(pa.array(order)))


def features_of(words: Words) -> tuple[np.ndarray, np.ndarray]:
    """The features that each text has, each once: numbers of texts, in order, and of features.

    A feature is the hash of a word, or of a pair of words that follow each other.
    """
    texts = (word.encode() for word in words.distinct.to_pylist())
    hashed = np.fromiter(map(crc32, texts), np.uint32, len(words.distinct))[words.code]
    follows = words.follows
    pairs = hashed[:-1][follows] * np.uint32(0x9E3779B1) + hashed[1:][follows]
    place = np.concatenate([_mixed(hashed), _mixed(pairs ^ np.uint32(0x5BD1E995))]) % FEATURES
    row = np.concatenate([words.row, words.row[1:][follows]])
    both = np.sort(row.astype(np.int64) * FEATURES + place)
    # NumPy's unique takes ten times as long.
    each = both[np.diff(both, prepend=-1) > 0]
    return each // FEATURES, each % FEATURES


def _mixed(hashed: np.ndarray) -> np.ndarray:
    """The same number for the same hash, all of whose bits depend on all of the hash's.

    The last step of MurmurHash3 (A. Appleby, 2011).
    """
    mixed = hashed ^ (hashed >> np.uint32(16))
    mixed = mixed * np.uint32(0x85EBCA6B)
    mixed = mixed ^ (mixed >> np.uint32(13))
    mixed = mixed * np.uint32(0xC2B2AE35)
    return mixed ^ (mixed >> np.uint32(16))


def vectors(words: Words) -> pa.StructArray:
    """The features of each text as a sparse vector of ones, as Spark ML stores it."""
    row, feature = features_of(words)
    ends = pa.array(np.searchsorted(row, np.arange(words.texts + 1)).astype(np.int32))
    return pa.StructArray.from_arrays(
        [
            pa.array(np.zeros(words.texts, np.int8)),
            pa.array(np.full(words.texts, FEATURES, np.int32)),
            pa.ListArray.from_arrays(ends, pa.array(feature.astype(np.int32))),
            pa.ListArray.from_arrays(ends, pa.array(np.ones(len(feature)))),
        ],
        names=["type", "size", "indices", "values"],
    )


def probabilities(words: Words, weights: np.ndarray, intercept: float) -> np.ndarray:
    """Probabilities that texts are positive; shape (texts,).

    Args:
        words: of the texts.
        weights: of the features, shape (`FEATURES`,).
        intercept: of a text without any.
    """
    row, feature = features_of(words)
    odds = intercept + np.bincount(row, weights[feature], minlength=words.texts)
    return 1 / (1 + np.exp(-odds))
