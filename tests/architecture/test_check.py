"""`tools.check` finds what must not stand in the repository. Samples are put together here, so that it passes itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools.check import LARGE, ROOT, check, findings, main, tracked

CAUGHT = [
    ("private key", "-----BEGIN " + "PRIVATE KEY-----"),
    ("private key", "-----BEGIN RSA " + "PRIVATE KEY-----"),
    ("access token", "ghp" + "_" + "a1" * 18),
    ("access token", "AKIA" + "ABCDEFGHIJKLMNOP"),
    ("access token", "Bearer " + ".".join(["eyJ" + "a" * 20, "eyJ" + "b" * 30, "c" * 40])),
    ("password in an address", "mongodb://admin:" + "hunter2@db.example"),
    ("default secret", 'client_secret = "' + "9f86d081884c7d65" + '"'),
    ("default secret", '"api-key": '.replace("-", "_") + "'" + "Zm9vYmFyYmF6cXV4eA==" + "'"),
    ("path of a machine", "see /" + "work/main/README.md"),
    ("path of a machine", "cp x /" + "home/somebody/x"),
    ("path of a machine", "open('/" + "tmp/x')"),
    ("package registry", "https://files.python" + "hosted.org/packages"),
    ("package registry", "http://mirror.example/py" + "pi/simple"),
    ("name of an assistant", "written with Cl" + "aude"),
    ("name of an assistant", "Co-auth" + "ored-by: somebody"),
]
FINE = [
    "password = settings.smtp_password.get_secret_value()",
    "client_secret: SecretStr",
    "mongodb://127.0.0.1:27017/?replicaSet=rs0",
    'DATABASE_URI = f"mongodb://{user}:{password}@{host}"',
    "/".join(("GET /v1/tasks/{id}", "work/done, docs/home/page, ./tmp/x, {root}", "work/x")),
    "the OpenAPI document, cursor paging",
    "https://www.rfc-editor.org/rfc/rfc9457",
    "jackson==2.19 --hash=sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
]


@pytest.mark.parametrize(("kind", "line"), CAUGHT)
def test_it_is_caught_and_not_repeated(kind: str, line: str) -> None:
    (found,) = findings("file.py", f"first\n{line}\n")
    assert found.startswith(f"file.py:2: {kind}; ")
    assert line not in found


@pytest.mark.parametrize("line", FINE)
def test_what_is_fine_is_left_alone(line: str) -> None:
    assert list(findings("file.py", line)) == []


def test_it_looks_at_files_before_they_are_committed_and_not_at_ignored_ones(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("ignored\n")
    (tmp_path / "ignored").write_text(CAUGHT[0][1])
    (tmp_path / "new.txt").write_text(CAUGHT[0][1])
    (tmp_path / "binary").write_bytes(b"\0" + CAUGHT[0][1].encode())
    (tmp_path / "large").write_bytes(b"x" * (LARGE + 1))
    found = list(check(tmp_path, tracked(tmp_path)))
    assert [line.split(":")[0] for line in found] == ["large", "new.txt"]


def test_the_repository_is_clean() -> None:
    assert main(ROOT) == 0
