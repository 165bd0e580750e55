"""Who leads, as plans write it. One task has one lead (Conclusion 226-KL/TW); 48 of the 140 national rows have not.

Names are matched against the register, syllable by syllable, and never split on commas alone: a ministry's name may hold
commas and "và" (golden cases G068-G073).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from tasks.domain.text import spelling, tidy

Shape = Literal["none", "one", "several", "class"]

_WORD = re.compile(r"[^\s;,.…]+|[;,]")
_JOIN = "&"
"""A comma and "và" inside a name are the same to us: "Khoa học, Công nghệ" is a variant of "Khoa học và Công nghệ"."""
_CLASS = re.compile(
    r"(?:các|mọi|một số|toàn bộ|những)\b.*"
    r"|(?:bộ|sở|ban|ngành|địa phương|doanh nghiệp|tập đoàn|đơn vị|cơ quan|xã|tỉnh|huyện)"
    r"|(?:đơn vị|cơ quan) (?:liên quan|chủ quản|vận hành|tham mưu|4 khối|có liên quan).*"
    r"|địa phương\b.*|doanh nghiệp\b.*|tập đoàn\b.*"
    r"|ubnd (?:các )?(?:xã|huyện|\d+ huyện).*"
    r"|(?:csdl|cơ sở dữ liệu)\b.*"
)
"""A whole class instead of one body: "các bộ, ngành, địa phương", "UBND xã", "mọi cơ quan", whoever keeps a database."""
_BETWEEN = re.compile(r"[;,]| và (?=các |địa phương|bộ |sở |một số )", re.IGNORECASE)


class Leads(NamedTuple):
    """`named` are single bodies, by their name in the register where they have one; `classes` are words that stand for
    many; `variants` are the names that were spelt otherwise.
    """

    written: str
    named: tuple[str, ...]
    classes: tuple[str, ...]
    variants: tuple[str, ...] = ()

    @property
    def shape(self) -> Shape:
        if self.named and (len(self.named) > 1 or self.classes):
            return "several"
        if self.classes:
            return "class"
        return "one" if self.named else "none"


class Names:
    """Names of bodies, present and former, prepared for matching."""

    def __init__(self, names: Iterable[str]) -> None:
        distinct = {key: name for name in names if (key := tuple(_syllables(name)))}
        self._longest_first = sorted(distinct.items(), key=lambda entry: -len(entry[0]))

    def read(self, written: str) -> Leads:
        """Read a lead or coordinator cell."""
        text = tidy(written)
        words = list(_WORD.finditer(text))
        spelt = [_syllable(word.group()) for word in words]
        taken: list[tuple[int, int, str]] = []
        for key, name in self._longest_first:
            for start in range(len(spelt) - len(key) + 1):
                if tuple(spelt[start : start + len(key)]) == key:
                    taken.append((words[start].start(), words[start + len(key) - 1].end(), name))
                    spelt[start : start + len(key)] = [""] * len(key)
        named = [(start, name) for start, _, name in taken]
        variants = [text[start:end] for start, end, name in sorted(taken) if text[start:end] != name]
        classes: list[str] = []
        in_list_of_classes = False
        for start, piece in _pieces(_blank(text, taken)):
            # "các bộ, ngành liên quan", "các tỉnh, thành phố": what goes on in small letters is no body's name
            in_list_of_classes = _CLASS.fullmatch(piece.casefold()) is not None or (in_list_of_classes and piece[0].islower())
            if in_list_of_classes:
                classes.append(piece)
            else:
                named.append((start, piece))
        return Leads(text, tuple(name for _, name in sorted(named)), tuple(classes), tuple(variants))


def name_key(name: str) -> tuple[str, ...]:
    """A name as it is matched: two spellings of one name have the same key."""
    return tuple(_syllables(name))


def _syllables(text: str) -> list[str]:
    return [_syllable(word.group()) for word in _WORD.finditer(tidy(text))]


def _syllable(word: str) -> str:
    return _JOIN if word in (",", "và", "Và") else spelling(word)


def _blank(text: str, taken: Iterable[tuple[int, int, str]]) -> str:
    """The text with what was recognised cut out: separators of the same length stand in its place."""
    for start, end, _ in taken:
        text = text[:start] + ";" * (end - start) + text[end:]
    return text


def _pieces(text: str) -> list[tuple[int, str]]:
    found, at = [], 0
    for piece in _BETWEEN.split(text):
        start = text.index(piece, at)
        at = start + len(piece)
        words = piece.strip(" .…").removeprefix("và ")
        if words and words != "và":
            found.append((start, words))
    return found
