"""`tools.mutants` turns every kind of rule, leaves texts alone, and tells a test that guards a rule from one that does not."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tools.mutants import ROOT, mutants_of

RULES = '''"""3 rules."""
EXACT = 2
LOOSE = 2


class Rule:
    @property
    def number(self) -> int:
        return 3

    def exact(self, number: int) -> bool:
        """True above 2."""
        return number > EXACT

    def loose(self, number: int) -> bool:
        return number > LOOSE

    def state(self, number: int) -> int:
        return -number
'''
TESTS = """import unittest

from ruled.rule import Rule

def test_exact():
    assert Rule().exact(3)
    assert not Rule().exact(2)

def test_loose():
    assert Rule().loose(4)
    assert not Rule().loose(0)

class TestOfAStateMachine(unittest.TestCase):
    def runTest(self):
        assert Rule().state(3) == -3
"""


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a < b", ["a <= b", "a >= b"]),
        ("a <= b < c", ["a < b < c", "a > b < c", "a <= b <= c", "a <= b >= c"]),
        ("a == 'x'", ["a != 'x'"]),
        ("a not in b", ["a in b"]),
        ("a and b or c", ["(a and b) and c", "a or b"]),
        ("not a", ["a"]),
        ("-a + b", ["-a - b", "a"]),
        ("a * b // c", ["a * b * c", "a // b"]),
        ("a += b", ["a -= b"]),
        ("f(1, True)", ["2", "False"]),
        ("any(a for a in b if c)", ["all((a for a in b if c))", "for a in b if not c"]),
        ("max(a, b)", ["min(a, b)"]),
        ("b if a else c", ["b if not a else c"]),
        ("if a: b\nelif not c: d", ["not a", "c"]),
        ("def f(a: Literal[1]) -> Literal[2]:\n return a", ["return None"]),
        ("def f():\n yield a", ["yield from ()"]),
        ("def f():\n return", []),
        ("'a' + b + f'{c > 1}'", ["'a' - b"][1:]),
        ("class A(B, frozen=True):\n model_config = ConfigDict(frozen=True)", []),
    ],
)
def test_rules_are_turned_round_and_texts_and_types_left_alone(source: str, expected: list[str]) -> None:
    tree = ast.parse(source)
    before = ast.dump(tree)
    found = mutants_of(tree)
    assert sorted(one.becomes.strip() for one in found) == sorted(expected)
    for one in found:
        one.put(True)
        assert ast.dump(tree) != before
        compile(tree, "mutant", "exec")
        one.put(False)
    assert ast.dump(tree) == before


def test_the_score_is_of_mutants_that_a_test_notices(tmp_path: Path) -> None:
    """The bounds, `>` turned into `>=` and `<=`, what is returned; by a function or a `TestCase`, as a state machine is one."""
    module = tmp_path / "src" / "ruled" / "rule.py"
    module.parent.mkdir(parents=True)
    module.write_text(RULES, "utf-8")
    (tmp_path / "test_rule.py").write_text(TESTS, "utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "tools.mutants", module, "--under", "100", "--tests", tmp_path, "--", "--import-mode=prepend",
         "-W", "ignore", "-o", f"pythonpath={tmp_path / 'src'}"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert [line for line in ran.stdout.splitlines() if line.startswith("rule")] == [
        "rule.py:3: 2  ->  3",
        "rule.py:9: 3  ->  4  (no test calls it)",
        "rule.py:16: number > LOOSE  ->  number >= LOOSE",
        f"{'rule':<28} {11:>7} {8:>6} {72.7:>6}",
    ], ran.stdout + ran.stderr
    assert ran.returncode == 1
