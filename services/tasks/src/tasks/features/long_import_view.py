"""A long import as callers see it."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from common.errors import Words
from common.http import View
from tasks.domain.long_import import Failing, ImportState, LongImport, WhyNot
from tasks.features.import_table import Counts

_WHY: dict[WhyNot, Words] = {
    "part_busy": Words("lần nào thử cũng có người đang sửa nhiệm vụ của phần này", "somebody worked on its tasks at each try"),
    "part_slow": Words("xử lý lâu hơn mức một giao dịch cho phép", "it takes longer than a transaction may"),
    "part_lost": Words("các dòng của phần này không còn được lưu", "its rows are no longer kept"),
    "part_unexpected": Words("lỗi của hệ thống khi xử lý các dòng này", "a fault of the platform with these rows"),
}
_AGAIN = Words(
    "gửi lại cả tệp với Idempotency-Key mới: các phần đã xong vẫn giữ và không nhập hai lần.",
    "send the whole file again with a new Idempotency-Key: what has come in stays, and comes in once.",
)
_REPAIRS: dict[WhyNot, Words] = {
    "part_busy": Words(f"Hãy chờ người đó xong, rồi {_AGAIN.vi}", f"Wait until they are done, then {_AGAIN.en}"),
    "part_slow": Words(
        "Hãy gửi riêng các dòng này trong vài tệp nhỏ; các phần đã xong vẫn giữ.",
        "Send these rows alone, in some smaller files; what has come in stays.",
    ),
    "part_lost": Words(f"Hãy {_AGAIN.vi}", f"Please {_AGAIN.en}"),
    "part_unexpected": Words(
        f"Hãy báo quản trị viên mã lượt nhập và số phần. Khi đã sửa, {_AGAIN.vi}",
        f"Tell the operator the import's id and the part. Once it is mended, {_AGAIN.en}",
    ),
}


class PartProblem(View):
    """A part that did not come in, told as the `errors` of a problem are."""

    part: int
    first_row: int = Field(description="As a spreadsheet counts: the header is row 1. For JSON: the place in the array, from 1")
    last_row: int
    tries: int
    again_at: datetime | None = Field(description="null when it was given up")
    code: WhyNot
    message: str
    repair: str

    @classmethod
    def of(cls, one: LongImport, failing: Failing) -> PartProblem:
        (first, last), why, tries = one.rows_of(failing.number), _WHY[failing.why], failing.tries
        message = Words(
            f"Dòng {first}-{last} chưa nhập được sau {tries} lần thử: {why.vi}.",
            f"Rows {first} to {last} did not come in, tries: {tries}; {why.en}.",
        )
        waiting = Words("Chưa cần làm gì: hệ thống sẽ thử lại.", "Nothing to do yet: it is tried again.")
        return cls(
            part=failing.number,
            first_row=first,
            last_row=last,
            tries=tries,
            again_at=None if failing.given_up else failing.again_at,
            code=failing.why,
            message=str(message),
            repair=str(_REPAIRS[failing.why] if failing.given_up else waiting),
        )


class LongImportView(View):
    id: str
    dry_run: bool
    state: ImportState = Field(
        description="`failed`: `problems` names the parts that were given up; all others came in and stay"
    )
    started_at: datetime
    ended_at: datetime | None = Field(description="null while it runs")
    rows: int
    rows_done: int
    parts: int
    parts_done: int = Field(description="What was found on the rows of part n: `GET /v1/imports/long/{id}/parts/{n}`, from 1")
    problems: list[PartProblem] = Field(description="Parts that were tried and have not come in")
    counts: Counts = Field(description="Of the rows that are done")

    @classmethod
    def of(cls, one: LongImport) -> LongImportView:
        shown = one.model_dump(include=set(cls.model_fields) - {"counts"})
        problems = [PartProblem.of(one, failing) for failing in sorted(one.failing, key=lambda failing: failing.number)]
        return cls(**shown, state=one.state, problems=problems, counts=Counts(**one.counts))
