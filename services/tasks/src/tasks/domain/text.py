"""Vietnamese text as people type it: one normal form, and a folded form to search by."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")
_SPACE = re.compile(r"\s+")
_DASHES = str.maketrans({"‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "−": "-"})


def tidy(text: str) -> str:
    """NFC, one space between words, none at the ends. The words themselves stay as written (golden case G067)."""
    return _SPACE.sub(" ", unicodedata.normalize("NFC", text)).strip()


def each_once(texts: Iterable[T]) -> list[T]:
    """The texts, or whatever is the same when written the same, in their order, each where it first stands."""
    return list(dict.fromkeys(texts))


def fold(text: str) -> str:
    """Lower case without tone marks: `Hòa`, `Hoà` and `HOA` meet as `hoa`, `Đ` as `d`. For searching, never for showing."""
    decomposed = unicodedata.normalize("NFD", text.translate(_DASHES).casefold())
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    return _SPACE.sub(" ", bare.replace("đ", "d")).strip()


def same_name(one: str, other: str) -> bool:
    """True when two spellings differ only in case, spacing or the place of a tone mark (`Bộ Công An` = `Bộ Công an`)."""
    return spelling(one) == spelling(other)


def spelling(name: str) -> str:
    """A name as it is compared: tone marks are kept, since `Phố Bảng` and `Phó Bảng` are two names, but `Hòa` = `Hoà`."""
    syllables = []
    for syllable in tidy(name).translate(_DASHES).casefold().split(" "):
        decomposed = unicodedata.normalize("NFD", syllable)
        tones = "".join(sorted(char for char in decomposed if char in _TONES))
        rest = "".join(char for char in decomposed if char not in _TONES)
        syllables.append(unicodedata.normalize("NFC", rest) + tones)
    return " ".join(syllables)


def body_key(words: str) -> str:
    """What spellings of one body have in common; tone marks are kept."""
    return spelling(words)


_TONES = "\u0300\u0301\u0303\u0309\u0323"
"""Grave, acute, tilde, hook above, dot below: the five tone marks, whose place within a syllable is a matter of style."""


def tokens(text: str) -> list[str]:
    """Folded words of a text, each once, in order: what full-text search looks at."""
    return list(dict.fromkeys(re.findall(r"[a-z0-9]+", fold(text))))


def plain_dashes(text: str) -> str:
    """Every dash that a word processor makes as the hyphen that was meant."""
    return text.translate(_DASHES)
