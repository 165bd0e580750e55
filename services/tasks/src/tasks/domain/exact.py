"""Numbers that decide points: exact fractions, written and shown without ever crossing a border by rounding."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema


def _form(digits: int) -> re.Pattern[str]:
    """A decimal or a fraction; no exponent, which would let a few characters fill the memory."""
    some = f"[0-9]{{1,{digits}}}"
    return re.compile(rf"-?{some}(?:\.[0-9]{{1,12}})?|-?{some}/{some}")


_KEPT, _GIVEN = _form(4000), _form(15)
"""What Python still reads as a number, and what people write: sums and products of a hundred of the latter are read again."""


def exact(given: Any) -> Fraction:
    """A number as it was meant: `"59.99"`, `"1/3"`, 60. Raises ValueError for floats, which have lost it already."""
    if isinstance(given, Fraction) or (isinstance(given, int) and not isinstance(given, bool)):
        return Fraction(given)
    if isinstance(given, str) and _KEPT.fullmatch(given) and not re.search(r"/0+$", given):
        return Fraction(given)
    raise ValueError('a number as text, such as "59.99" or "1/3"')


def _of_sane_length(given: Any) -> Any:
    if isinstance(given, str) and not _GIVEN.fullmatch(given):
        raise ValueError('a number as text, such as "59.99" or "1/3", of at most 15 digits before and 12 behind the point')
    return given


def written(value: Fraction) -> str:
    """The number exactly, as a decimal where it has an end (`59.99`), else as a fraction (`200/3`)."""
    places, rest = 0, value.denominator
    while rest % 10 == 0:
        places, rest = places + 1, rest // 10
    for factor in (2, 5):
        while rest % factor == 0:
            places, rest = places + 1, rest // factor
    if rest != 1 or places > 12:
        return f"{value.numerator}/{value.denominator}"
    digits = f"{abs(int(value * 10**places)):0{places + 1}d}"
    whole, fraction = (digits[:-places], digits[-places:]) if places else (digits, "")
    return ("-" if value < 0 else "") + whole + (f".{fraction}" if fraction else "")


def shown(value: Fraction, places: int = 2) -> str:
    """The number for reading, cut off and not rounded: 89.996 is shown as 89.99, since 90.00 would be another class."""
    cut = abs(value.numerator) * 10**places // value.denominator
    digits = f"{cut:0{places + 1}d}"
    return ("-" if value < 0 and cut else "") + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)


def rounded(value: Fraction, places: int) -> Fraction:
    """Rounded half up, as the arithmetic of schools and offices does it; never Python's half to even."""
    scaled = value * 10**places
    nearest = (2 * abs(scaled.numerator) + scaled.denominator) // (2 * scaled.denominator)
    return Fraction(nearest if value >= 0 else -nearest, 10**places)


Exact = Annotated[
    Fraction,
    BeforeValidator(exact),
    PlainSerializer(written, return_type=str),
    WithJsonSchema({"type": "string", "description": "An exact number: a decimal, or a fraction n/d", "examples": ["59.99"]}),
]
"""A number that is kept: what was computed is read again, however long it has become."""
Given = Annotated[Exact, BeforeValidator(_of_sane_length)]
"""A number that somebody sends."""
