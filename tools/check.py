"""`python -m tools.check`: what must not stand in any file of the repository. Exit status: 0, or 1 with the places.

Looks at what git tracks and at what it would track, so that a slip is seen before it is committed. Names the place and
the kind, never the words found: a secret must not travel on in a build log.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
LARGE = 2 * 1024 * 1024


class Rule(NamedTuple):
    kind: str
    pattern: re.Pattern[str]
    repair: str


# The patterns are written so that none of them matches itself.
RULES = (
    Rule("private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE[ ]KEY-----"), "make it on the first run, keep it under .local/"),
    Rule(
        "access token",
        re.compile(r"\b(?:gh[pousr]_\w{30}|gl[p]at-\S{20}|xox[bp]-\S{10}|AKIA[0-9A-Z]{16}|eyJ[\w-]{15,}\.eyJ[\w-]{15,}\.[\w-]{20})"),
        "take it out and have it revoked",
    ),
    Rule(
        "password in an address",
        re.compile(r"\b[a-z][a-z+]{2,20}://[^\s:/@'\"{}<>$]+:[^\s:/@'\"{}<>$]+@[\w.-]"),
        "read it from the environment",
    ),
    Rule(
        "default secret",
        re.compile(r"(?i)\b\w*(?:secret|password|passwd|api_?key|private_?key)\w*[\"']?\s*[:=]\s*[\"'][A-Za-z0-9+/_=-]{16,}[\"']"),
        "a secret comes from the environment or is made on the first run",
    ),
    Rule(
        "path of a machine",
        re.compile(r"(?<![\w.}/-])/(?:work|root|farm|tmp|home/\w+|Users/\w+)/\w"),
        "say it from the repository's root",
    ),
    Rule(
        "package registry",
        re.compile(r"(?i)https?://[^\s\"'<>)]*(?:p[y]pi|pythonhosted|m[a]ven|n[p]mjs|cr[a]tes\.io|gol[a]ng|artifactory|nexus|devpi)"),
        "name the package, not where it was fetched",
    ),
    Rule(
        "name of an assistant",
        re.compile(r"(?i)\b(?:cl[a]ude|anthr[o]pic|ch[a]tgpt|open[a]i|cop[i]lot|gem[i]ni|gpt-\d)\b|co-auth[o]red-by"),
        "the repository speaks for itself",
    ),
)  # fmt: skip


def findings(name: str, text: str) -> Iterator[str]:
    """What must not stand in this text, as `file:line: kind; repair`."""
    for number, line in enumerate(text.splitlines(), 1):
        for rule in RULES:
            if rule.pattern.search(line):
                yield f"{name}:{number}: {rule.kind}; {rule.repair}"


def tracked(root: Path) -> list[Path]:
    """What git tracks or would track on `git add`."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, check=True).stdout  # noqa: S603 - a fixed command
    return [path for name in listed.decode().split("\0") if name and (path := root / name).is_file()]


def check(root: Path, paths: Iterable[Path]) -> Iterator[str]:
    for path in sorted(paths):
        name, data = str(path.relative_to(root)), path.read_bytes()
        yield from findings(name, name)
        if len(data) > LARGE:
            yield f"{name}: larger than {LARGE} bytes; data of this size does not belong into the history"
        elif b"\0" not in data:
            yield from findings(name, data.decode(errors="replace"))


def main(root: Path = ROOT) -> int:
    paths = tracked(root)
    found = list(check(root, paths))
    for line in found:
        print(f"check: {line}", file=sys.stderr)
    print(f"check: {len(paths)} files, {len(found)} findings")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
