"""Every rule of `[tool.importlinter]` is kept, and each is seen to catch a breach planted in a copy of the tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {
    path.name: path for path in [*ROOT.glob("libs/*/src/*"), *ROOT.glob("services/*/src/*"), *ROOT.glob("gateway/src/*")]
}
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
RULES = {rule["id"]: rule["name"] for rule in CONTRACTS}

# rule, the file that breaks it, what is written there
BREACHES = [
    ("apart", "tasks/features/planted.py", "from training import target"),
    ("apart", "gateway/planted.py", "import tasks.target"),
    ("apart", "audit/features/planted.py", "import gateway.target"),
    ("common", "common/planted.py", "import notifications.target"),
    ("layers", "audit/store.py", "import audit.features.target"),
    ("layers", "training/features/planted.py", "import training.service"),
    ("layers", "gateway/store.py", "import gateway.features.target"),
    ("domain", "tasks/domain/planted.py", "import fastapi"),
    ("domain", "tasks/domain/planted.py", "from common.unit_of_work import UnitOfWork"),
    ("contracts", "common/contracts/planted.py", "import common.errors"),
    ("contracts", "common/contracts/planted.py", "import orjson"),
    ("language", "common/planted.py", "from common.contracts.tasks import TaskAssigned"),
    ("database", "tasks/features/planted.py", "from motor.motor_asyncio import AsyncIOMotorClient"),
    ("database", "audit/store.py", "import pymongo.errors"),
    ("database-types", "audit/store.py", "from bson import ObjectId"),
    ("broker", "notifications/features/planted.py", "import aiokafka"),
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the packages, with a module in each that a breach can import."""
    for name, source in SOURCES.items():
        shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        (tmp_path / name / "target.py").touch()
    for name in ("audit", "gateway"):
        (tmp_path / name / "features" / "target.py").touch()
    (tmp_path / "training" / "service.py").touch()
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "import_rules.py", tmp_path / "tools")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def broken_rules(tree: Path) -> set[str]:
    """Ids of the rules that import-linter finds broken."""
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-cache"],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert all(f"{name} KEPT" in said or f"{name} BROKEN" in said for name in RULES.values()), said
    return {rule for rule, name in RULES.items() if f"{name} BROKEN" in said}


def test_the_tree_keeps_every_rule(tree: Path) -> None:
    assert broken_rules(tree) == set()


@pytest.mark.parametrize(("rule", "file", "line"), BREACHES)
def test_a_planted_breach_is_caught(tree: Path, rule: str, file: str, line: str) -> None:
    with (tree / file).open("a") as source:
        source.write(f"\n{line}\n")
    assert rule in broken_rules(tree)


def test_every_rule_has_a_breach_that_it_catches() -> None:
    assert {rule for rule, _, _ in BREACHES} == set(RULES)
