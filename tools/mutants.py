"""`python -m tools.mutants services/tasks/src/tasks/domain/clears.py ...`: does a test fail when a rule is turned round?

Each mutant is the module with one rule changed: a comparison, `and`/`or`, `not`, a condition, arithmetic, a number, a truth
value, what is returned or yielded, `any`/`all`, `min`/`max`. Texts are left alone. The tests without servers that call the
changed function run against it, quickest first, in a forked process that holds everything imported, until one fails. What is
outside of functions (bounds of fields, tables), or called while tests are imported, is seen by importing anew: by the tests
under a second that call anything of the module, or by all of them where none does. Prints the mutants that no test kills, and
the score of each module. `--under 50` ends with 1 where a module's score is less; what follows `--` goes to pytest.

Why not a library: docs/dependencies.md.
"""

from __future__ import annotations

import argparse
import ast
import copy
import gc
import importlib.machinery
import importlib.util
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

ROOT = Path(__file__).resolve().parents[1]
TESTS = ["services/tasks/tests"]
SHOWN = 90
BROKEN = 70
"""Status of a child that could not make its trial."""
STATM = Path("/proc/self/statm")
SPARE = 512 << 20
"""Bytes that a child may ask for beyond what it begins with."""
SKIPPED = {"annotation", "returns", "decorator_list", "keywords", "format_spec"}
"""Parts of the syntax tree without rules: types, and what a class or a decorator is told about itself."""

TURNED: dict[type[ast.AST], tuple[type[Any], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,), ast.And: (ast.Or,), ast.Or: (ast.And,), ast.Add: (ast.Sub,), ast.Sub: (ast.Add,),
    ast.Mult: (ast.FloorDiv,), ast.Div: (ast.Mult,), ast.FloorDiv: (ast.Mult,), ast.Mod: (ast.Mult,), ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
}  # fmt: skip
SEEN = "__seen__"
"""Global of a watched module: the functions that were called."""
CALLS = {"any": "all", "all": "any", "min": "max", "max": "min"}


def variants(node: ast.AST) -> Iterator[ast.AST]:  # noqa: PLR0912 - a table of kinds
    """What the rule at this node may be turned into."""
    match node:
        case ast.Compare(left, ops, comparators):
            for place, op in enumerate(ops):
                for other in TURNED[type(op)]:
                    yield ast.Compare(left, [*ops[:place], other(), *ops[place + 1 :]], comparators)
        case ast.BoolOp(op, values):
            yield ast.BoolOp(TURNED[type(op)][0](), values)
        case ast.BinOp(left, op, right) if type(op) in TURNED and not (_text(left) or _text(right)):
            yield ast.BinOp(left, TURNED[type(op)][0](), right)
        case ast.AugAssign(target, op, value) if type(op) in TURNED and not _text(value):
            yield ast.AugAssign(target, TURNED[type(op)][0](), value)
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield operand
        case ast.Constant(bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(int(value) | float(value)):
            yield ast.Constant(value + 1)
        case ast.Return(value) if value is not None and not isinstance(value, ast.Constant):
            yield ast.Return(ast.Constant(None))
        case ast.Expr(ast.Yield() | ast.YieldFrom()):
            yield ast.Expr(ast.YieldFrom(ast.Tuple([], ast.Load())))
        case ast.Call(ast.Name(name), args, keywords) if name in CALLS:
            yield ast.Call(ast.Name(CALLS[name], ast.Load()), args, keywords)
        case ast.If() | ast.IfExp() | ast.While() if _bare(node.test):
            turned = copy.copy(node)
            turned.test = ast.UnaryOp(ast.Not(), node.test)
            yield turned
        case ast.comprehension() if any(_bare(test) for test in node.ifs):
            tests = [ast.UnaryOp(ast.Not(), test) if _bare(test) else test for test in node.ifs]
            yield ast.comprehension(node.target, node.iter, tests, node.is_async)


def _text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _bare(test: ast.AST) -> bool:
    """A condition that has no operator of its own to turn."""
    return not isinstance(test, ast.Compare | ast.BoolOp | ast.Constant) and not (
        isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
    )


@dataclass
class Mutant:
    """One change of a module: `put` makes it and undoes it. `owner` is the first line of the function that it is in."""

    line: int
    was: str
    becomes: str
    owner: int | None
    put: Callable[[bool], None]


def mutants_of(tree: ast.Module) -> list[Mutant]:
    """All mutants of a module, by line."""
    found: list[Mutant] = []

    def change(parent: ast.AST, field: str, place: int | None, node: ast.AST, other: ast.AST, owner: int | None) -> Mutant:
        ast.fix_missing_locations(ast.copy_location(other, node))

        def put(on: bool) -> None:
            if place is None:
                setattr(parent, field, other if on else node)
            else:
                getattr(parent, field)[place] = other if on else node

        line = next(one.lineno for one in ast.walk(node) if hasattr(one, "lineno"))
        return Mutant(line, _brief(node), _brief(other), owner, put)

    def walk(parent: ast.AST, owner: int | None) -> None:
        for field, value in ast.iter_fields(parent):
            if field in SKIPPED and not isinstance(parent, ast.Call):
                continue
            for place, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if not isinstance(node, ast.AST) or isinstance(node, ast.JoinedStr) or _settings(node):
                    continue
                inside = owner
                if owner is None and isinstance(parent, ast.FunctionDef) and field == "body":
                    inside = _first_line(parent)
                found.extend(change(parent, field, place, node, other, inside) for other in variants(node))
                walk(node, inside)

    walk(tree, None)
    return sorted(found, key=lambda one: one.line)


def _settings(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "ConfigDict"


def _brief(node: ast.AST) -> str:
    if isinstance(node, ast.If | ast.While):
        node = node.test
    line = " ".join(ast.unparse(node).split())
    return line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"


@dataclass
class Module:
    """One module under trial, and how many of its mutants were killed."""

    name: str
    path: Path
    tree: ast.Module
    mutants: list[Mutant]
    killed: int = 0

    @classmethod
    def of(cls, path: Path) -> Module:
        tree = ast.parse(path.read_text("utf-8"))
        parts = path.resolve().with_suffix("").parts
        return cls(".".join(parts[parts.index("src") + 1 :]), path.resolve(), tree, mutants_of(tree))

    def compiled(self, mutant: Mutant) -> CodeType:
        mutant.put(True)
        try:
            return compile(self.tree, str(self.path), "exec")
        finally:
            mutant.put(False)

    def watched(self) -> CodeType:
        """The module in which each function says that it was called."""
        tree = copy.deepcopy(self.tree)
        for scope in [one for one in ast.walk(tree) if isinstance(one, ast.Module | ast.ClassDef)]:
            for one in scope.body:
                if isinstance(one, ast.FunctionDef):
                    one.body[:0] = ast.parse(f"{SEEN}.add(({self.name!r}, {_first_line(one)}))").body
        return compile(tree, str(self.path), "exec")

    def functions(self) -> list[FunctionType]:
        """Its living functions, wherever a class or a decorator has put them."""
        gc.unfreeze()  # what is frozen is not told
        return [one for one in gc.get_objects() if isinstance(one, FunctionType) and one.__code__.co_filename == str(self.path)]


def _first_line(function: ast.FunctionDef) -> int:
    return min([function.lineno, *(one.lineno for one in function.decorator_list)])


class Trial:
    """A pytest plugin that, in place of running the collected tests once, runs them against every mutant."""

    def __init__(self, modules: Sequence[Module], options: list[str]) -> None:
        self.modules, self.options = modules, options
        self.seen: set[tuple[str, int]] = set()
        sys.meta_path[:0] = [Instead(module, module.watched(), self.seen) for module in modules]

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            raise pytest.UsageError("the tests could not be collected")
        gc.collect()
        early = set(self.seen)  # called while modules and tests were imported
        called = self._baseline(session.items)
        order = sorted(range(len(called)), key=lambda one: called[one][0])
        for module in self.modules:
            functions = module.functions()
            gc.freeze()  # children then share the memory
            near = [one for one in order if any(name == module.name for name, _ in called[one][1])] or order
            for mutant in module.mutants:
                code = module.compiled(mutant)
                asked = [one for one in order if (module.name, mutant.owner) in called[one][1]]
                trials = [(asked, partial(run_against, code, functions))]
                if mutant.owner is None or (module.name, mutant.owner) in early:
                    trials.append(([one for one in near if called[one][0] < 1], partial(self._import_anew, code, module)))
                for places, trial in trials:
                    limit = 10 + 5 * sum(called[one][0] for one in places)
                    if places and not _survives(limit, partial(trial, [session.items[one] for one in places])):
                        module.killed += 1
                        break
                else:
                    where = "" if any(places for places, _ in trials) else "  (no test calls it)"
                    print(f"{module.path.name}:{mutant.line}: {mutant.was}  ->  {mutant.becomes}{where}", flush=True)
        return True

    def pytest_runtest_makereport(self, call: pytest.CallInfo[Any]) -> None:
        """A child ends with the first test that fails: nobody reads why. Not the first to be asked: pytest's own hook for a
        `TestCase` puts its failure into the call.
        """
        if call.excinfo is not None and not call.excinfo.errisinstance(pytest.skip.Exception):
            os._exit(1)

    def _baseline(self, items: list[pytest.Item]) -> list[tuple[float, set[tuple[str, int]]]]:
        """Of each test its seconds, and the functions under trial that it calls; asked of a child, so that nothing is left."""
        reads, writes = os.pipe()
        sys.stdout.flush()
        if os.fork() == 0:
            os.close(reads)
            _quiet()
            found = []
            for item, after in zip(items, [*items[1:], None], strict=True):
                self.seen.clear()
                begun = time.process_time()
                item.ihook.pytest_runtest_protocol(item=item, nextitem=after)
                found.append((time.process_time() - begun, sorted(self.seen)))
            with os.fdopen(writes, "w") as out:
                json.dump(found, out)
            os._exit(0)
        os.close(writes)
        with os.fdopen(reads) as given:
            told = given.read()
        os.wait()
        if not told:
            raise pytest.UsageError("a test fails without any mutant")
        return [(seconds, {(name, line) for name, line in seen}) for seconds, seen in json.loads(told)]

    def _import_anew(self, code: CodeType, module: Module, items: list[pytest.Item]) -> None:
        """Forget the service and its tests and run pytest anew on their files, with the mutant in the module's place."""
        home = str(module.path.parents[module.name.count(".") + 1]) + os.sep
        for name in [name for name, one in sys.modules.items() if (getattr(one, "__file__", "") or "").startswith(home)]:
            del sys.modules[name]
        sys.meta_path.insert(0, Instead(module, code, self.seen))
        files = sorted({str(item.path) for item in items})
        status = pytest.main([*self.options, "-x", *files], plugins=[Only({_place(item) for item in items})])
        os._exit(
            {pytest.ExitCode.OK: 0, pytest.ExitCode.TESTS_FAILED: 1, pytest.ExitCode.INTERRUPTED: 1}.get(
                pytest.ExitCode(status), BROKEN
            )
        )


class Only:
    """A pytest plugin that leaves out all tests but some."""

    def __init__(self, places: set[tuple[Path, str]]) -> None:
        self.places = places

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if _place(item) in self.places]


def _place(item: pytest.Item) -> tuple[Path, str]:
    return item.path, item.nodeid.partition("::")[2]


class Instead(importlib.machinery.SourceFileLoader):
    """Imports changed code under the module's name."""

    def __init__(self, module: Module, code: CodeType, seen: set[tuple[str, int]]) -> None:
        super().__init__(module.name, str(module.path))
        self.code, self.seen = code, seen

    def exec_module(self, module: ModuleType) -> None:
        vars(module)[SEEN] = self.seen
        super().exec_module(module)

    def find_spec(self, fullname: str, _: Sequence[str] | None, target: ModuleType | None = None) -> Any:  # noqa: ARG002
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self) if fullname == self.name else None

    def get_code(self, fullname: str) -> CodeType | None:
        return self.code if fullname == self.name else super().get_code(fullname)


def run_against(mutant: CodeType, functions: list[FunctionType], items: list[pytest.Item]) -> None:
    put_into(functions, mutant)
    for item, after in zip(items, [*items[1:], None], strict=True):
        item.ihook.pytest_runtest_protocol(item=item, nextitem=after)
    os._exit(0)


def put_into(functions: list[FunctionType], changed: CodeType) -> None:
    """Give the code of the changed module to the living functions, so that whoever knows them already calls it."""
    codes = {(one.co_firstlineno, one.co_qualname): one for one in _codes_in(changed)}
    for function in functions:
        if (code := codes.get((function.__code__.co_firstlineno, function.__code__.co_qualname))) is not None:
            function.__code__ = code


def _codes_in(code: CodeType) -> Iterator[CodeType]:
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield one
            yield from _codes_in(one)


def _quiet() -> None:
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.dup2(nothing, 2)


def _survives(limit: float, trial: Callable[[], None]) -> bool:
    """Whether no test fails in a child. Time is the processor's: a busy machine kills nothing.
    What cannot be tried survives.
    """
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        errors = os.dup(2)
        try:
            _quiet()
            signal.signal(signal.SIGPROF, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_PROF, limit)
            if STATM.exists():
                used = int(STATM.read_text("ascii").split()[0]) * resource.getpagesize()
                resource.setrlimit(resource.RLIMIT_AS, (used + SPARE, used + SPARE))  # an endless list is dead as well
            trial()
        except MemoryError:
            os._exit(1)
        except BaseException:  # of ours: a test that fails ends the process where it fails
            os.write(errors, traceback.format_exc().encode())
        finally:
            os._exit(BROKEN)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) in (0, BROKEN)


def main() -> int:
    parser = argparse.ArgumentParser(description="Mutants of rules that no test kills, and the score of each module.")
    parser.add_argument("modules", nargs="+", type=Path)
    parser.add_argument("--under", type=float, default=0.0, metavar="PERCENT", help="fail where a score is less")
    parser.add_argument("--tests", nargs="+", default=TESTS, metavar="PATH", help=f"where tests are looked for ({TESTS[0]})")
    split = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    given = parser.parse_args(sys.argv[1:split])
    modules = [Module.of(path) for path in given.modules]
    settings.register_profile(
        "mutants", database=None, derandomize=True, phases=(Phase.explicit, Phase.generate), deadline=None, max_examples=50,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    options = ["-p", "no:xdist", "-p", "no:cacheprovider", "-o", "faulthandler_timeout=0", "-q", "--capture=no"]
    options += ["--hypothesis-profile=mutants", "-m", "not servers", "--rootdir", str(ROOT), *sys.argv[split + 1 :]]
    status = pytest.main([*options, *given.tests], plugins=[Trial(modules, options)])
    if status:
        return int(status)
    everything = Module("together", ROOT, ast.Module([], []), [one for module in modules for one in module.mutants])
    everything.killed = sum(module.killed for module in modules)
    print(f"\n{'module':<28} {'mutants':>7} {'killed':>6} {'%':>6}")
    for module in [*modules, everything] if len(modules) > 1 else modules:
        print(f"{module.name.split('.')[-1]:<28} {len(module.mutants):>7} {module.killed:>6} {_score(module):>6.1f}")
    return int(any(_score(module) < given.under for module in modules))


def _score(module: Module) -> float:
    return 100 * module.killed / len(module.mutants) if module.mutants else 100.0


if __name__ == "__main__":
    sys.exit(main())
