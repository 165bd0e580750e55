"""Audiences of the digital literacy movement (Bình dân học vụ số), and the wave in which each learns.

Cadres and Party members go first (01-KH/BCĐTW): leaders are wave 0, officials and those who teach others wave 1, the
people wave 2. The numbers of the waves are ours; they are the column `wave` of data/audiences.csv.
"""

from __future__ import annotations

LEADERS = "AUD-LEAD"

DEFAULT_WAVES: dict[str, int] = {
    LEADERS: 0,
    "AUD-CBCC": 1,
    "AUD-PARTY": 1,
    "AUD-YOUTH": 1,
    "AUD-PREST": 1,
    "AUD-TEAM": 1,
    "AUD-COMMUNE-ADMIN": 1,
    "AUD-PUPIL": 2,
    "AUD-CITIZEN": 2,
    "AUD-WORKER": 2,
    "AUD-ETHNIC": 2,
    "AUD-VULN": 2,
    "AUD-WOMEN": 2,
    "AUD-FARM": 2,
    "AUD-FIRM": 2,
}
