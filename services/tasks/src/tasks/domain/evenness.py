"""How evenly work lies on units or people: one figure, and who carries much more or much less than the mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Share:
    """The load of one unit or person, and how many times the mean that is."""

    id: str
    load: int
    of_mean: Fraction


@dataclass(frozen=True)
class Evenness:
    """`gini`: 0 when all carry the same, towards 1 when one carries everything; None when there is nothing to carry."""

    units: int
    total: int
    mean: Fraction | None
    gini: Fraction | None
    over: list[Share]
    under: list[Share]


def evenness(loads: Mapping[str, int], over: Fraction, under: Fraction) -> Evenness:
    """Of units with their loads, those without any included; who is at `over` times the mean or more, or at `under` or less.

    Gini's coefficient (1912), exact: `2 * sum(i * x_i) / (n * sum(x)) - (n + 1) / n`, loads rising.
    """
    total, count = sum(loads.values()), len(loads)
    if not total:
        return Evenness(count, 0, None if not count else Fraction(0), None, [], [])
    rising = sorted(loads.values())
    weighted = sum(place * load for place, load in enumerate(rising, 1))
    mean = Fraction(total, count)
    shares = [Share(key, load, load / mean) for key, load in loads.items()]
    return Evenness(
        units=count,
        total=total,
        mean=mean,
        gini=Fraction(2 * weighted, count * total) - Fraction(count + 1, count),
        over=sorted((one for one in shares if one.of_mean >= over), key=lambda one: (-one.load, one.id)),
        under=sorted((one for one in shares if one.of_mean <= under), key=lambda one: (one.load, one.id)),
    )
