"""Figures as the page `docs/performance.md`. Pure: what was measured goes in, text comes out.

Each bench has a section of its own between two marks, with the machine and the day it was taken on: a run of one bench
puts its section anew and leaves the others as they stand. What is missed is read from the rows, and said at the top.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bench.measure import Comparison, Spread, verdict

TITLES = {
    "gateway": "Gateway",
    "service": "Service",
    "repository": "Repository",
    "relay": "Relay",
    "consumer": "Consumer",
    "batch": "Batch consumer",
    "effect": "From a request to its audited effect",
    "sizes": "Sizes",
}
"""Every bench, in the order of the page."""

INTRO = """\
# Performance

Written by `make bench` (`make bench ONE=gateway` puts one section anew); not by hand.

Every figure is a **ratio taken within one run**: the sides run in turn, A B A B, on one machine, so that what slows one
slows the other. A ratio above 1 means that ours does more a second (where the measure is a time: that ours takes longer).
It stands as median (minimum-maximum) of the rounds. Figures a second say more of a machine than of the code and serve to
judge the ratios; microseconds of processor time (user + system, of all processes of a side) are steadier. Load generator,
database and broker share the processors with what is measured. Where the load at the start is not near 0, others were at work
on the machine: the spread then says how far a ratio can be trusted."""

_SECTION = re.compile(r"<!-- bench (\w+) -->\n(.*?)\n<!-- /bench -->", re.DOTALL)
HEAD = "| measure | against | ratio | goal | verdict | ours | theirs | CPU each, ours / theirs |\n" + "|---" * 8 + "|"


def renew(page: str, taken: Mapping[str, tuple[Sequence[Comparison], Mapping[str, str]]]) -> str:
    """The page with the sections of these benches put anew, and the list of what is missed made from all sections."""
    sections = dict(_SECTION.findall(page))
    for name, (comparisons, about) in taken.items():
        sections[name] = section(comparisons, about)
    shown = [
        f"## {title}\n\n<!-- bench {name} -->\n{sections[name]}\n<!-- /bench -->"
        for name, title in TITLES.items()
        if name in sections
    ]
    return "\n\n".join([INTRO, _missed(sections), *shown]) + "\n"


def section(comparisons: Sequence[Comparison], about: Mapping[str, str]) -> str:
    """One bench: its rows, their notes, and what they were taken on."""
    notes = list(dict.fromkeys(one.note for one in comparisons if one.note))
    parts = ["\n".join([HEAD, *(row(one) for one in comparisons)])]
    if notes:
        parts.append("\n".join(f"- {note}" for note in notes))
    parts.append("Taken on: " + "; ".join(f"{name} {value}" for name, value in about.items()) + ".")
    return "\n\n".join(parts)


def row(one: Comparison) -> str:
    if one.missing:
        ratio = f"not here: {one.missing}"
    else:
        ratio = "" if one.ratio is None else f"**{one.ratio.median:.2f}** ({one.ratio.least:.2f}-{one.ratio.most:.2f})"
    cpu = ""
    if one.cpu_ours is not None and one.cpu_other is not None:
        cpu = f"{one.cpu_ours.median:,.0f} / {one.cpu_other.median:,.0f} µs"
    cells = [
        one.measure,
        one.peer,
        ratio,
        str(one.goal or ""),
        verdict(one),
        _amount(one.ours, one.unit),
        _amount(one.other, one.unit),
    ]
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in [*cells, cpu]) + " |"


def _amount(spread: Spread | None, unit: str) -> str:
    if spread is None:
        return ""
    digits = 0 if spread.median >= 100 else 1
    return f"{spread.median:,.{digits}f} {unit}"


def _missed(sections: Mapping[str, str]) -> str:
    """The goals that are not reached, said before anything else."""
    found = []
    for name, title in TITLES.items():
        for line in sections.get(name, "").splitlines():
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)][1:-1]
            if len(cells) == 8 and "missed" in cells[4]:
                which = "the next goal" if "next" in cells[4] else "the goal"
                found.append(f"- {title}: {cells[0]}, against {cells[1]}: {cells[2]}, {which} of {cells[3]}.")
    return "## Goals missed\n\n" + ("\n".join(found) or "None of those that were measured.")
