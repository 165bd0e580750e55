"""What a local run consists of, before any process is started."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from deploy.local.folder import MARKER, Folder
from deploy.local.parts import INHERITED, PORTS, Part, Trouble, free_port
from deploy.local.profile import GATEWAY, PORT_NAMES, SERVICES, Profile, Secrets, Wanted, choose_ports, run_file
from deploy.local.supervisor import BackOff, how_it_ended, layers

PORTS_GIVEN = {name: 20_000 + number for number, name in enumerate(PORT_NAMES)}
SECRETS = Secrets.make()


def profile(tmp_path: Path, **given: str) -> Profile:
    return Profile(Wanted.read({"LOCAL_DIR": str(tmp_path), **given}), PORTS_GIVEN, SECRETS)


async def never() -> bool:
    return False


def part(name: str, *needs: str) -> Part:
    return Part(name=name, role="all", command=[], log=Path("x"), ready=never, needs=frozenset(needs))


# --- what the caller asks for ---


def test_variables_have_sensible_defaults(tmp_path: Path) -> None:
    assert Wanted.read({}, tmp_path) == Wanted(tmp_path / ".local", 8080)
    assert Wanted.read({"PORT": "9000", "FRESH": "1", "LOCAL_DIR": "/x"}) == Wanted(Path("/x"), 9000, fresh=True)
    assert Wanted.read({"PORT": "", "FRESH": "0", "LOCAL_DIR": ""}, tmp_path) == Wanted(tmp_path / ".local", 8080)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("FRESH", "maybe"),
        ("KAFKA_BOOTSTRAP", "broker"),
        ("MONGO_URI", "localhost"),
    ],
)
def test_a_variable_that_makes_no_sense_is_named(name: str, value: str) -> None:
    with pytest.raises(Trouble, match=name):
        Wanted.read({name: value})


# --- ports ---


def test_ports_are_kept_and_only_taken_ones_are_chosen_again() -> None:
    kept = dict(PORTS_GIVEN)
    taken = kept["mongo"]
    chosen = choose_ports(kept, lambda port: port != taken, lambda _: 31_000)
    assert chosen == {**kept, "mongo": 31_000}


def test_no_two_parts_get_one_port() -> None:
    handed = iter(range(25_000, 26_000))
    chosen = choose_ports(dict.fromkeys(PORT_NAMES, 20_000), lambda _: True, lambda _: next(handed))
    assert len(set(chosen.values())) == len(PORT_NAMES)


def test_ports_stay_below_those_of_outgoing_connections() -> None:
    assert free_port() in PORTS
    assert PORTS.stop <= 32_768


# --- processes and their environment ---


def test_nine_processes_the_services_after_their_servers(tmp_path: Path) -> None:
    parts = {one.name: one for one in profile(tmp_path).parts()}
    assert set(parts) == {*SERVICES, GATEWAY, "mailbox", "issuer"}
    assert all(parts[name].needs == {"kafka", "mongo"} and parts[name].role == "all" for name in (*SERVICES, GATEWAY))
    assert parts["tasks"].command[1:] == ["-m", "tasks.service", "--role", "all"]
    assert parts[GATEWAY].command[1:] == ["-m", "gateway.app", "--role", "all"]
    order = [[one.name for one in layer] for layer in layers([part("kafka"), part("mongo"), *parts.values()])]
    assert order == [["kafka", "mongo", "mailbox", "issuer"], [*SERVICES, GATEWAY]]


def test_given_servers_are_not_started_and_get_names_of_this_run_alone(tmp_path: Path) -> None:
    ours = profile(tmp_path)
    theirs = profile(tmp_path, KAFKA_BOOTSTRAP="kafka.example:9092", MONGO_URI="mongodb://mongo.example/")
    assert ours.servers() == {"kafka", "mongo"}
    assert theirs.servers() == frozenset()
    assert (theirs.kafka, theirs.mongo) == ("kafka.example:9092", "mongodb://mongo.example/")
    assert ours.environment("tasks")["DATABASE"] == "roviec_tasks"
    assert ours.environment("tasks")["TOPIC_PREFIX"] == ""
    assert theirs.environment("tasks")["DATABASE"] == f"roviec_{SECRETS.area}_tasks"
    assert theirs.environment("tasks")["TOPIC_PREFIX"] == f"{SECRETS.area}-"


def test_each_deployable_is_told_what_its_settings_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gateway.settings import GatewaySettings
    from tools.services import load

    for name in ("KAFKA_BOOTSTRAP", "MONGO_URI"):
        monkeypatch.delenv(name, raising=False)
    for name in (*SERVICES, GATEWAY):
        settings = GatewaySettings if name == GATEWAY else load(name).settings
        with monkeypatch.context() as patched:
            for variable, value in profile(tmp_path).environment(name).items():
                patched.setenv(variable, value)
            assert settings.load().database == f"roviec_{name}"


def test_no_secret_is_shared_and_only_the_gateway_holds_its_key(tmp_path: Path) -> None:
    environments = {name: profile(tmp_path).environment(name) for name in (*SERVICES, GATEWAY)}
    assert len({environment["CURSOR_KEY"] for environment in environments.values()}) == len(environments)
    holders = [name for name, environment in environments.items() if SECRETS.signing_key in environment.values()]
    assert holders == [GATEWAY]
    assert SECRETS.admin_secret not in repr(SECRETS)
    assert Secrets.load(json.loads(json.dumps(SECRETS.kept()))).kept() == SECRETS.kept()


def test_a_part_inherits_no_setting_and_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setenv("SOMEBODYS_TOKEN", "t")
    monkeypatch.setenv("TOPIC_PREFIX", "stray")
    log = tmp_path / "log"
    code = "import os, json; print(json.dumps(sorted(os.environ)))"
    shown = Part("x", "all", [sys.executable, "-c", code], log, never, env={"HOST": "h"})
    shown.start()
    assert shown.process is not None
    shown.process.wait(20)
    assert set(json.loads(log.read_text())) - {"LC_CTYPE"} <= {*INHERITED, "HOST"}


def test_run_json_has_the_promised_shape(tmp_path: Path) -> None:
    parts = profile(tmp_path).parts()
    client = {"client_id": "a", "client_secret": "b", "scopes": ["tasks:read"], "units": None}
    person = {"person_id": "p", "unit": "u", "position": "officer", "token": "t"}
    written = run_file(profile(tmp_path), parts, [client], [person])
    assert set(written) == {"gateway", "kafka", "mongo", "mailbox", "issuer", "processes", "clients", "people"}
    assert written["gateway"] == "http://127.0.0.1:8080"
    assert all(set(one) == {"name", "role", "pid", "api", "metrics"} for one in written["processes"])
    tasks = next(one for one in written["processes"] if one["name"] == "tasks")
    assert tasks["api"] == f"http://127.0.0.1:{PORTS_GIVEN['tasks-api']}"
    assert tasks["metrics"] == f"http://127.0.0.1:{PORTS_GIVEN['tasks-ops']}/metrics"
    assert (written["clients"], written["people"]) == ([client], [person])


# --- the order, and what dies ---


def test_a_need_that_nobody_meets_is_named() -> None:
    with pytest.raises(ValueError, match="a needs"):
        layers([part("a", "b"), part("b", "a")])


def test_what_goes_on_dying_is_started_again_more_slowly() -> None:
    back_off = BackOff()
    assert [back_off.pause(lived=1.0) for _ in range(6)] == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    assert back_off.pause(lived=60.0) == 0.5


def test_how_a_process_ended_is_said_in_words() -> None:
    assert how_it_ended(-9) == "was killed by SIGKILL"
    assert how_it_ended(1) == "ended with status 1"


# --- the folder ---


def test_only_a_folder_that_was_made_here_is_wiped(tmp_path: Path) -> None:
    mine = Folder(tmp_path / "new")
    mine.open()
    (mine.path / "kafka").mkdir()
    (mine.path / "kafka" / "log").write_text("x")
    (mine.path / "secrets.json").write_text("{}")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x")
    (mine.path / "link").symlink_to(outside)
    mine.wipe()
    assert {entry.name for entry in mine.path.iterdir()} == {MARKER, "lock"}
    assert (outside / "kept").exists()
    mine.close()


def test_somebody_elses_folder_is_neither_used_nor_wiped(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("x")
    with pytest.raises(Trouble, match="holds something else"):
        Folder(tmp_path).open()
    with pytest.raises(Trouble, match="left alone"):
        Folder(tmp_path).wipe()
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(Trouble, match="cannot write to"):
        Folder(tmp_path / "file" / "local").open()


def test_the_demonstration_people_are_real_enough_for_the_demo() -> None:
    from tasks.domain.directory import POSITIONS

    root = Path(__file__).resolve().parents[2] / "data"

    def column(file: str, name: str) -> set[str]:
        with (root / file).open(encoding="utf-8", newline="") as opened:
            return {row[name] for row in csv.DictReader(opened)}

    units = column("units.csv", "unit_uid") | {f"agency:{code}" for code in column("agencies.csv", "code(ours)")}
    audiences = column("audiences.csv", "audience_id")
    with (root / "demo_people.csv").open(encoding="utf-8", newline="") as opened:
        people = list(csv.DictReader(opened))
    assert len({person["person_id"] for person in people}) == len(people) == 40
    assert all(person["name"] == "" for person in people)
    assert all(person["unit_id"] in units for person in people)
    assert all(set(person["audiences"].split(";")) <= audiences for person in people)
    assert {person["position"] for person in people} == set(POSITIONS)
    staffed: dict[str, list[str]] = {}
    for person in people:
        staffed.setdefault(person["unit_id"], []).append(person["position"])
    whole = [unit for unit, who in staffed.items() if who.count("officer") >= 3 and {"unit_head", "deputy_head"} <= set(who)]
    assert len(whole) >= 6
