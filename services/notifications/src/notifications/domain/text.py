"""Words of a notice: both languages, Vietnamese first, on one line where a line is what is asked for."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict

TITLE_LENGTH = 120
"""Characters of a task's own title that a notice repeats; plans have titles of a whole paragraph."""


class Bilingual(BaseModel):
    """One text in Vietnamese and English."""

    model_config = ConfigDict(frozen=True)
    vi: str
    en: str


def one_line(text: str, length: int = TITLE_LENGTH) -> str:
    """The text without line breaks and control characters, at most `length` characters, cut at a word."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(line) <= length:
        return line
    return line[: length - 1].rsplit(" ", 1)[0] + "…"


def due_day(day: date | None) -> Bilingual:
    """A due day (hạn hoàn thành) as each language writes it."""
    if day is None:
        return Bilingual(vi="chưa có hạn", en="no due day")
    return Bilingual(vi=f"{day:%d/%m/%Y}", en=f"{day:%Y-%m-%d}")


def days_left(days: int) -> Bilingual:
    """How long is left until the end of the due day."""
    if days <= 0:
        return Bilingual(vi="hôm nay là ngày cuối", en="today is the last day")
    return Bilingual(vi=f"còn {days} ngày", en=f"{days} {'day' if days == 1 else 'days'} left")


def days_late(days: int) -> Bilingual:
    """How long ago the due day ended, or how far off it is for a step of lateness that lies before it."""
    if days == 0:
        return Bilingual(vi="đến hạn hôm nay", en="due today")
    many = f"{abs(days)} {'day' if abs(days) == 1 else 'days'}"
    if days < 0:
        return Bilingual(vi=f"còn {-days} ngày đến hạn", en=f"due in {many}")
    return Bilingual(vi=f"đã quá hạn {days} ngày", en=f"{many} late")


def days_silent(days: int | None) -> Bilingual:
    """For how many working days (ngày làm việc) a paper has been missing."""
    if days is None:
        return Bilingual(vi="chưa rõ ngày ban hành", en="its day of issue is not known")
    return Bilingual(vi=f"đã {days} ngày làm việc", en=f"{days} working {'day' if days == 1 else 'days'} by now")


def paper(number: str, issued_on: date | None) -> Bilingual:
    """A paper by its number and day, as each language writes it."""
    if issued_on is None:
        return Bilingual(vi=f"văn bản số {number}", en=number)
    return Bilingual(vi=f"văn bản số {number} ngày {issued_on:%d/%m/%Y}", en=f"{number} of {issued_on:%Y-%m-%d}")


_PARTIES = {
    "prestigious_person": Bilingual(vi="người có uy tín", en="a prestigious person"),
    "youth_union": Bilingual(vi="đoàn thanh niên", en="the youth union"),
    "firm": Bilingual(vi="doanh nghiệp", en="a firm"),
    "cooperative": Bilingual(vi="hợp tác xã", en="a cooperative"),
}


def party(kind: str) -> Bilingual:
    """Who takes part without an account, by role; a kind that this version does not know is somebody."""
    return _PARTIES.get(kind, Bilingual(vi="một bên", en="somebody"))
