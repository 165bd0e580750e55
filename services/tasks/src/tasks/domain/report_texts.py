"""The words of the printed report and of the month's digest, in Vietnamese. Placeholders are filled by `report_forms`."""

from __future__ import annotations

PAGE = """<!doctype html>
<html lang="vi">
<head>
<meta charset="utf-8">
<title>$title, $period</title>
<style>
@page { size: A4 landscape; margin: 15mm 12mm; }
body { font: 10pt/1.35 "Times New Roman", serif; color: #000; margin: 0; }
h1 { font-size: 14pt; text-align: center; text-transform: uppercase; margin: 0 0 2mm; }
h2 { font-size: 11pt; margin: 5mm 0 2mm; }
p.sub { text-align: center; margin: 0 0 4mm; }
table { border-collapse: collapse; width: 100%; }
th, td { border: 0.4pt solid #000; padding: 1mm 1.5mm; text-align: left; vertical-align: top; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
table.figures { width: auto; min-width: 70mm; }
td.n { text-align: right; white-space: nowrap; }
small { display: block; font-size: 8.5pt; }
footer { margin-top: 5mm; font-size: 8pt; word-break: break-all; }
</style>
</head>
<body>
<h1>$title</h1>
<p class="sub">Kỳ báo cáo: $period. Số liệu tính đến $as_of.</p>
<h2>1. Số liệu</h2>
<table class="figures"><tbody><tr><td>Tổng số nhiệm vụ</td><td class=n>$total</td></tr>$figures</tbody></table>$periods
<h2>2. Nhiệm vụ</h2>
<table>
<thead><tr><th>TT</th><th>Nhiệm vụ, văn bản giao</th><th>Chủ trì</th><th>Sản phẩm</th><th>Thời hạn</th><th>Tiến độ</th>\
<th>Trạng thái</th></tr></thead>
<tbody>$rows</tbody>
</table>
<h2>3. Thay đổi thuộc các kỳ đã chốt</h2>
<table>
<thead><tr><th>Thuộc kỳ</th><th>Nhiệm vụ</th><th>Trước</th><th>Sau</th></tr></thead>
<tbody>$changed</tbody>
</table>
<footer>SHA-256 của báo cáo đã chốt: $sha256</footer>
</body>
</html>
"""

DIGEST = """# $title: bản tin $period

Số liệu tính đến $as_of.

Có $total nhiệm vụ đang theo dõi: $done_in_time hoàn thành trong hạn, $done_late hoàn thành quá hạn, $in_time đang thực hiện
trong hạn, $nearly_due sắp đến hạn, $overdue quá hạn, $waiting chờ văn bản cấp trên, $paused tạm hoãn, $no_due_date không có
thời hạn.

## Nhiệm vụ quá hạn

$late

$periods## Thay đổi so với kỳ trước

$changes thay đổi thuộc các kỳ đã chốt ($months).

## Báo cáo của đơn vị

$submitted đơn vị đã nộp báo cáo, trong đó $submitted_late nộp chậm; $late_submissions báo cáo của kỳ trước nộp sau khi chốt.

SHA-256 của báo cáo đã chốt: $sha256
"""

DIGEST_LINE = "- [{title}](/v1/tasks/{task}), {lead}:{period} hạn {due}, quá {days} ngày."

DIGEST_PERIODS = """## Kỳ báo cáo của nhiệm vụ định kỳ

{total} kỳ đến hạn từ {since}: {met}.

"""
