"""How the sample province is brought in: against a gateway that answers from memory, and the real lists of `data/`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from deploy.local.banner import WIDTH, banner, curl_lines
from deploy.local.partner import Partner
from deploy.local.parts import Trouble
from deploy.local.profile import PORT_NAMES, Profile, Secrets, Wanted
from deploy.local.sample import COMMUNE, PORTAL, Loader, as_csv, clients_wanted, key_of, plans, rows_of
from gateway.routes import EVERY_SCOPE

DATA = Path(__file__).resolve().parents[2] / "data"
Answer = Callable[[httpx2.Request], httpx2.Response]


def partner(answer: Answer) -> Partner:
    http = httpx2.Client(base_url="http://gateway", transport=httpx2.MockTransport(answer))
    return Partner(http, lambda: "token", patience=0.0)


def loader(said: list[tuple[str, str]] | None = None) -> Loader:
    return Loader(DATA, lambda what, outcome: None if said is None else said.append((what, outcome)))


# --- the three plans ---


def test_the_task_list_is_cut_into_its_three_plans() -> None:
    cut = {name: (mark, len(rows)) for name, mark, rows in plans(rows_of(DATA, "tasks.csv"))}
    assert cut == {"nq03": ("foreign", 140), "khanh-hoa": ("foreign", 32), "ha-giang": ("demo", 14)}


def test_no_row_is_lost_or_changed_by_the_cut() -> None:
    rows = rows_of(DATA, "tasks.csv")
    assert [row for _, _, part in plans(rows) for row in part] == rows
    for _, _, part in plans(rows):
        lines = as_csv(part).decode().splitlines()
        assert lines[0] == (DATA / "tasks.csv").read_text("utf-8").splitlines()[0]


def test_a_row_of_no_known_plan_is_not_passed_over() -> None:
    with pytest.raises(ValueError, match="XX-1"):
        list(plans([{"task_uid": "XX-1"}]))


# --- clients ---


def test_no_demonstration_client_administers_and_one_is_limited_to_a_unit() -> None:
    wanted = {client.name: client for client in clients_wanted(EVERY_SCOPE)}
    assert set(wanted[PORTAL].scopes) == EVERY_SCOPE - {"clients:admin"}
    assert all("clients:admin" not in client.scopes for client in wanted.values())
    assert wanted["commune-ha-giang-1"].units == (COMMUNE,)
    assert set(wanted["commune-ha-giang-1"].scopes) < EVERY_SCOPE
    assert wanted["auditor"].scopes == ("ledger:read",)


class Clients:
    """The administration of clients, in memory. A secret is in the first answer alone."""

    def __init__(self, *present: dict[str, Any]) -> None:
        self.present, self.rotated = list(present), 0

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/v1/clients/admin":
            return httpx2.Response(200, json={"scopes": sorted(EVERY_SCOPE)})
        if request.method == "GET":
            return httpx2.Response(200, json={"items": self.present, "next_cursor": None})
        if request.url.path.endswith("/rotate-secret"):
            self.rotated += 1
            found = next(client for client in self.present if client["id"] == request.url.path.split("/")[3])
            return httpx2.Response(200, json={**found, "client_secret": "new"})
        if request.method == "DELETE":
            found = next(client for client in self.present if client["id"] == request.url.path.split("/")[3])
            found["revoked_at"] = "2026-01-01T00:00:00Z"
            return httpx2.Response(204)
        body = json.loads(request.content)
        made = {"id": f"cl-{len(self.present)}", "revoked_at": None, **body}
        self.present.append(made)
        return httpx2.Response(201, json={**made, "client_secret": f"secret of {made['name']}"})


def test_clients_are_admitted_once_and_kept_as_soon_as_their_secret_is_shown() -> None:
    gateway, kept = Clients(), list[list[dict[str, Any]]]()
    first = loader().clients(partner(gateway), "admin", [], kept.append)
    assert [len(found) for found in kept] == [1, 2, 3]
    assert [client["client_secret"] for client in first] == [f"secret of {client['name']}" for client in first]
    assert loader().clients(partner(gateway), "admin", first) == first
    assert len(gateway.present) == 3


def test_a_client_whose_secret_was_lost_gets_a_new_one_and_no_twin() -> None:
    revoked: dict[str, Any] = {
        "id": "cl-old",
        "name": PORTAL,
        "scopes": [],
        "unit_ids": None,
        "revoked_at": "2026-01-01T00:00:00Z",
    }
    scopes = sorted(EVERY_SCOPE)
    lost: dict[str, Any] = {"id": "cl-lost", "name": PORTAL, "scopes": scopes, "unit_ids": None, "revoked_at": None}
    gateway = Clients(revoked, lost)
    portal = loader().clients(partner(gateway), "admin", [])[0]
    assert (portal["client_id"], portal["client_secret"], gateway.rotated) == ("cl-lost", "new", 1)


def test_a_client_of_a_version_that_wanted_fewer_scopes_is_made_anew() -> None:
    gateway = Clients()
    first = loader().clients(partner(gateway), "admin", [])
    kept = [{**client, "scopes": client["scopes"][1:]} if client["name"] == PORTAL else client for client in first]
    gateway.present[0]["scopes"] = kept[0]["scopes"]
    again = loader().clients(partner(gateway), "admin", kept)
    assert again[1:] == first[1:]
    assert (again[0]["client_id"], again[0]["scopes"]) == ("cl-3", first[0]["scopes"])
    assert [client["id"] for client in gateway.present if client["revoked_at"]] == ["cl-0"]


# --- lists ---


def test_the_same_list_has_the_same_key_and_another_list_another() -> None:
    assert key_of("units", b"a") == key_of("units", b"a")
    assert len({key_of("units", b"a"), key_of("units", b"b"), key_of("agencies", b"a"), key_of("unit", b"sa")}) == 4


class Province:
    """A gateway that takes everything, and remembers what it was sent."""

    def __init__(self, refuse: str | None = None) -> None:
        self.refuse, self.sent = refuse, list[tuple[str, str, str | None]]()
        self.asked_for_preferences = 0

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        if request.method == "GET" and path.startswith("/v1/preferences/"):
            self.asked_for_preferences += 1  # notifications hears of everybody a moment later
            return httpx2.Response(404 if self.asked_for_preferences == 1 else 200, json={"detail": "unknown", "errors": []})
        if request.method == "GET":
            return httpx2.Response(200, json={"items": [], "next_cursor": None})
        asked = "&".join(f"{name}={value}" for name, value in sorted(request.url.params.items()))
        self.sent.append((request.method, f"{path}?{asked}" if asked else path, request.headers.get("Idempotency-Key")))
        if path != "/v1/imports":
            return httpx2.Response(201 if request.method == "POST" else 200, json={})
        row: dict[str, Any] = {"row": 2, "outcome": "created", "findings": []}
        if request.url.params["kind"] == self.refuse:
            finding = {"field": "unit_uid", "message": "no such unit", "severity": "error"}
            row = {"row": 2, "outcome": "refused", "findings": [finding]}
        return httpx2.Response(200, json={"counts": {"created": 1, "refused": 0}, "rows": [row]})


def test_lists_come_in_the_order_of_their_references_each_under_its_own_key() -> None:
    gateway, again = Province(), Province()
    loader().province(partner(gateway))
    loader().province(partner(again))
    imports = [path.removeprefix("/v1/imports?kind=") for _, path, _ in gateway.sent if path.startswith("/v1/imports")]
    foreign, demo = "tasks&sample=foreign", "tasks&sample=demo"
    assert imports == ["units", "agencies", "successions", "directives", "people", foreign, foreign, demo]
    keys = [key for _, path, key in gateway.sent if path.startswith(("/v1/imports", "/v1/courses", "/v1/programmes"))]
    assert len(set(keys)) == len(keys) == 8 + 20 + 1
    assert keys == [key for _, path, key in again.sent if path.startswith(("/v1/imports", "/v1/courses", "/v1/programmes"))]
    assert sum(method == "PUT" for method, _, _ in gateway.sent) == 40


def test_a_list_that_is_not_taken_whole_is_told_with_its_row() -> None:
    with pytest.raises(Trouble, match=r"people was not taken whole: row 2: unit_uid: no such unit"):
        loader().province(partner(Province(refuse="people")))


def test_the_example_is_the_row_itself_not_one_that_mentions_its_number() -> None:
    def answer(_: httpx2.Request) -> httpx2.Response:
        items = [{"id": "a", "reference": "NQ03-070"}, {"id": "b", "reference": "NQ03-114"}]
        return httpx2.Response(200, json={"items": items, "next_cursor": None})

    assert loader().example(partner(answer), "NQ03-114") == "b"
    with pytest.raises(Trouble, match="NQ03-999"):
        loader().example(partner(answer), "NQ03-999")


# --- what is said at the end ---


def test_the_banner_names_what_is_needed_in_eighty_columns(tmp_path: Path) -> None:
    ports = {name: 20_000 + number for number, name in enumerate(PORT_NAMES)}
    profile = Profile(Wanted.read({"LOCAL_DIR": str(tmp_path)}), ports, Secrets.make())
    clients = [
        {
            "name": one.name,
            "client_id": "cl-fngxn79h37em",
            "client_secret": "s" * 62,
            "scopes": list(one.scopes),
            "units": one.units,
        }
        for one in clients_wanted(EVERY_SCOPE)
    ]
    text = banner(profile, clients, "task-id", 40, 2**30, 12.0)
    assert max(len(line) for line in text.splitlines() if str(tmp_path) not in line) <= WIDTH
    for needed in ("http://127.0.0.1:8080/docs", profile.mailbox, str(tmp_path), "make demo", "tasks:assign", COMMUNE):
        assert needed in text
    assert text.count("/metrics") == 5
    assert len(curl_lines("http://g", clients[0], clients[2], "task-id")) == 5
    assert profile.secrets.admin_secret not in text
